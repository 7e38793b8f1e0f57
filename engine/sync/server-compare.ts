/**
 * Do two objects have the same bytes? Asked where their ETags cannot tell: an object that came in
 * parts has another one than its copy in one piece.
 *
 * Keeps: nothing is fetched where the server copies parts and its ETags are digests, because that of
 *        a copied part is one of its bytes; the upload that the parts are for is aborted, or stays on record.
 */
import type { Etag, ObjectHead } from '../s3/object-store.ts'
import type { ServerCopy } from './server-copy-check.ts'
import { beginUpload } from './upload-begin.ts'
import { isCode } from './upload-job.ts'
import { abortOrphans } from './upload-orphans.ts'
import { isSameEtag } from './upload-proof.ts'
import { RecordKeeper } from './upload-record.ts'

/** A server copies so much within the time of one request. */
const COMPARE_PART_BYTES = 1024 * 1024 * 1024
/** What is fetched at most of each of the two where the server copies no parts. */
export const COMPARE_FETCHED_BYTES_MAX = 64 * 1024 * 1024
const FETCH_BYTES = 4 * 1024 * 1024

type Version = { readonly key: string; readonly etag: Etag }
type Range = { readonly offset: number; readonly lengthBytes: number }

/** @returns false also when it cannot be told, or one of them is another version by now */
export async function isSameContent(copy: ServerCopy, head: ObjectHead): Promise<boolean> {
  const { source, key, capabilities } = copy
  if (head.sizeBytes !== source.sizeBytes) return false
  const there = { key, etag: head.etag }
  try {
    const isDigest = capabilities.etagIsMd5 !== false && !head.hasOpaqueEtag
    if (capabilities.uploadPartCopy && isDigest) return await isSameByParts(copy, there)
    if (source.sizeBytes > COMPARE_FETCHED_BYTES_MAX) return false
    return await isSameByBytes(copy, there)
  } catch (thrown) {
    if (isCode(thrown, 's3/precondition') || isCode(thrown, 's3/no-key')) return false
    throw thrown
  }
}

/** Pure. */
function rangesOf(sizeBytes: number, rangeBytes: number): readonly Range[] {
  return Array.from({ length: Math.ceil(sizeBytes / rangeBytes) }, (_, index) => ({
    offset: index * rangeBytes,
    lengthBytes: Math.min(rangeBytes, sizeBytes - index * rangeBytes),
  }))
}

async function isSameByParts(copy: ServerCopy, there: Version): Promise<boolean> {
  const { store, requests, source, key, signal } = copy
  const keeper = new RecordKeeper(undefined, async (record) => copy.save?.(record))
  const request = <T>(work: (attempt: AbortSignal) => Promise<T>) =>
    requests.run('background', work, signal)
  const { uploadId } = await beginUpload({
    ...{ store, key, attributes: {}, keeper, request },
    named: (record, id) => ({ ...record, orphans: [...record.orphans, { key, uploadId: id }] }),
  })
  const etagOf = async (version: Version, range: Range, partNumber: number) => {
    const part = { ...range, key, uploadId, partNumber }
    const from = { sourceKey: version.key, sourceEtag: version.etag }
    return request((attempt) => store.uploadPartCopy({ ...part, ...from }, attempt))
  }
  try {
    for (const range of rangesOf(source.sizeBytes, COMPARE_PART_BYTES)) {
      const ours = await etagOf(source, range, 1)
      const theirs = await etagOf(there, range, 2)
      if (!isSameEtag(ours.etag, theirs.etag)) return false
    }
    return true
  } finally {
    if (!signal.aborted) await abortOrphans({ store, keeper, request })
  }
}

async function isSameByBytes(copy: ServerCopy, there: Version): Promise<boolean> {
  const { store, requests, source, signal } = copy
  const bytesOf = async ({ key, etag }: Version, { offset, lengthBytes }: Range) => {
    const into = new Uint8Array(lengthBytes)
    const get = (attempt: AbortSignal) => store.get({ key, etag, offset, into }, attempt)
    await requests.run('background', get, signal)
    return into
  }
  for (const range of rangesOf(source.sizeBytes, FETCH_BYTES)) {
    const ours = await bytesOf(source, range)
    if (Buffer.compare(ours, await bytesOf(there, range)) !== 0) return false
  }
  return true
}
