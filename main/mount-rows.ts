/** What the window shows per mount: the engine's view joined with what main remembers. Pure. */
import type { PailError } from '../shared/errors.ts'
import type { MountView, StatusView } from '../shared/model.ts'
import type { MountRow } from '../shared/window-contract.ts'
import type { ConnectionRecord, SettingsData, WantedMount } from './settings.ts'
import type { EngineCondition } from './supervisor.ts'

export type RowFacts = {
  readonly settings: SettingsData
  readonly status: StatusView | undefined
  /** Why a wanted mount is not there, by its folder. */
  readonly faults: ReadonlyMap<string, PailError>
  readonly condition: EngineCondition
}

export function mountRows(facts: RowFacts): MountRow[] {
  const { settings, status } = facts
  const engineMounts = status?.mounts ?? []
  const wantedDirs = new Set(settings.mounts.map((mount) => mount.dir))
  const wanted = settings.mounts.map((mount) => {
    const connection = settings.connections.find(({ id }) => id === mount.connectionId)
    const view = engineMounts.find(({ dir }) => dir === mount.dir)
    return wantedRow(facts, mount, { connection, view })
  })
  const foreign = engineMounts
    .filter(({ dir, state }) => !wantedDirs.has(dir) && state !== 'stopped')
    .map((view) => ({ ...view, isWanted: false, isMounted: true }))
  return [...wanted, ...foreign]
}

type Joined = {
  readonly connection: ConnectionRecord | undefined
  readonly view: MountView | undefined
}

function wantedRow(facts: RowFacts, mount: WantedMount, joined: Joined): MountRow {
  const { connection, view } = joined
  const isServed = view !== undefined && view.state !== 'stopped' && view.state !== 'failed'
  const base = {
    ...blankView(mount, connection),
    ...view,
    isWanted: mount.isActive,
    isMounted: isServed,
    connectionId: mount.connectionId,
    ...(connection === undefined ? {} : { connectionName: connection.name }),
  }
  if (isServed || !mount.isActive) return base
  const fault = facts.faults.get(mount.dir)
  if (fault !== undefined) return { ...base, ...stateOf(fault), reason: fault.remedy }
  if (view?.state === 'failed') return base
  const reason = facts.condition.reason
  return { ...base, state: 'starting', ...(reason === undefined ? {} : { reason }) }
}

function stateOf(fault: PailError): Pick<MountView, 'state'> {
  const isKeyTrouble = fault.code.startsWith('auth/') || fault.code.startsWith('keychain/')
  if (isKeyTrouble) return { state: 'needs-sign-in' }
  return { state: fault.retry === 'when-online' ? 'offline' : 'failed' }
}

function blankView(mount: WantedMount, connection: ConnectionRecord | undefined): MountView {
  const subpath = mount.subpath.replace(/^\/+|\/+$/g, '')
  return {
    dir: mount.dir,
    bucket: mount.bucket,
    prefix: subpath === '' ? '' : `${subpath}/`,
    endpointUrl: connection?.endpointUrl ?? '',
    readOnly: mount.readOnly,
    state: 'stopped',
    pendingFiles: 0,
    pendingBytes: 0,
    renamedItems: 0,
    errors: [],
  }
}
