/** The open dialog, if there is one. */
import { useNavigation } from '../navigation.ts'
import { useConnections, useStatus } from '../queries.ts'
import { AddConnectionDialog } from './add-connection.tsx'
import { BudgetDialog } from './budget.tsx'
import { CacheLimitDialog } from './cache-limit.tsx'
import { DeleteHeldDialog } from './delete-held.tsx'
import { ForeignUploadsDialog } from './foreign-uploads.tsx'
import { MountDialog } from './mount.tsx'
import { RemoveConnectionDialog } from './remove-connection.tsx'
import { RemoveMountDialog } from './remove-mount.tsx'
import { RenewKeysDialog } from './renew-keys.tsx'
import { UnmountDialog } from './unmount.tsx'

const OF_CONNECTION = {
  'remove-connection': RemoveConnectionDialog,
  'renew-keys': RenewKeysDialog,
  budget: BudgetDialog,
} as const

const OF_MOUNT = {
  unmount: UnmountDialog,
  'remove-mount': RemoveMountDialog,
  'foreign-uploads': ForeignUploadsDialog,
  'delete-held': DeleteHeldDialog,
} as const

export function Dialogs() {
  const { dialog, closeDialog } = useNavigation()
  const { status } = useStatus()
  const { data: connections = [] } = useConnections()
  if (dialog === undefined) return null
  if (dialog.kind === 'add-connection') return <AddConnectionDialog onClose={closeDialog} />
  if (dialog.kind === 'cache-limit') return <CacheLimitDialog onClose={closeDialog} />
  if (dialog.kind === 'mount') {
    return <MountDialog key={dialog.bucket} target={dialog} onClose={closeDialog} />
  }
  if ('id' in dialog) {
    const connection = connections.find(({ id }) => id === dialog.id)
    if (connection === undefined) return null
    const Shown = OF_CONNECTION[dialog.kind]
    return <Shown connection={connection} onClose={closeDialog} />
  }
  const mount = status.mounts.find(({ dir }) => dir === dialog.dir)
  if (mount === undefined) return null
  const Shown = OF_MOUNT[dialog.kind]
  return <Shown key={dialog.dir} mount={mount} onClose={closeDialog} />
}
