/**
 * Uploads a large file in parts: some sent, some copied from its base by the server.
 *
 * Keeps: content becomes visible by one Complete, under the precondition of the upload.
 */
import { PailError } from '../../shared/errors.ts'
import type { Etag } from '../s3/object-store.ts'
import { type Committed, commitOnce } from './upload-commit.ts'
import { isCode, type UploadRun } from './upload-job.ts'
import { openMultipart, type PartsOutcome } from './upload-parts-open.ts'
import { PartsSending } from './upload-parts-send.ts'
import type { UploadPart } from './upload-plan.ts'
import { compositeEtag, isSameEtag } from './upload-proof.ts'
import type { MultipartRecord } from './upload-record.ts'

export async function uploadParts(
  run: UploadRun,
  parts: readonly UploadPart[],
): Promise<PartsOutcome> {
  const opened = await openMultipart(run, parts)
  if (opened.kind !== 'open') return opened
  const sending = new PartsSending(run, parts, opened)
  const interruption = await sending.all()
  if (interruption) return interruption
  return complete(run, opened.multipart, sending.etags)
}

type PartEtags = ReadonlyArray<{ readonly partNumber: number; readonly etag: Etag }>

async function complete(
  run: UploadRun,
  multipart: MultipartRecord,
  parts: PartEtags,
): Promise<PartsOutcome> {
  const expected = compositeEtag(parts.map(({ etag }) => etag))
  if (!run.job.isCurrent()) return { kind: 'superseded' }
  // A crash after Complete must not make the next content of this file a conflict with it.
  if (run.precondition) await run.keeper.noteAttempted(run.attempt(expected))
  return run.request((signal) => completeOnce(run, { multipart, parts, expected }, signal))
}

type Completion = {
  readonly multipart: MultipartRecord
  readonly parts: PartEtags
  readonly expected: Etag | undefined
}

async function completeOnce(
  run: UploadRun,
  { multipart: { key, uploadId }, parts, expected }: Completion,
  signal: AbortSignal,
): Promise<PartsOutcome> {
  const { store } = run.job
  let committed: Committed
  try {
    committed = await commitOnce(
      {
        run,
        sent: run.sent(expected),
        conditional: 'conditionalComplete',
        send: (precondition, sending) =>
          store.completeMultipart(
            { key, uploadId, parts, ...(precondition ? { precondition } : {}) },
            sending,
          ),
        hasContent: (_, looking) => isUsedUp(run, { key, uploadId }, looking),
      },
      signal,
    )
  } catch (thrown) {
    // Gone: an earlier Complete, whose reply was lost, has used it up, or somebody aborted it.
    if (isCode(thrown, 's3/no-key')) {
      const head = await run.head(signal)
      if (head && run.isLanded(head, expected)) return { kind: 'stored', etag: head.etag }
      // S3 answers the same when the object that If-Match names was deleted.
      if (!head && run.precondition && 'ifMatch' in run.precondition) {
        throw new PailError('s3/precondition', 'the object was deleted', { key }, thrown)
      }
      return { kind: 'gone', error: thrown }
    }
    if (isCode(thrown, 's3/rejected')) return { kind: 'gone', error: thrown }
    throw thrown
  }
  if (committed.kind === 'superseded') return { kind: 'superseded' }
  if (committed.kind === 'found') return { kind: 'stored', etag: committed.etag }
  return { kind: 'stored', etag: await verified(run, { expected, etag: committed.etag, signal }) }
}

/** Only a Complete of ours ends the upload that was open a moment ago: that one has landed. */
async function isUsedUp(
  run: UploadRun,
  { key, uploadId }: Pick<MultipartRecord, 'key' | 'uploadId'>,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await run.job.store.listParts(key, uploadId, signal)
    return false
  } catch (thrown) {
    if (isCode(thrown, 's3/no-key')) return true
    throw thrown
  }
}

/** Each part was verified by itself; what is left to see is that the server put them together. */
async function verified(
  run: UploadRun,
  { expected, etag, signal }: { expected: Etag | undefined; etag: Etag; signal: AbortSignal },
): Promise<Etag> {
  if (expected && isSameEtag(etag, expected)) return etag
  const head = await run.head(signal)
  if (head?.sizeBytes === run.job.source.sizeBytes) return head.etag
  if (head && run.precondition) await run.keeper.noteAttempted({ etag })
  throw new PailError('s3/integrity', `completed as ${etag} with another length`, {
    key: run.job.key,
    sizeBytes: head?.sizeBytes ?? -1,
  })
}
