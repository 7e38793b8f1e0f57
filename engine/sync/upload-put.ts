/**
 * Uploads a small file by exactly one PUT.
 *
 * Keeps: the body is complete in memory before anything is sent, so that what is sent is one
 *        state of the file; it counts as stored only when its digest, or its size where the server
 *        gives no digest, was seen to be right.
 */
import { PailError } from '../../shared/errors.ts'
import type { Etag } from '../s3/object-store.ts'
import { commitOnce } from './upload-commit.ts'
import type { UploadRun } from './upload-job.ts'
import { etagOfMd5, hasMd5Form, isSameEtag, md5Of } from './upload-proof.ts'

/** An object is read back in pieces of this size when its ETag cannot be believed. */
const READ_BACK_BYTES = 1024 * 1024

/** @returns the new version, or undefined when the content was superseded */
export async function putWhole(run: UploadRun): Promise<Etag | undefined> {
  const { job } = run
  const release = await run.deps.buffers.reserve(job.source.sizeBytes, job.signal)
  try {
    if (!job.isCurrent()) return undefined
    const body = new Uint8Array(job.source.sizeBytes)
    if (body.length > 0) await job.source.read(0, body, job.signal)
    const md5Hex = await md5Of(body)
    const expected = etagOfMd5(md5Hex)
    if (!job.isCurrent()) return undefined
    // A crash after the PUT must not make the next content of this file a conflict with it.
    if (run.precondition) await run.keeper.noteAttempted(run.attempt(expected))
    return await run.request((signal) => putOnce(run, { body, md5Hex, expected }, signal))
  } finally {
    release()
  }
}

type Whole = {
  readonly body: Uint8Array
  readonly md5Hex: string
  readonly expected: Etag
}

async function putOnce(
  run: UploadRun,
  whole: Whole,
  signal: AbortSignal,
): Promise<Etag | undefined> {
  const { job } = run
  const { body, md5Hex, expected } = whole
  const committed = await commitOnce(
    {
      run,
      sent: run.sent(expected),
      conditional: 'conditionalPut',
      send: (precondition, sending) =>
        job.store.put(
          {
            ...job.attributes,
            key: job.key,
            body,
            md5Hex,
            onSent: (sentBytes) => job.onProgress?.({ doneBytes: sentBytes }),
            ...(precondition ? { precondition } : {}),
          },
          sending,
        ),
      hasContent: (etag, looking) => isReadBack(run, body, { etag, signal: looking }),
    },
    signal,
  )
  if (committed.kind === 'superseded') return undefined
  if (committed.kind === 'found') return committed.etag
  return verified(run, whole, { etag: committed.etag, signal })
}

/** @throws PailError `s3/integrity` when other bytes are stored than were sent */
async function verified(
  run: UploadRun,
  whole: Whole,
  reply: { etag: Etag; signal: AbortSignal },
): Promise<Etag> {
  if (isSameEtag(reply.etag, whole.expected)) return reply.etag
  const head = await run.head(reply.signal)
  const hasSize = head?.sizeBytes === whole.body.length
  if (head && hasSize && isSameEtag(head.etag, whole.expected)) return head.etag
  const isAsReplied = head && hasSize && isSameEtag(head.etag, reply.etag)
  if (isAsReplied && (!run.etagIsMd5 || !hasMd5Form(reply.etag))) return head.etag
  if (isAsReplied && (await isReadBack(run, whole.body, reply))) {
    run.lacks('etagIsMd5')
    return head.etag
  }
  // It is ours all the same: to replace it is no conflict.
  if (run.precondition) await run.keeper.noteAttempted({ etag: reply.etag })
  throw new PailError('s3/integrity', `stored as ${reply.etag}, sent ${whole.expected}`, {
    key: run.job.key,
  })
}

async function isReadBack(
  run: UploadRun,
  body: Uint8Array,
  { etag, signal }: { etag: Etag; signal: AbortSignal },
): Promise<boolean> {
  for (let offset = 0; offset < body.length; offset += READ_BACK_BYTES) {
    const sent = body.subarray(offset, offset + READ_BACK_BYTES)
    const into = new Uint8Array(sent.length)
    await run.job.store.get({ key: run.job.key, etag, offset, into }, signal)
    if (Buffer.compare(sent, into) !== 0) return false
  }
  return true
}
