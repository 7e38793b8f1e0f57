/**
 * Opens a multipart upload so that no crash and no lost reply leaves one that nobody knows of.
 *
 * Keeps: that an upload is asked for is on record before the request: when the reply is lost, or
 *        the engine ends before it comes, an upload may be open whose id nobody knows. Its id is on
 *        record before this returns.
 */
import type { ObjectStore, PutAttributes } from '../s3/object-store.ts'
import { isRefusal } from './upload-orphans.ts'
import { type RecordKeeper, type UploadRecord, withOrphans } from './upload-record.ts'

export type UploadToBegin = {
  readonly store: ObjectStore
  readonly key: string
  readonly attributes: PutAttributes
  readonly keeper: RecordKeeper
  /** Runs one request, with its retries. */
  readonly request: <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>
  /** What the record says once the id is known. */
  readonly named: (record: UploadRecord, uploadId: string) => UploadRecord
}

export async function beginUpload(asked: UploadToBegin): Promise<{ uploadId: string }> {
  const { store, key, attributes, keeper, request, named } = asked
  // Requests that may have opened an upload: sent, and not refused.
  let opened = 0
  const create = async (signal: AbortSignal) => {
    let isSent = false
    const beforeSend = async (nowMs: number) => {
      const { opening } = keeper.record
      if (!opening) await keeper.change((record) => ({ ...record, opening: openingAt(key, nowMs) }))
      opened++
      isSent = true
    }
    try {
      return await store.createMultipart({ ...attributes, key, beforeSend }, signal)
    } catch (thrown) {
      if (isSent && isRefusal(thrown)) opened--
      throw thrown
    }
  }
  try {
    const { uploadId } = await request(create)
    await keeper.change(({ opening, ...record }) => {
      const lost = opened > 1 ? opening : undefined
      const { orphans } = record
      return named({ ...record, orphans: withOrphans(orphans, undefined, lost) }, uploadId)
    })
    return { uploadId }
  } catch (thrown) {
    if (opened === 0) await keeper.forgetOpening()
    throw thrown
  }
}

const openingAt = (key: string, nowMs: number) => ({ key, sinceMs: nowMs, untilMs: nowMs })
