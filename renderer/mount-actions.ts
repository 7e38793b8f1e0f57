/** What can be done with a mount from anywhere in the window; failures become messages. */
import { notifications } from '@mantine/notifications'
import { PailError } from '../shared/errors.ts'
import type { MountRow } from '../shared/window-contract.ts'
import { useAction } from './queries.ts'
import { folderName } from './view/mount-state.ts'

export function showFailure(title: string, thrown: unknown): void {
  notifications.show({ color: 'red', title, message: PailError.from(thrown).remedy })
}

export function useMountActions() {
  const open = useAction('folders/open')
  const start = useAction('mounts/start')
  return {
    isMounting: start.isPending,
    openFolder: (dir: string) => {
      const onError = (thrown: unknown) => showFailure('The folder cannot be opened', thrown)
      open.mutate({ dir }, { onError })
    },
    /** Mounts a folder of the list again. Without its connection there are no keys for it. */
    mount: ({ connectionId, bucket, prefix, dir, readOnly }: MountRow) => {
      if (connectionId === undefined) return
      const input = { connectionId, bucket, subpath: prefix, dir, readOnly }
      const onError = (thrown: unknown) => showFailure(`${folderName(dir)} is not mounted`, thrown)
      start.mutate(input, { onError })
    },
    copyPath: (dir: string) => {
      navigator.clipboard.writeText(dir).then(
        () => notifications.show({ message: 'Local path copied' }),
        (thrown: unknown) => showFailure('The path was not copied', thrown),
      )
    },
  }
}
