/** What waits for a person, and what would help. Pure. */
import { formatCount } from '../../shared/sentences.ts'
import type { AttentionEntry, AttentionGroup, SyncView } from '../../shared/sync-model.ts'
import type { MountRow, WindowStatus } from '../../shared/window-contract.ts'
import { needsPerson } from '../../shared/window-verdict.ts'

/** Newer keys would help, or a keychain that is open. */
export function isAboutKeys({ cause }: Pick<AttentionGroup, 'cause'>): boolean {
  return cause === 'auth/denied' || cause === 'auth/bad-key' || cause.startsWith('keychain/')
}

/** The connection of the folder that shows this bucket. */
export function connectionOf(mounts: readonly MountRow[], bucket: string): string | undefined {
  return mounts.find((mount) => mount.bucket === bucket && mount.connectionId)?.connectionId
}

/** `AccessDenied · HTTP 403 · request 17C4…`: for whoever looks after the server. */
export function serverWords({ serverCode, httpStatus, requestId, detail }: AttentionEntry): string {
  const facts = [
    ...(serverCode === undefined ? [] : [serverCode]),
    ...(httpStatus === undefined ? [] : [`HTTP ${httpStatus}`]),
    ...(requestId === undefined ? [] : [`request ${requestId}`]),
  ]
  return facts.length > 0 ? facts.join(' · ') : detail
}

/** `1,204 removed files are still in the bucket.` */
export function heldSentence({ count }: NonNullable<MountRow['heldDeletes']>): string {
  return `${formatCount(count, 'removed file')} ${count === 1 ? 'is' : 'are'} still in the bucket`
}

/** The question about removed files is asked by the folder, where it is mounted. */
export function groupsBeside(
  groups: readonly AttentionGroup[],
  mounts: readonly MountRow[],
): AttentionGroup[] {
  const isAsked = mounts.some(({ heldDeletes }) => heldDeletes !== undefined)
  return groups.filter(({ cause }) => cause !== 'mount/deletes-held' || !isAsked)
}

/** `runs/a.h5, runs/b.h5 and 1,202 more` */
export function heldNames({ count, examples = [] }: NonNullable<MountRow['heldDeletes']>): string {
  const more = count - examples.length
  if (examples.length === 0) return ''
  const rest = more > 0 ? ` and ${more.toLocaleString('en-US')} more` : ''
  return `${examples.join(', ')}${rest}`
}

export type ActivityCounts = {
  readonly queue: number
  readonly attention: number
  readonly conflicts: number
}

const NOTHING: Pick<SyncView, 'counts' | 'queue'> = {
  counts: {
    pendingFiles: 0,
    pendingBytes: 0,
    uploading: 0,
    downloading: 0,
    failed: 0,
    conflicts: 0,
  },
  queue: { total: 0, entries: [] },
}

export function activityCounts({ sync, mounts }: WindowStatus): ActivityCounts {
  const { counts, queue } = sync ?? NOTHING
  return {
    queue: queue.total,
    attention: counts.failed - (counts.heldDeletes ?? 0) + mounts.filter(needsPerson).length,
    conflicts: counts.conflicts,
  }
}
