/**
 * Copies an object that is too large for one CopyObject, part by part.
 *
 * Keeps: the destination appears whole or not at all; an upload that is not completed is aborted,
 *        or stays in the saved record, with its id or, when that was lost, without.
 */
import { PailError } from '../../shared/errors.ts'
import type { Etag, PutAttributes } from '../s3/object-store.ts'
import { isOntoItself, type ServerCopy, verifyCopy } from './server-copy-check.ts'
import { beginUpload } from './upload-begin.ts'
import { headOrNone, isCode } from './upload-job.ts'
import { abortOrphans, forget } from './upload-orphans.ts'
import { PARTS_MAX } from './upload-plan.ts'
import { compositeEtag, isMet, isSameEtag } from './upload-proof.ts'
import { type OrphanUpload, RecordKeeper } from './upload-record.ts'

/** Long enough to be few, short enough that several at once finish within a request's time. */
export const COPY_PART_BYTES = 1024 * 1024 * 1024
export const COPY_PARTS_PARALLEL_MAX = 8

export async function copyInParts(copy: ServerCopy): Promise<{ etag: Etag }> {
  const { store, requests, key, signal } = copy
  if (!copy.capabilities.uploadPartCopy) {
    throw new PailError('s3/unsupported', 'the server copies no parts of objects', { key })
  }
  const attributes = copy.replace ?? (await attributesOfSource(copy))
  const keeper = new RecordKeeper(undefined, async (record) => copy.save?.(record))
  const request = <T>(work: (attempt: AbortSignal) => Promise<T>) =>
    requests.run('background', work, signal)
  const { uploadId } = await beginUpload({
    ...{ store, key, attributes, keeper, request },
    named: (record, id) => ({ ...record, orphans: [...record.orphans, { key, uploadId: id }] }),
  })
  try {
    const etag = await copyAndComplete(copy, uploadId)
    const isOurs = (orphan: OrphanUpload) => 'uploadId' in orphan && orphan.uploadId === uploadId
    await abortOrphans({ store, keeper, request }, (orphan) => !isOurs(orphan))
    await forget(keeper, isOurs)
    return etag
  } catch (thrown) {
    if (!signal.aborted) await abortOrphans({ store, keeper, request })
    throw thrown
  }
}

async function attributesOfSource(copy: ServerCopy): Promise<PutAttributes> {
  const { source, store } = copy
  const askTags = (signal: AbortSignal) => store.tags(source.key, signal)
  const head = await copy.requests.run(
    'background',
    (signal) => store.head(source.key, signal),
    copy.signal,
  )
  if (!isSameEtag(head.etag, source.etag)) {
    throw new PailError('s3/precondition', 'the source is another version', { key: source.key })
  }
  const { metadata, contentType, headers, storageClass, tagCount } = head
  const tags = tagCount ? await copy.requests.run('background', askTags, copy.signal) : undefined
  return {
    metadata,
    ...(contentType === undefined ? {} : { contentType }),
    ...(headers === undefined ? {} : { headers }),
    ...(storageClass === undefined ? {} : { storageClass }),
    ...(tags === undefined ? {} : { tags }),
  }
}

type Part = { readonly partNumber: number; readonly offset: number; readonly lengthBytes: number }

/** Pure. */
export function copyParts(sizeBytes: number): readonly Part[] {
  const partBytes = Math.max(COPY_PART_BYTES, Math.ceil(sizeBytes / PARTS_MAX))
  return Array.from({ length: Math.ceil(sizeBytes / partBytes) }, (_, i) => ({
    partNumber: i + 1,
    offset: i * partBytes,
    lengthBytes: Math.min(partBytes, sizeBytes - i * partBytes),
  }))
}

async function copyAndComplete(copy: ServerCopy, uploadId: string): Promise<{ etag: Etag }> {
  const parts = copyParts(copy.source.sizeBytes)
  const etags = await copyAll(copy, uploadId, parts)
  const done = parts.flatMap(({ partNumber }) => {
    const etag = etags.get(partNumber)
    return etag === undefined ? [] : [{ partNumber, etag }]
  })
  const expected = compositeEtag(done.map(({ etag }) => etag))
  return copy.requests.run(
    'background',
    (signal) => completeOnce(copy, { uploadId, parts: done, expected }, signal),
    copy.signal,
  )
}

async function copyAll(
  copy: ServerCopy,
  uploadId: string,
  parts: readonly Part[],
): Promise<ReadonlyMap<number, Etag>> {
  const { store, requests, source, key } = copy
  const etags = new Map<number, Etag>()
  const stop = new AbortController()
  const onAbort = () => stop.abort(copy.signal.reason)
  copy.signal.addEventListener('abort', onAbort, { once: true })
  let next = 0
  const worker = async () => {
    for (let part = parts[next++]; part && !stop.signal.aborted; part = parts[next++]) {
      const request = { ...part, key, uploadId, sourceKey: source.key, sourceEtag: source.etag }
      const work = (signal: AbortSignal) => store.uploadPartCopy(request, signal)
      const { etag } = await requests.run('background', work, stop.signal)
      etags.set(part.partNumber, etag)
    }
  }
  const workers = Array.from({ length: Math.min(COPY_PARTS_PARALLEL_MAX, parts.length) }, () =>
    worker().catch((thrown: unknown) => {
      stop.abort(thrown)
      throw thrown
    }),
  )
  const outcomes = await Promise.allSettled(workers)
  copy.signal.removeEventListener('abort', onAbort)
  if (copy.signal.aborted) throw copy.signal.reason
  if (stop.signal.aborted || outcomes.some(({ status }) => status === 'rejected')) {
    throw stop.signal.reason
  }
  return etags
}

type Completion = {
  readonly uploadId: string
  readonly parts: ReadonlyArray<{ readonly partNumber: number; readonly etag: Etag }>
  readonly expected: Etag | undefined
}

async function completeOnce(
  copy: ServerCopy,
  { uploadId, parts, expected }: Completion,
  signal: AbortSignal,
): Promise<{ etag: Etag }> {
  const { store, key } = copy
  const isOurs = async () => {
    const head = await headOrNone(store, key, signal)
    if (head && expected && isSameEtag(head.etag, expected)) return { etag: head.etag }
    const precondition = preconditionOf(copy)
    if (!precondition || isMet(head, precondition)) return undefined
    throw new PailError('s3/precondition', 'another version stands at the destination', { key })
  }
  const isHonoured = copy.capabilities.conditionalComplete
  const precondition = preconditionOf(copy)
  if (precondition && !isHonoured) {
    const landed = await isOurs()
    if (landed) return landed
  }
  try {
    const condition = precondition && isHonoured ? { precondition } : {}
    const { etag } = await store.completeMultipart({ key, uploadId, parts, ...condition }, signal)
    return await verifyCopy(copy, etag, signal)
  } catch (thrown) {
    if (!isCode(thrown, 's3/no-key') && !isCode(thrown, 's3/precondition')) throw thrown
    // The reply to an earlier Complete may have been lost: the upload is then used up.
    const landed = await isOurs()
    if (landed) return landed
    throw thrown
  }
}

/** Copied onto itself, the object must still be the version that was copied. */
function preconditionOf(copy: ServerCopy) {
  return isOntoItself(copy) ? { ifMatch: copy.source.etag } : copy.precondition
}
