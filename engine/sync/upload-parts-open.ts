/**
 * Begins a multipart upload, or goes on with one that an earlier run has left.
 *
 * Keeps: no part is sent before the upload's id is on record.
 */
import { createHash } from 'node:crypto'
import type { PailError } from '../../shared/errors.ts'
import type { Etag, PartInfo, PutAttributes } from '../s3/object-store.ts'
import { beginUpload } from './upload-begin.ts'
import { isCode, type UploadRun } from './upload-job.ts'
import type { UploadPart } from './upload-plan.ts'
import { compositeEtag, isSameEtag, md5Of } from './upload-proof.ts'
import type { MultipartRecord, PartRecord } from './upload-record.ts'

export type PartsOutcome =
  | { readonly kind: 'stored'; readonly etag: Etag }
  | { readonly kind: 'superseded' }
  /** The server does not copy parts (of this base): to be planned again without copies. */
  | { readonly kind: 'no-copy' }
  /** The upload is gone from the server, or cannot be completed: to be begun anew. */
  | { readonly kind: 'gone'; readonly error: PailError }

export type OpenedUpload = {
  readonly kind: 'open'
  readonly multipart: MultipartRecord
  /** Parts the server was seen to hold as recorded. */
  readonly known: ReadonlyMap<number, PartRecord>
  /** Everything the server holds: a part that arrived just before a crash is not recorded. */
  readonly listed: ReadonlyMap<number, PartInfo>
}

export async function openMultipart(
  run: UploadRun,
  parts: readonly UploadPart[],
): Promise<OpenedUpload | Exclude<PartsOutcome, { kind: 'no-copy' }>> {
  const { job, keeper } = run
  const recorded = keeper.record.multipart
  if (recorded && isFor(recorded, run)) {
    const listed = await listParts(run, recorded)
    if (listed) {
      return { kind: 'open', multipart: recorded, listed, known: stillThere(recorded, listed) }
    }
    const etag = await landedBefore(run, recorded, parts)
    if (etag) return { kind: 'stored', etag }
    await keeper.change(({ multipart: _, ...record }) => record)
  }
  await keeper.giveUpMultipart()
  if (!job.isCurrent()) return { kind: 'superseded' }
  return { kind: 'open', multipart: await beginMultipart(run), known: new Map(), listed: new Map() }
}

async function beginMultipart(run: UploadRun): Promise<MultipartRecord> {
  const { job, keeper } = run
  const { key, store, attributes } = job
  const digest = attributesDigest(attributes)
  const made = (uploadId: string) => ({ key, uploadId, attributes: digest, parts: [] })
  const { uploadId } = await beginUpload({
    ...{ store, key, attributes, keeper },
    request: (work) => run.request(work),
    named: (record, id) => ({ ...record, multipart: made(id) }),
  })
  return made(uploadId)
}

function isFor(recorded: MultipartRecord, { job }: UploadRun): boolean {
  return recorded.key === job.key && recorded.attributes === attributesDigest(job.attributes)
}

function attributesDigest(attributes: PutAttributes): string {
  const { metadata = {}, contentType, headers = {}, storageClass, tags } = attributes
  const sorted = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1))
  const others = [Object.entries(headers), storageClass, tags]
  return createHash('md5')
    .update(JSON.stringify([contentType, sorted, others]))
    .digest('hex')
}

async function listParts(
  run: UploadRun,
  { key, uploadId }: MultipartRecord,
): Promise<ReadonlyMap<number, PartInfo> | undefined> {
  try {
    const parts = await run.request((signal) => run.job.store.listParts(key, uploadId, signal))
    return new Map(parts.map((part) => [part.partNumber, part]))
  } catch (thrown) {
    if (isCode(thrown, 's3/no-key')) return undefined
    throw thrown
  }
}

function stillThere(
  recorded: MultipartRecord,
  listed: ReadonlyMap<number, PartInfo>,
): ReadonlyMap<number, PartRecord> {
  const held = recorded.parts.filter((part) => {
    const there = listed.get(part.partNumber)
    return (
      there !== undefined &&
      isSameEtag(there.etag, part.etag) &&
      there.sizeBytes === part.end - part.start
    )
  })
  return new Map(held.map((part) => [part.partNumber, part]))
}

/**
 * The upload is gone: was it completed, and only the reply or the note of it lost? It was, when the
 * object at the key is made of the recorded parts, and these are what the file holds now.
 */
async function landedBefore(
  run: UploadRun,
  recorded: MultipartRecord,
  parts: readonly UploadPart[],
): Promise<Etag | undefined> {
  const byNumber = new Map(recorded.parts.map((part) => [part.partNumber, part]))
  const ordered = parts.flatMap(({ partNumber }) => byNumber.get(partNumber) ?? [])
  if (ordered.length !== parts.length) return undefined
  const etag = compositeEtag(ordered.map((part) => part.etag))
  if (!etag && run.etagIsMd5) return undefined
  const head = await run.request((signal) => run.head(signal))
  if (!head || !run.isLanded(head, etag)) return undefined
  for (const part of parts) {
    const before = byNumber.get(part.partNumber)
    if (!before || !(await isUnchanged(run, part, before))) return undefined
  }
  return head.etag
}

async function isUnchanged(run: UploadRun, part: UploadPart, before: PartRecord): Promise<boolean> {
  if (before.start !== part.start || before.end !== part.end) return false
  if (part.from === 'copy') return before.content === copiedFrom(run)
  const { buffers } = run.deps
  const release = await buffers.reserve(part.end - part.start, run.job.signal)
  try {
    const body = await readPart(run, part, run.job.signal)
    const isSame = before.content === (await md5Of(body))
    buffers.give(body)
    return isSame
  } finally {
    release()
  }
}

/** Into memory that is reserved for it; who is done with the body gives it back. */
export async function readPart(
  run: UploadRun,
  { start, end }: UploadPart,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const body = run.deps.buffers.take(end - start)
  await run.job.source.read(start, body, signal)
  return body
}

export function copiedFrom({ job }: UploadRun): string {
  const { base } = job.source
  return `copy ${base?.etag ?? ''} ${base?.key ?? ''}`
}
