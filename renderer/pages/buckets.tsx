/** The buckets of one connection, to be mounted. */
import { Button, Select, TextInput } from '@mantine/core'
import { IconBucket, IconPlus, IconRefresh, IconSearch } from '@tabler/icons-react'
import { useState } from 'react'
import { PailError } from '../../shared/errors.ts'
import type { ConnectionView } from '../../shared/model.ts'
import { useNavigation } from '../navigation.ts'
import { BucketTable } from '../parts/bucket-table.tsx'
import { EmptyState } from '../parts/empty-state.tsx'
import { Failure } from '../parts/failure.tsx'
import { Page } from '../parts/page.tsx'
import { UnprotectedMark } from '../parts/unprotected.tsx'
import { useBuckets, useConnections, useStatus } from '../queries.ts'
import { isAboutKeys } from '../view/attention.ts'
import { bucketRows } from '../view/bucket-rows.ts'
import classes from './buckets.module.css'

export function BucketsPage() {
  const { data: connections = [] } = useConnections()
  const { connectionId, showBuckets, open } = useNavigation()
  const current = connections.find(({ id }) => id === connectionId) ?? connections[0]
  const actions = (
    <>
      {current !== undefined && <UnprotectedMark endpointUrl={current.endpointUrl} />}
      {connections.length > 1 && (
        <Select
          aria-label="Connection"
          size="sm"
          w={200}
          allowDeselect={false}
          data={connections.map(({ id, name }) => ({ value: id, label: name }))}
          value={current?.id ?? null}
          onChange={(id) => id !== null && showBuckets(id)}
        />
      )}
      {current !== undefined && (
        <Button
          variant="default"
          leftSection={<IconPlus size={16} />}
          onClick={() => open({ kind: 'add-connection' })}
        >
          Add connection
        </Button>
      )}
    </>
  )
  return (
    <Page title="Buckets" actions={actions}>
      {current === undefined ? <NoConnection /> : <Buckets key={current.id} of={current} />}
    </Page>
  )
}

function NoConnection() {
  const { open } = useNavigation()
  return (
    <EmptyState
      icon={<IconBucket size={44} stroke={1.3} aria-hidden />}
      title="No connection yet"
      text="A connection is an S3 endpoint and the keys for it. Its buckets are listed here."
    >
      <Button onClick={() => open({ kind: 'add-connection' })}>Add a connection</Button>
    </EmptyState>
  )
}

function Buckets({ of: connection }: { readonly of: ConnectionView }) {
  const { status } = useStatus()
  const { data, error, isFetching, refetch } = useBuckets(connection.id)
  const [search, setSearch] = useState('')
  const isListRefused = error !== null && PailError.from(error).code === 'auth/denied'
  if (isListRefused) return <NameBucket connection={connection} />
  if (error !== null) {
    return <BucketsFailed error={error} id={connection.id} retry={() => void refetch()} />
  }
  const rows = bucketRows({
    buckets: data ?? [],
    mounts: status.mounts,
    connectionId: connection.id,
  })
  return (
    <div className={classes.root}>
      <div className={classes.tools}>
        <TextInput
          className={classes.search}
          aria-label="Search buckets"
          placeholder="Search buckets"
          leftSection={<IconSearch size={16} aria-hidden />}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        <Button
          variant="default"
          leftSection={<IconRefresh size={16} />}
          loading={isFetching}
          onClick={() => void refetch()}
        >
          Refresh
        </Button>
      </div>
      <BucketTable
        rows={rows}
        search={search}
        isLoading={data === undefined}
        connectionId={connection.id}
      />
      <OtherBucket connection={connection} />
    </div>
  )
}

type FailedProps = {
  readonly error: unknown
  /** Of the connection. */
  readonly id: string
  readonly retry: () => void
}

function BucketsFailed({ error, id, retry }: FailedProps) {
  const { open } = useNavigation()
  const mayRenew = isAboutKeys({ cause: PailError.from(error).code })
  return (
    <Failure error={error} title="The buckets could not be listed">
      <Button variant="default" size="xs" mt="sm" onClick={retry}>
        Try again
      </Button>
      {mayRenew && (
        <Button
          variant="default"
          size="xs"
          mt="sm"
          ml="xs"
          onClick={() => open({ kind: 'renew-keys', id })}
        >
          Enter newer keys…
        </Button>
      )}
    </Failure>
  )
}

type OfConnection = { readonly connection: ConnectionView }

function NameBucket({ connection }: OfConnection) {
  return (
    <EmptyState
      icon={<IconBucket size={44} stroke={1.3} aria-hidden />}
      title="These keys may not list buckets"
      text="That is usual for keys made for a single bucket. Type the name of the bucket."
    >
      <BucketNameForm connection={connection} />
    </EmptyState>
  )
}

/** Buckets of other accounts do not show in the list although the keys may open them. */
function OtherBucket({ connection }: OfConnection) {
  return (
    <details className={classes.other}>
      <summary>Your bucket is not in the list?</summary>
      <BucketNameForm connection={connection} />
    </details>
  )
}

function BucketNameForm({ connection }: OfConnection) {
  const { open } = useNavigation()
  const [name, setName] = useState('')
  return (
    <form
      className={classes.nameForm}
      onSubmit={(event) => {
        event.preventDefault()
        const bucket = name.trim()
        if (bucket !== '') open({ kind: 'mount', connectionId: connection.id, bucket })
      }}
    >
      <TextInput
        aria-label="Bucket name"
        placeholder="Bucket name"
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Button type="submit" disabled={name.trim() === ''}>
        Mount…
      </Button>
    </form>
  )
}
