/** Statuses for tests of the window. */
import type { MountRow, WindowStatus } from '../../../shared/window-contract.ts'

export const CONNECTION_ID = '00000000-0000-4000-8000-000000000001'

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
    connectionId: CONNECTION_ID,
    connectionName: 'Lab',
    ...over,
  }
}

export function statusOf(...mounts: readonly MountRow[]): WindowStatus {
  return { engine: { state: 'running', isShared: false }, mounts: [...mounts] }
}
