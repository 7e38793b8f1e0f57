/** Forgets a connection and its secret. */
import type { ConnectionView } from '../../shared/model.ts'
import { useAction } from '../queries.ts'
import { ConfirmDialog } from './confirm.tsx'

type RemoveConnectionProps = {
  readonly connection: ConnectionView
  readonly onClose: () => void
}

export function RemoveConnectionDialog({ connection, onClose }: RemoveConnectionProps) {
  const remove = useAction('connections/remove')
  return (
    <ConfirmDialog
      title={`Remove ${connection.name}?`}
      text="Its secret key is deleted from the keychain. Nothing in its buckets changes."
      action="Remove"
      isPending={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate({ id: connection.id }, { onSuccess: onClose })}
      onClose={onClose}
    />
  )
}
