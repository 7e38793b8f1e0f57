/**
 * Multipart uploads that somebody began below a mounted folder and never ended: the bucket's owner
 * pays for their parts, and no listing of objects shows them.
 *
 * Keeps: an upload of this engine is none of them, and only what a person names by its id, and is
 *        still one of them, is aborted.
 */
import type { ForeignUpload } from '../../shared/engine-contract.ts'
import { PailError } from '../../shared/errors.ts'
import { Limiter } from '../base/limiter.ts'
import type { MultipartUpload } from '../s3/object-store.ts'
import { isScratchKey } from '../s3/probe.ts'
import { isCode } from '../sync/upload-job.ts'
import { decodeUploadRecord } from '../sync/upload-record.ts'
import type { Volume } from './volume.ts'

/** Those shown, the oldest first. */
const SHOWN_MAX = 200
/** Uploads whose parts are asked for side by side. */
const PARALLEL_MAX = 8

export type ForeignUploads = {
  readonly uploads: readonly ForeignUpload[]
  /** Of which the oldest are shown. */
  readonly count: number
}

export async function foreignUploads(
  volume: Volume,
  prefix: string,
  signal: AbortSignal,
): Promise<ForeignUploads> {
  const foreign = await listForeign(volume, prefix, signal)
  const oldest = foreign.sort((a, b) => a.startedMs - b.startedMs).slice(0, SHOWN_MAX)
  const limiter = new Limiter({ concurrencyMax: PARALLEL_MAX, waitingMax: SHOWN_MAX })
  const sized = oldest.map((upload) =>
    limiter.run(async () => ({ ...upload, sizeBytes: await sizeOf(volume, upload, signal) })),
  )
  return { uploads: await Promise.all(sized), count: foreign.length }
}

/** @throws PailError `input/invalid` for an id that names no upload of somebody else here */
export async function abortForeign(
  volume: Volume,
  prefix: string,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly aborted: number }> {
  const foreign = await listForeign(volume, prefix, signal)
  const meant = ids.map((id) => {
    const found = foreign.find(({ uploadId }) => uploadId === id)
    if (!found) throw new PailError('input/invalid', `No open upload of others has the id ${id}`)
    return found
  })
  for (const { key, uploadId } of meant) {
    await volume.requests.run(
      'interactive',
      (attempt) => volume.store.abortMultipart(key, uploadId, attempt),
      signal,
    )
  }
  return { aborted: meant.length }
}

async function listForeign(
  volume: Volume,
  prefix: string,
  signal: AbortSignal,
): Promise<MultipartUpload[]> {
  const listed = await volume.requests.run(
    'interactive',
    (attempt) => volume.store.listMultipart(prefix, attempt),
    signal,
  )
  // After the listing: an upload that we began meanwhile is on record by now.
  const own = ownUploads(volume)
  return listed.filter(
    ({ key, uploadId }) => !own.ids.has(uploadId) && !own.keys.has(key) && !isScratchKey(key),
  )
}

/** Ids on record, and keys of uploads whose ids are not known: those are looked after anyway. */
function ownUploads(volume: Volume) {
  const { journal } = volume.tree
  const ids = new Set<string>()
  const keys = new Set<string>()
  for (const bytes of journal.uploadRecords(volume.id)) {
    const { multipart, opening, orphans } = decodeUploadRecord(bytes)
    if (multipart) ids.add(multipart.uploadId)
    if (opening) keys.add(opening.key)
    for (const orphan of orphans) {
      if ('uploadId' in orphan) ids.add(orphan.uploadId)
      else keys.add(orphan.key)
    }
  }
  return { ids, keys }
}

/** What its parts take; nothing when it ended in between. */
async function sizeOf(
  volume: Volume,
  { key, uploadId }: MultipartUpload,
  signal: AbortSignal,
): Promise<number> {
  try {
    const parts = await volume.requests.run(
      'interactive',
      (attempt) => volume.store.listParts(key, uploadId, attempt),
      signal,
    )
    return parts.reduce((sum, part) => sum + part.sizeBytes, 0)
  } catch (thrown) {
    if (isCode(thrown, 's3/no-key')) return 0
    throw thrown
  }
}
