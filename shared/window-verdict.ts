/** The one sentence of window and tray: the engine's verdict, and what only the app knows. Pure. */
import { formatCount } from './sentences.ts'
import type { VerdictView } from './sync-model.ts'
import type { MountRow, WindowStatus } from './window-contract.ts'

/** `none`: there is no folder yet. */
export type WindowVerdictKind = VerdictView['kind'] | 'none'

export type WindowVerdict = {
  readonly kind: WindowVerdictKind
  readonly sentence: string
  /** Why work rests. */
  readonly note?: string
}

/** The first that holds: a person is needed; the engine is away; nothing is mounted; its verdict. */
export function windowVerdict(status: WindowStatus): WindowVerdict {
  const { mounts, engine, sync } = status
  if (sync?.verdict.kind === 'attention') return sync.verdict
  const folders = mounts.filter(needsPerson).length
  if (folders > 0) {
    const verb = folders === 1 ? 'needs' : 'need'
    return { kind: 'attention', sentence: `${formatCount(folders, 'folder')} ${verb} attention` }
  }
  if (sync === undefined || engine.state === 'restarting') {
    return { kind: 'working', sentence: engine.reason ?? 'Pail starts' }
  }
  if (mounts.length === 0 && sync.counts.pendingFiles === 0) {
    return { kind: 'none', sentence: 'No folders yet' }
  }
  const isCutOff = sync.verdict.kind === 'done' && mounts.some(({ state }) => state === 'offline')
  const kind = isCutOff ? 'offline' : sync.verdict.kind
  const note = noteOf(kind, sync)
  return { kind, sentence: sync.verdict.sentence, ...(note === undefined ? {} : { note }) }
}

/** A folder whose trouble no upload shows. */
export function needsPerson({ state, heldDeletes }: MountRow): boolean {
  if (heldDeletes !== undefined) return true
  return state === 'needs-sign-in' || state === 'read-only-fault' || state === 'failed'
}

function noteOf(
  kind: WindowVerdictKind,
  { isWorkingOffline, isPaused }: NonNullable<WindowStatus['sync']>,
): string | undefined {
  if (isWorkingOffline) return 'Working offline'
  if (isPaused) return 'Uploads are paused'
  return kind === 'offline' ? 'No connection' : undefined
}
