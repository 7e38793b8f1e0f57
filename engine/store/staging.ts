/**
 * Staging files: bytes that programs wrote and that are not (only) in the bucket.
 *
 * Owns:  <data>/staging/* and table `staged`. Runs in: engine process.
 * Keeps: a staged file says exactly which ranges it holds; everything else comes from the base
 *        version, up to `baseBytes`, and is zeros beyond. A hole is never taken for data.
 * Never: decides when to seal or to upload.
 */
import { join } from 'node:path'
import { PailError } from '../../shared/errors.ts'
import { assert } from '../base/assert.ts'
import type { Random } from '../base/clock.ts'
import type { Disk, DiskFile } from '../base/disk.ts'
import { addExtent, clipExtents, type Extent } from '../base/extents.ts'
import type { Log } from '../base/log.ts'
import type { Database } from './database.ts'
import { decodeRecord, encodeRecord } from './record.ts'
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
}

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
  readonly path: string
  readonly #area: StagingArea
  readonly #file: DiskFile
  #checksums: StagedChecksums
  #record: StagedRecord
  #users = 1
  #isRemoved = false

  constructor(area: StagingArea, id: string, path: string, file: DiskFile, record: StagedRecord) {
    this.#area = area
    this.id = id
    this.path = path
    this.#file = file
    this.#record = record
    this.#checksums = new StagedChecksums(record.sums)
  }

  get record(): StagedRecord {
    return this.#record
  }

  get sizeBytes(): number {
    return this.#record.sizeBytes
  }

  /** @throws PailError `store/disk-full`: nothing of `data` counts, what was there before does */
  async write(data: Uint8Array, offset: number): Promise<void> {
    await this.#area.reserve(data.length)
    await this.#file.write(data, offset)
    this.#checksums.noteWrite(data, offset)
    const end = offset + data.length
    this.#record = {
      ...this.#record,
      sizeBytes: Math.max(this.#record.sizeBytes, end),
      extents: addExtent(this.#record.extents, { start: offset, end }),
    }
  }

  /** Fills `into` from `offset`; the whole range must be one that was written. */
  async read(offset: number, into: Uint8Array): Promise<void> {
    const count = await this.#file.read(into, offset)
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
    }
  }

  sync(): Promise<void> {
    return this.#file.sync()
  }

  /** What is written now is safe: the disk was synced, and the record is about to be. */
  noteSynced(): void {
    const { sizeBytes, extents, baseBytes } = this.#record
    this.#record = { ...this.#record, synced: { sizeBytes, extents, baseBytes } }
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
    if ((await this.#file.size()) > localEnd) await this.#file.truncate(localEnd)
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

  /** Writes which ranges count. Only inside a database change. */
  saveRecord(): void {
    this.#area.saveRecord(this.id, this.#record)
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
    await this.#file.close()
    if (this.#isRemoved) await this.#area.removeFile(this.id)
  }

  /** The bytes go as soon as the last user is done. The row goes with the caller's transaction. */
  discard(): void {
    this.#isRemoved = true
    this.#area.removeRecord(this.id)
  }
}

export class StagingArea {
  readonly #disk: Disk
  readonly #folder: string
  readonly #database: Database
  readonly #random: Random
  readonly #log: Log
  readonly #makeRoom: (bytes: number) => Promise<void>
  #uncheckedBytes = FREE_DISK_CHECK_BYTES

  private constructor(options: StagingOptions) {
    this.#disk = options.disk
    this.#folder = options.folder
    this.#database = options.database
    this.#random = options.random
    this.#log = options.log
    this.#makeRoom = options.makeRoom ?? (async () => {})
  }

  static async open(options: StagingOptions): Promise<StagingArea> {
    await options.disk.makeDirectory(options.folder)
    return new StagingArea(options)
  }

  /** A new staging file over `baseBytes` of the base version. */
  async create(record: StagedRecord): Promise<StagedFile> {
    const id = this.#random.hex(16)
    const path = this.#path(id)
    const file = await this.#disk.open(path, 'create')
    return new StagedFile(this, id, path, file, record)
  }

  /** @throws PailError `store/corrupt` when the record or the file does not hold what it must */
  async load(id: string, use: 'content' | 'recovery' = 'content'): Promise<StagedFile> {
    const record = this.readRecord(id)
    if (record.isDamaged) throw new PailError('store/corrupt', `staging file ${id} is damaged`)
    const path = this.#path(id)
    // Opening it for writing would make an empty file of it.
    if (!(await this.#disk.exists(path))) {
      throw new PailError('store/corrupt', `staging file ${id} is missing`)
    }
    const file = await this.#disk.open(path, 'write')
    const size = await file.size()
    const localEnd = record.extents.at(-1)?.end ?? 0
    // Recovery looks what of it is whole, and may go back to what was synced.
    if (size < localEnd && use === 'content') {
      await file.close()
      throw new PailError('store/corrupt', `staging file ${id} has ${size} of ${localEnd} bytes`)
    }
    return new StagedFile(this, id, path, file, record)
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

  saveRecord(id: string, record: StagedRecord): void {
    this.#database.run(
      'INSERT INTO staged (id, record) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record',
      id,
      encodeRecord(RECORD_VERSION, record),
    )
  }

  markDamaged(id: string): void {
    if (this.hasRecord(id)) this.saveRecord(id, { ...this.readRecord(id), isDamaged: true })
  }

  removeRecord(id: string): void {
    this.#database.run('DELETE FROM staged WHERE id = ?', id)
  }

  async removeFile(id: string): Promise<void> {
    await this.#disk.remove(this.#path(id))
  }

  /** Makes the names of new staging files survive power loss. */
  syncNames(): Promise<void> {
    return this.#disk.syncDirectory(this.#folder)
  }

  /** Removes files that no record names: left by a crash before their first seal. */
  async removeUnknown(): Promise<void> {
    for (const id of await this.#disk.list(this.#folder)) {
      if (this.hasRecord(id)) continue
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
    await this.#makeRoom(bytes + FREE_DISK_CHECK_BYTES)
    const { freeBytes } = await this.#disk.space(this.#folder)
    if (freeBytes < FREE_DISK_FLOOR_BYTES + bytes) {
      throw new PailError('store/disk-full', `${freeBytes} bytes free`, { freeBytes })
    }
    this.#uncheckedBytes = 0
  }

  #path(id: string): string {
    assert(/^[0-9a-f]{32}$/.test(id), 'a staging id is one that was made here')
    return join(this.#folder, id)
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
}
