/**
 * Adds a connection: pasted or typed. Main tries the keys before it stores anything.
 *
 * Keeps: the secret lives in this form alone and leaves it when the dialog closes.
 */
import { Autocomplete, Button, PasswordInput, TextInput } from '@mantine/core'
import { type UseFormReturnType, useForm } from '@mantine/form'
import { useState } from 'react'
import { useNavigation } from '../navigation.ts'
import { Failure } from '../parts/failure.tsx'
import { useAction } from '../queries.ts'
import type { Recognised } from '../view/credential-paste.ts'
import {
  completeUrl,
  endpointFault,
  endpointWarning,
  IBM_ENDPOINTS,
  nameFor,
  regionOf,
} from '../view/endpoint.ts'
import { CredentialPaste } from './credential-paste.tsx'
import classes from './dialog.module.css'
import { Dialog, DialogButtons } from './dialog.tsx'

const EMPTY = {
  name: '',
  endpointUrl: '',
  region: '',
  accessKeyId: '',
  secretAccessKey: '',
  bucket: '',
}
type ConnectionForm = UseFormReturnType<typeof EMPTY>

export function AddConnectionDialog({ onClose }: { readonly onClose: () => void }) {
  const { showBuckets } = useNavigation()
  const add = useAction('connections/add')
  const [isUnlistable, setUnlistable] = useState(false)
  const form = useForm({
    initialValues: EMPTY,
    validate: {
      endpointUrl: (value) => endpointFault(value) ?? null,
      accessKeyId: (value) => (value.trim() === '' ? 'Type the access key.' : null),
      secretAccessKey: (value) => (value.trim() === '' ? 'Type the secret key.' : null),
    },
  })
  const submit = form.onSubmit((values) => {
    add.mutate(connectionFrom(values), {
      onSuccess: (connection) => {
        onClose()
        showBuckets(connection.id)
      },
      onError: () => setUnlistable(true),
    })
  })
  return (
    <Dialog title="Add a connection" size={560} onClose={onClose}>
      <form className={classes.form} onSubmit={submit} noValidate>
        <CredentialPaste onRecognise={(keys) => fillIn(form, keys)} />
        <Fields form={form} isBucketWanted={isUnlistable || form.values.bucket !== ''} />
        {add.error !== null && <Failure error={add.error} title="Nothing was stored" />}
        <DialogButtons hint="The secret key goes to your keychain.">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={add.isPending}>
            Connect
          </Button>
        </DialogButtons>
      </form>
    </Dialog>
  )
}

function connectionFrom(values: typeof EMPTY) {
  const endpointUrl = completeUrl(values.endpointUrl)
  const bucket = values.bucket.trim()
  return {
    name: values.name.trim() || nameFor(endpointUrl) || 'Connection',
    endpointUrl,
    region: values.region.trim() || regionOf(endpointUrl),
    accessKeyId: values.accessKeyId.trim(),
    secretAccessKey: values.secretAccessKey.trim(),
    ...(bucket === '' ? {} : { bucket }),
  }
}

function fillIn(form: ConnectionForm, keys: Extract<Recognised, { kind: 'keys' }>): void {
  const { accessKeyId, secretAccessKey, bucket } = keys
  form.setValues({ accessKeyId, secretAccessKey, ...(bucket === undefined ? {} : { bucket }) })
  form.clearErrors()
}

type FieldsProps = { readonly form: ConnectionForm; readonly isBucketWanted: boolean }

function Fields({ form, isBucketWanted }: FieldsProps) {
  const { endpointUrl } = form.values
  const warning = endpointWarning(endpointUrl)
  return (
    <>
      <div className={`${classes.pair} ${classes.wideFirst}`}>
        <Autocomplete
          label="Endpoint"
          placeholder="https://s3.eu-de.cloud-object-storage.appdomain.cloud"
          data={[...IBM_ENDPOINTS]}
          limit={8}
          selectFirstOptionOnChange={false}
          comboboxProps={{ transitionProps: { duration: 80 } }}
          {...form.getInputProps('endpointUrl')}
          inputWrapperOrder={['label', 'input', 'error', 'description']}
          classNames={{ description: classes.warning ?? '' }}
          {...(warning === undefined ? {} : { description: warning })}
        />
        <TextInput
          label="Region"
          placeholder={regionOf(endpointUrl)}
          {...form.getInputProps('region')}
        />
      </div>
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
      <div className={classes.pair}>
        <TextInput
          label="Name"
          placeholder={nameFor(endpointUrl) || 'How you call it'}
          {...form.getInputProps('name')}
        />
        <TextInput
          label="Bucket"
          placeholder="Any"
          {...form.getInputProps('bucket')}
          {...(isBucketWanted ? {} : { placeholder: 'Only if the keys may not list' })}
        />
      </div>
    </>
  )
}
