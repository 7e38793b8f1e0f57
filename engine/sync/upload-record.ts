/**
 * What must be remembered of an upload across a crash, and its form on disk.
 *
 * Keeps: an upload is recorded before it is asked for, its id before its first part is sent, and a
 *        version that may come to stand in the bucket before the request that may put it there.
 */
import { z } from 'zod'
import { PailError } from '../../shared/errors.ts'
import type { Etag } from '../s3/object-store.ts'
import { decodeRecord, encodeRecord } from '../store/record.ts'

/** Versions remembered as perhaps ours; the oldest is forgotten first. */
export const ATTEMPTED_VERSIONS_MAX = 16

const EtagSchema = z.string().transform((etag) => etag as Etag)
const UploadIdSchema = z.object({ key: z.string(), uploadId: z.string() })
/** An upload that was asked for between these times and whose id is not known. */
const NamelessUploadSchema = z.object({
  key: z.string(),
  sinceMs: z.number(),
  untilMs: z.number(),
})
const PartRecordSchema = z.object({
  partNumber: z.number().int(),
  start: z.number().int(),
  end: z.number().int(),
  etag: EtagSchema,
  /** MD5 in hex of the local bytes that were sent, or where the part was copied from. */
  content: z.string(),
})
/** A version that a request may have left, by what can be seen of it in the bucket. */
const AttemptSchema = z.object({
  /** As it is where ETags are digests; of a copy, its source's. */
  etag: EtagSchema.optional(),
  /** Absent: only the ETag tells it. */
  sizeBytes: z.number().int().optional(),
  /** Digest of the metadata that was sent along. */
  metadata: z.string().optional(),
  /** Of a copy: the key that it was made from. */
  source: z.string().optional(),
})
const UploadRecordSchema = z.object({
  version: z.literal(1),
  /** Versions that requests of ours, whose replies were perhaps lost, may have left at the key. */
  attempted: z.array(AttemptSchema),
  multipart: UploadIdSchema.extend({
    /** The attributes it was created with: they cannot be changed later. */
    attributes: z.string(),
    parts: z.array(PartRecordSchema),
  }).optional(),
  /** Asked for, its id not recorded yet: after a crash it may be open. */
  opening: NamelessUploadSchema.optional(),
  /** Uploads that are given up but could not be aborted yet. */
  orphans: z.array(z.union([UploadIdSchema, NamelessUploadSchema])),
})

export type PartRecord = Readonly<z.output<typeof PartRecordSchema>>
export type NamelessUpload = Readonly<z.output<typeof NamelessUploadSchema>>
export type OrphanUpload = Readonly<z.output<typeof UploadIdSchema>> | NamelessUpload
export type Attempt = Readonly<z.output<typeof AttemptSchema>>
type Parsed = z.output<typeof UploadRecordSchema>
export type MultipartRecord = {
  readonly key: string
  readonly uploadId: string
  readonly attributes: string
  readonly parts: readonly PartRecord[]
}
export type UploadRecord = Pick<Parsed, 'version'> & {
  readonly attempted: readonly Attempt[]
  readonly multipart?: MultipartRecord | undefined
  readonly opening?: NamelessUpload | undefined
  readonly orphans: readonly OrphanUpload[]
}

export const EMPTY_UPLOAD_RECORD: UploadRecord = { version: 1, attempted: [], orphans: [] }

export function encodeUploadRecord(record: UploadRecord): Uint8Array {
  return encodeRecord(record.version, record)
}

/** @throws PailError `store/corrupt` when the bytes are no record of a version known here */
export function decodeUploadRecord(bytes: Uint8Array): UploadRecord {
  try {
    return UploadRecordSchema.parse(decodeRecord(bytes).value)
  } catch (thrown) {
    throw new PailError('store/corrupt', 'the record of an upload cannot be read', {}, thrown)
  }
}

/** Versions that the upload of a journal's record may have left; none where there is no record. */
export function attemptedIn(record: Uint8Array | null | undefined): readonly Attempt[] {
  return record ? decodeUploadRecord(record).attempted : []
}

export function isSameAttempt(a: Attempt, b: Attempt): boolean {
  return (
    a.etag === b.etag &&
    a.sizeBytes === b.sizeBytes &&
    a.metadata === b.metadata &&
    a.source === b.source
  )
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

  noteAttempted(attempt: Attempt): Promise<void> {
    const isKnown = this.#record.attempted.some((other) => isSameAttempt(other, attempt))
    if (isKnown) return Promise.resolve()
    return this.change((record) => ({
      ...record,
      attempted: [...record.attempted, attempt].slice(-ATTEMPTED_VERSIONS_MAX),
    }))
  }

  /** The running upload is given up: it has to be aborted from now on, not resumed. */
  giveUpMultipart(): Promise<void> {
    const { multipart, opening } = this.#record
    if (!multipart && !opening) return Promise.resolve()
    return this.change(({ multipart: _, opening: __, ...record }) => {
      const named = multipart && { key: multipart.key, uploadId: multipart.uploadId }
      return { ...record, orphans: withOrphans(record.orphans, named, opening) }
    })
  }

  /** It is certain that no upload was opened. */
  forgetOpening(): Promise<void> {
    if (!this.#record.opening) return Promise.resolve()
    return this.change(({ opening: _, ...record }) => record)
  }

  async #saveAfter(previous: Promise<void>): Promise<void> {
    // Its failure is the business of who waits for it; this save carries its content as well.
    await previous.catch(() => {})
    this.#next = undefined
    const { attempted, multipart, opening, orphans } = this.#record
    const isEmpty = attempted.length === 0 && !multipart && !opening && orphans.length === 0
    this.#running = this.#save(isEmpty ? undefined : this.#record)
    await this.#running
  }
}

/** Those of one key whose ids are not known are one entry, however often their server failed. */
export function withOrphans(
  orphans: readonly OrphanUpload[],
  named: OrphanUpload | undefined,
  nameless: NamelessUpload | undefined,
): OrphanUpload[] {
  const all = named ? [...orphans, named] : [...orphans]
  if (!nameless) return all
  const at = all.findIndex((other) => 'sinceMs' in other && other.key === nameless.key)
  const same = all[at]
  if (!same || !('sinceMs' in same)) return [...all, nameless]
  const { key, untilMs } = nameless
  return all.with(at, { key, sinceMs: same.sinceMs, untilMs })
}
