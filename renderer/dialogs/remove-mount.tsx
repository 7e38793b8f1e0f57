/** Takes a folder off the list. */
import { pendingSentence } from '../../shared/sentences.ts'
import type { MountRow } from '../../shared/window-contract.ts'
import { useAction } from '../queries.ts'
import { folderName } from '../view/mount-state.ts'
import { ConfirmDialog } from './confirm.tsx'

type RemoveMountProps = { readonly mount: MountRow; readonly onClose: () => void }

export function RemoveMountDialog({ mount, onClose }: RemoveMountProps) {
  const remove = useAction('mounts/remove')
  const { pendingFiles } = mount
  const kept = 'It is unmounted and leaves the list. Nothing in the bucket is deleted.'
  const pending = `${pendingSentence(mount)}; that goes on.`
  return (
    <ConfirmDialog
      title={`Remove ${folderName(mount.dir)} from the list?`}
      text={pendingFiles === 0 ? kept : `${kept} ${pending}`}
      action="Remove"
      isPending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate({ dir: mount.dir }, { onSuccess: onClose })}
      onClose={onClose}
    />
  )
}
