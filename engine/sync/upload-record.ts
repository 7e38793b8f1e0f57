/**
 * What must be remembered of an upload across a crash, and its form on disk.
 *
 * Keeps: an UploadId is recorded before its first part is sent, and a version that may come to
 *        stand in the bucket is recorded before the request that may put it there.
 */
import { z } from 'zod'
import { PailError } from '../../shared/errors.ts'
import type { Etag } from '../s3/object-store.ts'

/** Versions remembered as perhaps ours; the oldest is forgotten first. */
export const ATTEMPTED_VERSIONS_MAX = 16

const EtagSchema = z.string().transform((etag) => etag as Etag)
const UploadIdSchema = z.object({ key: z.string(), uploadId: z.string() })
const PartRecordSchema = z.object({
  partNumber: z.number().int(),
  start: z.number().int(),
  end: z.number().int(),
  etag: EtagSchema,
  /** MD5 in hex of the local bytes that were sent, or where the part was copied from. */
  content: z.string(),
})
const UploadRecordSchema = z.object({
  version: z.literal(1),
  /** Versions that requests of ours, whose replies were perhaps lost, may have left at the key. */
  attempted: z.array(EtagSchema),
  multipart: UploadIdSchema.extend({
    /** The attributes it was created with: they cannot be changed later. */
    attributes: z.string(),
    parts: z.array(PartRecordSchema),
  }).optional(),
  /** Uploads that are given up but could not be aborted yet. */
  orphans: z.array(UploadIdSchema),
})

export type PartRecord = Readonly<z.output<typeof PartRecordSchema>>
type Parsed = z.output<typeof UploadRecordSchema>
export type MultipartRecord = {
  readonly key: string
  readonly uploadId: string
  readonly attributes: string
  readonly parts: readonly PartRecord[]
}
export type UploadRecord = Pick<Parsed, 'version'> & {
  readonly attempted: readonly Etag[]
  readonly multipart?: MultipartRecord | undefined
  readonly orphans: ReadonlyArray<{ readonly key: string; readonly uploadId: string }>
}

export const EMPTY_UPLOAD_RECORD: UploadRecord = { version: 1, attempted: [], orphans: [] }

export function encodeUploadRecord(record: UploadRecord): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(record))
}

/** @throws PailError `store/corrupt` when the bytes are no record of a version known here */
export function decodeUploadRecord(bytes: Uint8Array): UploadRecord {
  try {
    return UploadRecordSchema.parse(
      JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)),
    )
  } catch (thrown) {
    throw new PailError('store/corrupt', 'the record of an upload cannot be read', {}, thrown)
  }
}

type Save = (record: UploadRecord | undefined) => Promise<void>

/** The record of one running upload: changed in memory at once, on disk in order. */
export class RecordKeeper {
  readonly #save: Save
  #record: UploadRecord
  #running: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  constructor(record: UploadRecord | undefined, save: Save) {
    this.#record = record ?? EMPTY_UPLOAD_RECORD
    this.#save = save
  }

  get record(): UploadRecord {
    return this.#record
  }

  /** Resolves when the change is saved; changes made meanwhile share the next save. */
  change(update: (record: UploadRecord) => UploadRecord): Promise<void> {
    this.#record = update(this.#record)
    this.#next ??= this.#saveAfter(this.#running)
    return this.#next
  }

  noteAttempted(etag: Etag | undefined): Promise<void> {
    if (etag === undefined || this.#record.attempted.includes(etag)) return Promise.resolve()
    return this.change((record) => ({
      ...record,
      attempted: [...record.attempted, etag].slice(-ATTEMPTED_VERSIONS_MAX),
    }))
  }

  /** The running upload is given up: it has to be aborted from now on, not resumed. */
  giveUpMultipart(): Promise<void> {
    const { multipart } = this.#record
    if (!multipart) return Promise.resolve()
    const { key, uploadId } = multipart
    return this.change(({ multipart: _, ...record }) => ({
      ...record,
      orphans: [...record.orphans, { key, uploadId }],
    }))
  }

  async #saveAfter(previous: Promise<void>): Promise<void> {
    // Its failure is the business of who waits for it; this save carries its content as well.
    await previous.catch(() => {})
    this.#next = undefined
    const { attempted, multipart, orphans } = this.#record
    const isEmpty = attempted.length === 0 && !multipart && orphans.length === 0
    this.#running = this.#save(isEmpty ? undefined : this.#record)
    await this.#running
  }
}
