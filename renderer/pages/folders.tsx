/** The start page: a row per mount, or the ways in when there is none. */
import { Button, Skeleton } from '@mantine/core'
import { IconFolderPlus } from '@tabler/icons-react'
import type { WindowStatus } from '../../shared/window-contract.ts'
import { useNavigation } from '../navigation.ts'
import { EmptyState } from '../parts/empty-state.tsx'
import { FolderRow } from '../parts/folder-row.tsx'
import { Logo } from '../parts/logo.tsx'
import { Page } from '../parts/page.tsx'
import { useConnections, useStatus } from '../queries.ts'
import classes from './folders.module.css'

export function FoldersPage() {
  const { status, isLoaded } = useStatus()
  const { data: connections } = useConnections()
  const { goTo } = useNavigation()
  const isLoading = !isLoaded || connections === undefined
  const hasConnections = (connections?.length ?? 0) > 0
  const addButton = hasConnections && (
    <Button leftSection={<IconFolderPlus size={17} />} onClick={() => goTo('buckets')}>
      Mount a bucket
    </Button>
  )
  return (
    <Page title="Folders" actions={status.mounts.length > 0 && addButton}>
      {isLoading && <LoadingRows />}
      {!isLoading && status.mounts.length > 0 && <FolderList status={status} />}
      {!isLoading && status.mounts.length === 0 && hasConnections && <NoFolders />}
      {!isLoading && status.mounts.length === 0 && !hasConnections && <FirstRun />}
    </Page>
  )
}

function FolderList({ status }: { readonly status: WindowStatus }) {
  return (
    <ul className={classes.list} aria-label="Mounted folders">
      {status.mounts.map((mount) => (
        <FolderRow key={mount.dir} mount={mount} />
      ))}
    </ul>
  )
}

function LoadingRows() {
  return (
    <div className={classes.loading} aria-busy="true" role="status" aria-label="Loading folders">
      <Skeleton height={76} radius="md" />
      <Skeleton height={76} radius="md" />
    </div>
  )
}

function NoFolders() {
  const { goTo } = useNavigation()
  return (
    <EmptyState
      icon={<IconFolderPlus size={44} stroke={1.3} aria-hidden />}
      title="No folders yet"
      text="Choose a bucket, and it becomes a folder on this computer. Files open as if they were here; what you save goes to the bucket."
    >
      <Button onClick={() => goTo('buckets')}>Choose a bucket</Button>
    </EmptyState>
  )
}

function FirstRun() {
  const { open } = useNavigation()
  return (
    <EmptyState
      icon={<Logo size={64} />}
      title="Your buckets, as folders"
      text="Connect to IBM Cloud Object Storage, AWS or any S3 server. Paste a service credential or an s3fs password line, or type the keys and the endpoint. The secret key goes to the keychain of this computer and nowhere else."
    >
      <Button onClick={() => open({ kind: 'add-connection' })}>Add a connection</Button>
    </EmptyState>
  )
}
