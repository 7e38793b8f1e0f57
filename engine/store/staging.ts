/**
 * Staging files: bytes that programs wrote and that are not (only) in the bucket.
 *
 * Owns:  <data>/staging/* and table `staged`. Runs in: engine process. The bytes of a small file
 *        lie in the table, those of a larger one in a file (staged-bytes.ts).
 * Keeps: a staged file says exactly which ranges it holds; everything else comes from the base
 *        version, up to `baseBytes`, and is zeros beyond and in `holes`. A hole is never taken for
 *        data.
 * Never: decides when to seal or to upload.
 */
import { join } from 'node:path'
import { PailError } from '../../shared/errors.ts'
import { assert } from '../base/assert.ts'
import type { Random } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { addExtent, clipExtents, type Extent, removeExtent } from '../base/extents.ts'
import type { Log } from '../base/log.ts'
import type { Database } from './database.ts'
import { decodeRecord, encodeRecord } from './record.ts'
import { InlineRoom, StagedBytes, type StagedBytesParts } from './staged-bytes.ts'
import { type ChunkSums, findDamage, StagedChecksums } from './staged-checksums.ts'

const RECORD_VERSION = 1
/** Free bytes that staging leaves on the disk: the database must always be able to write. */
const FREE_DISK_FLOOR_BYTES = 64 * 1024 * 1024
/** How much may be written before the free space is looked at again. */
const FREE_DISK_CHECK_BYTES = 16 * 1024 * 1024

export type StagedShape = {
  readonly sizeBytes: number
  readonly extents: readonly Extent[]
  /** How many bytes of the base version still show where nothing was written. */
  readonly baseBytes: number
  /** Ranges below `baseBytes` that were punched out or zeroed; absent: none. */
  readonly holes?: readonly Extent[]
}

/** What a program sees that nothing was written to, and that the base does not show through. */
export const holesOf = (shape: StagedShape): readonly Extent[] => shape.holes ?? []

export type StagedRecord = StagedShape & {
  /**
   * What the last fsync made safe against lost power. Later changes inside of it leave old or new
   * bytes there, as on any disk; later growth may be lost, and is then cut off again.
   */
  readonly synced?: StagedShape
  /** Of what `extents` name, as of the last seal. */
  readonly sums?: ChunkSums
  /** Its bytes were lost with the power: it is kept, shown, and never read or uploaded. */
  readonly isDamaged?: true
}

export class StagedFile {
  readonly id: string
  readonly #path: string
  readonly #area: StagingArea
  readonly #bytes: StagedBytes
  #checksums: StagedChecksums
  #record: StagedRecord
  #users = 1
  #isRemoved = false

  constructor(area: StagingArea, id: string, bytes: StagedBytes, record: StagedRecord) {
    this.#area = area
    this.id = id
    this.#path = area.pathOf(id)
    this.#bytes = bytes
    this.#record = record
    this.#checksums = new StagedChecksums(record.sums)
  }

  get record(): StagedRecord {
    return this.#record
  }

  get sizeBytes(): number {
    return this.#record.sizeBytes
  }

