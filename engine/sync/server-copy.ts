/**
 * Copies an object inside the bucket and makes sure that the copy stands there: for renames (the
 * caller deletes the source afterwards) and for changed attributes (the object onto itself).
 *
 * Keeps: an ETag is returned only after a HEAD showed the copy, whole. Copying again is harmless:
 *        a crash or a lost reply at any point costs requests, never content.
 * Never: deletes the source.
 */
import { ERRORS, PailError } from '../../shared/errors.ts'
import type { Etag } from '../s3/object-store.ts'
import { isSameContent } from './server-compare.ts'
import {
  isCopied,
  isDoubtful,
  isOntoItself,
  type ServerCopy,
  verifyCopy,
} from './server-copy-check.ts'
import { copyInParts } from './server-copy-parts.ts'
import { headOrNone, isCode } from './upload-job.ts'
import { PART_BYTES_MAX } from './upload-plan.ts'
import { isMet, metadataDigest } from './upload-proof.ts'
import { type Attempt, EMPTY_UPLOAD_RECORD } from './upload-record.ts'

/** The largest object that one CopyObject request copies. */
export const SINGLE_COPY_BYTES_MAX = PART_BYTES_MAX

/**
 * @throws PailError `s3/precondition` when the destination or the source is another version,
 *         `s3/no-key` when the source is gone, `s3/unsupported` when the server cannot copy it
 */
export async function serverCopy(copy: ServerCopy): Promise<{ etag: Etag }> {
  try {
    return await copyAsAsked(copy)
  } catch (thrown) {
    const landed = isCode(thrown, 's3/precondition') ? await landedBefore(copy) : undefined
    if (!landed) throw thrown
    return landed
  }
}

/** What stands at the destination, when no ETag can tell that an earlier try of ours made it. */
async function landedBefore(copy: ServerCopy): Promise<{ etag: Etag } | undefined> {
  if (!copy.precondition || isOntoItself(copy)) return undefined
  const look = (signal: AbortSignal) => headOrNone(copy.store, copy.key, signal)
  const head = await copy.requests.run('background', look, copy.signal)
  if (!head || !isDoubtful(copy, head) || !(await isSameContent(copy, head))) return undefined
  return { etag: head.etag }
}

async function copyAsAsked(copy: ServerCopy): Promise<{ etag: Etag }> {
  if (copy.source.sizeBytes <= SINGLE_COPY_BYTES_MAX) {
    return copy.requests.run('background', (signal) => copyOnce(copy, signal), copy.signal)
  }
  const landed = await copy.requests.run(
    'background',
    (signal) => lookBefore(copy, signal),
    copy.signal,
  )
  return landed ?? copyInParts(copy)
}

async function copyOnce(copy: ServerCopy, signal: AbortSignal): Promise<{ etag: Etag }> {
  const landed = await lookBefore(copy, signal)
  if (landed) return landed
  const { store, source, key, replace } = copy
  // By the time that its answer is known to be lost, nothing may want it there any more.
  const save = leavesAnother(copy) && !copy.isVerifiedLater ? copy.save : undefined
  await save?.({ ...EMPTY_UPLOAD_RECORD, attempted: [attemptOf(copy)] })
  let reply: { etag: Etag }
  try {
    reply = await store.copy(
      {
        sourceKey: source.key,
        key,
        sourceEtag: source.etag,
        ...(replace ? { replace } : {}),
        ...(copy.storageClass ? { storageClass: copy.storageClass } : {}),
      },
      signal,
    )
  } catch (thrown) {
    if (isRefused(thrown)) await save?.(undefined)
    // A copy onto itself may change the ETag: the second try then fails because of the first.
    if (!isOntoItself(copy) || !isCode(thrown, 's3/precondition')) throw thrown
    const head = await headOrNone(store, key, signal)
    if (head && isCopied(copy, head)) return { etag: head.etag }
    throw thrown
  }
  return verifyCopy(copy, reply.etag, signal)
}

/** Onto itself, the ETag stays what it was, where it is a digest. */
function leavesAnother(copy: ServerCopy): boolean {
  return !isOntoItself(copy) || copy.capabilities.etagIsMd5 === false
}

function attemptOf({ source, replace }: ServerCopy): Attempt {
  const { key, etag, sizeBytes } = source
  const metadata = replace?.metadata ? { metadata: metadataDigest(replace.metadata) } : {}
  return { etag, sizeBytes, source: key, ...metadata }
}

/** The server answered, and made no copy. */
function isRefused(thrown: unknown): boolean {
  const { code } = PailError.from(thrown)
  return code !== 'internal/bug' && ERRORS[code].retry === 'never'
}

/**
 * The destination as it must be before the copy.
 * @returns the copy, when an earlier try has made it already
 */
async function lookBefore(
  copy: ServerCopy,
  signal: AbortSignal,
): Promise<{ etag: Etag } | undefined> {
  const { precondition, store, key } = copy
  // The condition on the source is one on the destination as well.
  if (!precondition || isOntoItself(copy)) return undefined
  const head = await headOrNone(store, key, signal)
  if (isMet(head, precondition)) return undefined
  if (head && isCopied(copy, head)) return { etag: head.etag }
  throw new PailError('s3/precondition', 'another version stands at the destination', { key })
}
