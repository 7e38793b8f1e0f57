/**
 * Aborts multipart uploads that nobody will complete: until then the bucket's owner pays for them.
 *
 * Keeps: an upload whose id was lost is aborted only when it has exactly our key, was begun while
 *        we asked for one, is none that is on record, and has no part: ours never got one, because
 *        parts are sent after the id is recorded.
 */
import { PailError } from '../../shared/errors.ts'
import type { MultipartUpload, ObjectStore } from '../s3/object-store.ts'
import { isCode } from './upload-job.ts'
import type { NamelessUpload, OrphanUpload, RecordKeeper, UploadRecord } from './upload-record.ts'

/** The server's clock and ours differ by less, or it refuses our signatures in the end. */
const CLOCK_SKEW_MS = 5 * 60_000
/** Longer than one request, with its retries, is under way. */
const OPENING_DURATION_MS_MAX = 60 * 60_000

/** Runs one request. */
type Ask = <T>(work: (signal: AbortSignal | undefined) => Promise<T>) => Promise<T>

/** @throws PailError when it cannot be aborted now */
export async function abortOrphan(
  { store, record }: { store: ObjectStore; record: UploadRecord },
  orphan: OrphanUpload,
  ask: Ask,
): Promise<void> {
  if ('uploadId' in orphan) {
    return ask((signal) => store.abortMultipart(orphan.key, orphan.uploadId, signal))
  }
  for (const { key, uploadId } of await candidates(store, orphan, ask)) {
    if (isOnRecord(record, uploadId) || !(await hasNoParts(store, { key, uploadId }, ask))) continue
    await ask((signal) => store.abortMultipart(key, uploadId, signal))
  }
}

/** What cannot be aborted now stays in the record, for a later clean-up. */
export async function abortOrphans(
  { store, keeper, request }: OrphanKeeper,
  isMeant: (orphan: OrphanUpload) => boolean = () => true,
): Promise<void> {
  for (const orphan of keeper.record.orphans.filter(isMeant)) {
    try {
      await abortOrphan({ store, record: keeper.record }, orphan, (work) => request(work))
    } catch (thrown) {
      if (!(thrown instanceof PailError)) throw thrown
      return
    }
    await forget(keeper, (other) => other === orphan)
  }
}

export type OrphanKeeper = {
  readonly store: ObjectStore
  readonly keeper: RecordKeeper
  readonly request: <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>
}

/** Takes orphans that are none any more off the record. */
export function forget(
  keeper: RecordKeeper,
  isOver: (orphan: OrphanUpload) => boolean,
): Promise<void> {
  return keeper.change((record) => ({
    ...record,
    orphans: record.orphans.filter((orphan) => !isOver(orphan)),
  }))
}

async function candidates(
  store: ObjectStore,
  { key, sinceMs, untilMs }: NamelessUpload,
  ask: Ask,
): Promise<readonly MultipartUpload[]> {
  try {
    const open = await ask((signal) => store.listMultipart(key, signal))
    return open.filter(
      (upload) =>
        upload.key === key &&
        upload.startedMs >= sinceMs - CLOCK_SKEW_MS &&
        upload.startedMs <= untilMs + OPENING_DURATION_MS_MAX,
    )
  } catch (thrown) {
    // Keys that may write but not list uploads will never find it: trying for ever helps nobody.
    if (isCode(thrown, 'auth/denied') || isCode(thrown, 's3/unsupported')) return []
    throw thrown
  }
}

function isOnRecord({ multipart, orphans }: UploadRecord, uploadId: string): boolean {
  if (multipart?.uploadId === uploadId) return true
  return orphans.some((orphan) => 'uploadId' in orphan && orphan.uploadId === uploadId)
}

async function hasNoParts(
  store: ObjectStore,
  { key, uploadId }: { key: string; uploadId: string },
  ask: Ask,
): Promise<boolean> {
  try {
    const parts = await ask((signal) => store.listParts(key, uploadId, signal))
    return parts.length === 0
  } catch (thrown) {
    if (isCode(thrown, 's3/no-key') || isCode(thrown, 'auth/denied')) return false
    throw thrown
  }
}

const REFUSALS: ReadonlySet<PailError['code']> = new Set([
  'auth/denied',
  'auth/bad-key',
  'auth/clock-skewed',
  's3/no-bucket',
  's3/no-key',
  's3/precondition',
  's3/wrong-region',
  's3/unsupported',
  's3/rejected',
])

/** False when a server that answers so may have done what it was asked for. */
export function isRefusal(thrown: unknown): boolean {
  return thrown instanceof PailError && REFUSALS.has(thrown.code)
}
