/** Statuses for tests of the window. */
import type { SyncView } from '../../../shared/sync-model.ts'
import { verdictOf } from '../../../shared/verdict.ts'
import type { MountRow, WindowStatus } from '../../../shared/window-contract.ts'
import { syncView } from '../../support/sync-view.ts'

export const CONNECTION_ID = '00000000-0000-4000-8000-000000000001'

const UNMOUNTED: ReadonlySet<string> = new Set(['stopped', 'failed', 'needs-sign-in'])

export function mountRow(over: Partial<MountRow> = {}): MountRow {
  return {
    dir: '/home/ana/Pail/data',
    bucket: 'data',
    prefix: '',
    endpointUrl: 'https://s3.example.org',
    readOnly: false,
    state: 'mounted',
    pendingFiles: 0,
    pendingBytes: 0,
    renamedItems: 0,
    errors: [],
    isWanted: true,
    isMounted: !UNMOUNTED.has(over.state ?? 'mounted'),
    connectionId: CONNECTION_ID,
    connectionName: 'Lab',
    ...over,
  }
}

/** What the engine says of these folders. */
export function statusOf(...mounts: readonly MountRow[]): WindowStatus {
  const sum = (of: (mount: MountRow) => number) =>
    mounts.reduce((total, mount) => total + of(mount), 0)
  const counts = {
    ...syncView().counts,
    pendingFiles: sum(({ pendingFiles }) => pendingFiles),
    pendingBytes: sum(({ pendingBytes }) => pendingBytes),
    failed: sum(({ errors }) => errors.length),
  }
  return {
    engine: { state: 'running', isShared: false },
    mounts: [...mounts],
    sync: syncWith({ counts }),
  }
}

/** A sync view whose verdict fits its figures. */
export function syncWith(over: Partial<SyncView>): SyncView {
  const sync = syncView(over)
  return { ...sync, verdict: verdictOf({ ...sync, isOffline: false }) }
}
