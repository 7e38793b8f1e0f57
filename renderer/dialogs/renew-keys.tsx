/**
 * Newer keys for a connection. Main tries them before they take the place of those it has.
 *
 * Keeps: the secret lives in this form alone and leaves it when the dialog closes.
 */
import { Button, PasswordInput, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { notifications } from '@mantine/notifications'
import type { ConnectionView } from '../../shared/model.ts'
import { useMountActions } from '../mount-actions.ts'
import { Failure } from '../parts/failure.tsx'
import { useAction, useStatus } from '../queries.ts'
import { CredentialPaste } from './credential-paste.tsx'
import classes from './dialog.module.css'
import { Dialog, DialogButtons } from './dialog.tsx'

type RenewKeysProps = { readonly connection: ConnectionView; readonly onClose: () => void }

export function RenewKeysDialog({ connection, onClose }: RenewKeysProps) {
  const renew = useAction('connections/renew')
  const mountAgain = useMountAgain(connection.id)
  const form = useForm({
    initialValues: { accessKeyId: '', secretAccessKey: '' },
    validate: {
      accessKeyId: (value) => (value.trim() === '' ? 'Type the access key.' : null),
      secretAccessKey: (value) => (value.trim() === '' ? 'Type the secret key.' : null),
    },
  })
  const submit = form.onSubmit(({ accessKeyId, secretAccessKey }) => {
    const keys = { accessKeyId: accessKeyId.trim(), secretAccessKey: secretAccessKey.trim() }
    renew.mutate(
      { id: connection.id, ...keys },
      {
        onSuccess: () => {
          notifications.show({ message: `${connection.name} has its newer keys` })
          mountAgain()
          onClose()
        },
      },
    )
  })
  return (
    <Dialog title={`Newer keys for ${connection.name}`} size={500} onClose={onClose}>
      <form className={classes.form} onSubmit={submit} noValidate>
        <p className={`${classes.text} ${classes.quiet}`}>
          {connection.endpointUrl}, until now with the access key{' '}
          <span className="selectable">{connection.accessKeyId}</span>. Folders that are mounted go
          on with the newer keys.
        </p>
        <CredentialPaste
          onRecognise={({ accessKeyId, secretAccessKey }) => {
            form.setValues({ accessKeyId, secretAccessKey })
            form.clearErrors()
          }}
        />
        <div className={classes.pair}>
          <TextInput
            label="Access key"
            autoComplete="off"
            spellCheck={false}
            {...form.getInputProps('accessKeyId')}
          />
          <PasswordInput
            label="Secret key"
            autoComplete="off"
            visibilityToggleButtonProps={{ 'aria-label': 'Show the secret key' }}
            {...form.getInputProps('secretAccessKey')}
          />
        </div>
        {renew.error !== null && <Failure error={renew.error} title="The keys were not changed" />}
        <DialogButtons hint="The secret key goes to your keychain.">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={renew.isPending}>
            Use these keys
          </Button>
        </DialogButtons>
      </form>
    </Dialog>
  )
}

/** Folders that the older keys could not mount get another try; those that are mounted have them. */
function useMountAgain(connectionId: string): () => void {
  const { status } = useStatus()
  const actions = useMountActions()
  return () => {
    for (const mount of status.mounts) {
      const isOfIt = mount.connectionId === connectionId && !mount.isMounted
      const isWaiting = isOfIt && mount.state === 'needs-sign-in'
      if (isWaiting) actions.mount(mount)
    }
  }
}
