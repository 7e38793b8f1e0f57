/** Lets the bucket lose what was removed in great number: the answer that cannot be taken back. */
import { formatCount } from '../../shared/sentences.ts'
import type { MountRow } from '../../shared/window-contract.ts'
import { useDeletesAnswer } from '../mount-actions.ts'
import { folderName } from '../view/mount-state.ts'
import { ConfirmDialog } from './confirm.tsx'

type DeleteHeldProps = { readonly mount: MountRow; readonly onClose: () => void }

export function DeleteHeldDialog({ mount, onClose }: DeleteHeldProps) {
  const { remove, isAnswering, error } = useDeletesAnswer(mount)
  const files = formatCount(mount.heldDeletes?.count ?? 0, 'file')
  return (
    <ConfirmDialog
      title={`Delete ${files} in the bucket?`}
      text={`They are gone from ${folderName(mount.dir)} already. Now bucket ${mount.bucket} loses them as well, for everybody who uses it; Pail cannot bring them back then.`}
      action={`Delete ${files}`}
      isPending={isAnswering}
      error={error}
      onConfirm={() => remove(onClose)}
      onClose={onClose}
    />
  )
}