  /** Where the bytes are, for whoever takes them over. */
  get place(): StagedPlace {
    const bytes = this.#bytes.inline
    return bytes ? { bytes } : { path: this.#path }
  }

  /** @throws PailError `store/disk-full`: nothing of `data` counts, what was there before does */
  async write(data: Uint8Array, offset: number): Promise<void> {
    await this.#area.reserve(data.length)
    await this.#bytes.write(data, offset, this.#record.synced !== undefined)
    this.#checksums.noteWrite(data, offset)
    const written = { start: offset, end: offset + data.length }
    this.#record = {
      ...this.#record,
      sizeBytes: Math.max(this.#record.sizeBytes, written.end),
      extents: addExtent(this.#record.extents, written),
      holes: removeExtent(holesOf(this.#record), written),
    }
  }

  /** The range reads as zeros from now on. The file on disk keeps its bytes, as for `truncate`. */
  punch(range: Extent): void {
    const { extents, baseBytes } = this.#record
    this.#checksums.noteRemoved(range)
    const overBase = { start: range.start, end: Math.min(range.end, baseBytes) }
    this.#record = {
      ...this.#record,
      extents: removeExtent(extents, range),
      holes: addExtent(holesOf(this.#record), overBase),
    }
  }

  /** The base version shows up to here, which is where the content ends. */
  showBase(sizeBytes: number): void {
    this.#record = { ...this.#record, sizeBytes, baseBytes: sizeBytes }
  }

  /** All that counts was written here by now. */
  hideBase(): void {
    this.#record = { ...this.#record, baseBytes: 0, holes: [] }
  }

  /** Fills `into` from `offset`; the whole range must be one that was written. */
  async read(offset: number, into: Uint8Array): Promise<void> {
    const count = await this.#bytes.read(into, offset)
    if (count !== into.length) {
      throw new PailError('store/io', `staging file ${this.id} is shorter than its extents`)
    }
  }

  /**
   * Cuts the content short, or makes it longer by zeros. The file on disk keeps its length: until
   * the next seal a crash must find what the last one named.
   */
  truncate(sizeBytes: number): void {
    const { extents, baseBytes } = this.#record
    const localEnd = extents.at(-1)?.end ?? 0
    if (sizeBytes < localEnd) this.#checksums.noteTruncate(sizeBytes)
    this.#record = {
      ...this.#record,
      sizeBytes,
      extents: clipExtents(extents, sizeBytes),
      baseBytes: Math.min(baseBytes, sizeBytes),
      holes: clipExtents(holesOf(this.#record), sizeBytes),
    }
  }

  /** Makes what lies in a file safe against lost power; the rest is safe with its record. */
  sync(): Promise<void> {
    return this.#bytes.sync()
  }

  /** What is written now is safe: the disk was synced, and the record is about to be. */
  noteSynced(): void {
    const { sizeBytes, extents, baseBytes } = this.#record
    const holes = holesOf(this.#record)
    this.#record = { ...this.#record, synced: { sizeBytes, extents, baseBytes, holes } }
  }

  /** Goes back to what the last fsync made safe. @returns false when there was none */
  fallBack(): boolean {
    const { synced } = this.#record
    if (!synced) return false
    this.#record = { ...synced, synced }
    this.#checksums = StagedChecksums.unknown(synced.extents)
    return true
  }

  /** Gives back what lies beyond the content. Only when nothing on record names it. */
  async trim(): Promise<void> {
    const localEnd = this.#record.extents.at(-1)?.end ?? 0
    if ((await this.#bytes.size()) > localEnd) await this.#bytes.truncate(localEnd)
  }

  /** Brings the checksums up to date with what was written: before a seal is recorded. */
  async sumUp(): Promise<void> {
    const sums = await this.#checksums.sums(this.#record.extents, (offset, into) =>
      this.read(offset, into),
    )
    this.#record = { ...this.#record, sums }
  }

  /** @throws PailError `store/corrupt` when the bytes are not those that were sealed */
  async verify(): Promise<void> {
    const { sums = [], extents } = this.#record
    const chunk = await findDamage(sums, extents, (offset, into) => this.read(offset, into))
    if (chunk === undefined) return
    throw new PailError('store/corrupt', `staging file ${this.id} lost bytes in chunk ${chunk}`)
  }

  /** Writes which ranges count, and their bytes when they are few. Only inside a database change. */
  saveRecord(): void {
    this.#area.saveRecord(this.id, this.#record, this.#bytes.inline)
  }

  /** Keeps the file open and in place while someone works with it. */
  retain(): void {
    assert(this.#users > 0, 'a staged file is used before it is closed')
    this.#users++
  }

  async release(): Promise<void> {
    this.#users--
    assert(this.#users >= 0, 'a staged file is released once per use')
    if (this.#users > 0) return
    const isInFile = this.#bytes.inline === undefined
    await this.#bytes.close()
    // A file that no seal put on record is nothing that counts.
    if (isInFile && (this.#isRemoved || this.#area.isInline(this.id))) {
      await this.#area.removeFile(this.id)
    }
  }

  /** The bytes go as soon as the last user is done. The row goes with the caller's transaction. */
  discard(): void {
    this.#isRemoved = true
    this.#area.removeRecord(this.id)
  }
}

export type StagedPlace = { readonly path: string } | { readonly bytes: Uint8Array }

export class StagingArea {
  readonly #disk: Disk
  readonly #folder: string
  readonly #database: Database
  readonly #idPrefix: string
  readonly #log: Log
  readonly #makeRoom: (bytes: number) => Promise<void>
  readonly #inlineRoom: InlineRoom
  #createdCount = 0
  #uncheckedBytes = FREE_DISK_CHECK_BYTES

  private constructor(options: StagingOptions) {
    this.#disk = options.disk
    this.#folder = options.folder
    this.#database = options.database
    this.#idPrefix = options.random.hex(8)
    this.#log = options.log
    this.#makeRoom = options.makeRoom ?? (async () => {})
    this.#inlineRoom = new InlineRoom(options.inlineBytesMax)
  }

  static async open(options: StagingOptions): Promise<StagingArea> {
    await options.disk.makeDirectory(options.folder)
    return new StagingArea(options)
  }

  /** A new staging file over `baseBytes` of the base version. */
  create(record: StagedRecord): StagedFile {
    const id = this.#nextId()
    return new StagedFile(this, id, StagedBytes.empty(this.#bytesParts(id)), record)
  }

  /** @throws PailError `store/corrupt` when the record or the file does not hold what it must */
  async load(id: string, use: 'content' | 'recovery' = 'content'): Promise<StagedFile> {
    const record = this.readRecord(id)
    if (record.isDamaged) throw new PailError('store/corrupt', `staging file ${id} is damaged`)
    const bytes = await this.#loadBytes(id)
    const size = await bytes.size()
    const localEnd = record.extents.at(-1)?.end ?? 0
    // Recovery looks what of it is whole, and may go back to what was synced.
    if (size < localEnd && use === 'content') {
      await bytes.close()
      throw new PailError('store/corrupt', `staging file ${id} has ${size} of ${localEnd} bytes`)
    }
    return new StagedFile(this, id, bytes, record)
  }

  async #loadBytes(id: string): Promise<StagedBytes> {
    const parts = this.#bytesParts(id)
    const row = this.#database.get('SELECT content FROM staged WHERE id = ?', id)
    if (row?.content instanceof Uint8Array) return StagedBytes.ofRecord(parts, row.content)
    // Opening it for writing would make an empty file of it.
    if (await this.#disk.exists(parts.path)) return StagedBytes.ofFile(parts)
    throw new PailError('store/corrupt', `staging file ${id} is missing`)
  }

  readRecord(id: string): StagedRecord {
    const row = this.#database.get('SELECT record FROM staged WHERE id = ?', id)
    if (!(row?.record instanceof Uint8Array)) {
      throw new PailError('store/corrupt', `staging file ${id} has no record`)
    }
    const { version, value } = decodeRecord(row.record)
    if (version !== RECORD_VERSION) throw new PailError('store/too-new', `record ${version}`)
    return value as StagedRecord
  }

  hasRecord(id: string): boolean {
    return this.#database.get('SELECT 1 FROM staged WHERE id = ?', id) !== undefined
  }

  /** Are its bytes in the database, as far as the record says? */
  isInline(id: string): boolean {
    const sql = 'SELECT 1 FROM staged WHERE id = ? AND content IS NOT NULL'
    return this.#database.get(sql, id) !== undefined
  }

  /** @param content all bytes of it; undefined: they lie in its file */
  saveRecord(id: string, record: StagedRecord, content: Uint8Array | undefined): void {
    this.#database.run(
      `INSERT INTO staged (id, record, content) VALUES (?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET record = excluded.record, content = excluded.content`,
      id,
      encodeRecord(RECORD_VERSION, record),
      content ?? null,
    )
  }

  markDamaged(id: string): void {
    if (!this.hasRecord(id)) return
    const record = encodeRecord(RECORD_VERSION, { ...this.readRecord(id), isDamaged: true })
    this.#database.run('UPDATE staged SET record = ? WHERE id = ?', record, id)
  }

  removeRecord(id: string): void {
    this.#database.run('DELETE FROM staged WHERE id = ?', id)
  }

  async removeFile(id: string): Promise<void> {
    await this.#disk.remove(this.pathOf(id))
  }

  /** Removes files that no record counts on: left by a crash before they were sealed. */
  async removeUnknown(): Promise<void> {
    for (const id of await this.#disk.list(this.#folder)) {
      if (this.hasRecord(id) && !this.isInline(id)) continue
      this.#log.write('info', 'staging/removed-unsealed', { id })
      await this.#disk.remove(join(this.#folder, id))
    }
  }

  space(): Promise<{ freeBytes: number; totalBytes: number }> {
    return this.#disk.space(this.#folder)
  }

  /** Refuses early, so that a full disk ends one program's write and not the database. */
  async reserve(bytes: number): Promise<void> {
    this.#uncheckedBytes += bytes
    if (this.#uncheckedBytes < FREE_DISK_CHECK_BYTES) return
    await this.checkRoom(bytes)
    this.#uncheckedBytes = 0
  }

  /** @throws PailError `store/disk-full` when the disk could not take so many bytes more */
  async checkRoom(bytes: number): Promise<void> {
    await this.#makeRoom(bytes + FREE_DISK_CHECK_BYTES)
    const { freeBytes } = await this.#disk.space(this.#folder)
    if (freeBytes < FREE_DISK_FLOOR_BYTES + bytes) {
      throw new PailError('store/disk-full', `${freeBytes} bytes free`, { freeBytes })
    }
  }

  pathOf(id: string): string {
    assert(/^[0-9a-f]{32}$/.test(id), 'a staging id is one that was made here')
    return join(this.#folder, id)
  }

  /** Rising within a run, so that the rows of files made one after the other share pages. */
  #nextId(): string {
    return this.#idPrefix + (this.#createdCount++).toString(16).padStart(16, '0')
  }

  #bytesParts(id: string): StagedBytesParts {
    return {
      disk: this.#disk,
      path: this.pathOf(id),
      room: this.#inlineRoom,
      syncNames: () => this.#disk.syncDirectory(this.#folder),
    }
  }
}

export type StagingOptions = {
  readonly disk: Disk
  readonly folder: string
  readonly database: Database
  readonly random: Random
  readonly log: Log
  /** Gives disk space back that holds what can be fetched again. */
  readonly makeRoom?: (bytes: number) => Promise<void>
  /** Absent: INLINE_BYTES_MAX. */
  readonly inlineBytesMax?: number
}
