/** The window: sidebar, one page, at most one dialog, the palette. */
import { useEffect, useMemo, useState } from 'react'
import { assertNever } from '../shared/errors.ts'
import type { ShownPage } from './client.ts'
import { Dialogs } from './dialogs/dialogs.tsx'
import { type Navigation, NavigationContext, type OpenDialog } from './navigation.ts'
import { ActivityPage } from './pages/activity.tsx'
import { BucketsPage } from './pages/buckets.tsx'
import { FoldersPage } from './pages/folders.tsx'
import { OfflinePage } from './pages/offline.tsx'
import { SettingsPage } from './pages/settings.tsx'
import { Palette } from './palette.tsx'
import { useClient, useStatusEvents } from './queries.ts'
import classes from './shell.module.css'
import { Sidebar } from './sidebar.tsx'

export function App() {
  const navigation = useNewNavigation()
  const client = useClient()
  useStatusEvents()
  useEffect(() => client.onShowPage(navigation.goTo), [client, navigation.goTo])
  return (
    <NavigationContext value={navigation}>
      <div className={classes.shell}>
        <Sidebar />
        <CurrentPage page={navigation.page} />
      </div>
      <Dialogs />
      <Palette />
    </NavigationContext>
  )
}

function useNewNavigation(): Navigation {
  const [page, goTo] = useState<ShownPage>('folders')
  const [connectionId, setConnectionId] = useState<string>()
  const [dialog, open] = useState<OpenDialog>()
  return useMemo(
    () => ({
      page,
      goTo,
      connectionId,
      showBuckets: (id: string) => {
        setConnectionId(id)
        goTo('buckets')
      },
      dialog,
      open,
      closeDialog: () => open(undefined),
    }),
    [page, connectionId, dialog],
  )
}

function CurrentPage({ page }: { readonly page: ShownPage }) {
  switch (page) {
    case 'folders':
      return <FoldersPage />
    case 'buckets':
      return <BucketsPage />
    case 'activity':
      return <ActivityPage />
    case 'offline':
      return <OfflinePage />
    case 'settings':
      return <SettingsPage />
    default:
      return assertNever(page)
  }
}
