/**
 * Bytes of object versions kept on this disk.
 *
 * Owns:  <data>/cache/, and through BlockIndex the rows that describe it. Runs in: engine process.
 * Keeps: a byte is served only after the checksum of its piece matched, on every read: a hole, a
 *        torn write or a flipped bit is a miss, never content. (CRC32 runs at 4 GiB/s here; doing
 *        it each time needs no memory of what was checked and finds damage at any time.)
 * Keeps: data is written before its row. No sync: after power loss the checksum decides.
 * Keeps: cap and free-disk floor, by reservation before the fetch. Pinned files are never evicted,
 *        files of open versions last, files in use at this moment never.
 * Never: talks to S3; puts any part of a key into a file name; holds the only copy of anything.
 */
import { assert } from '../base/assert.ts'
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import type { Log } from '../base/log.ts'
import { adoptFile } from './block-adopt.ts'
import { BlockFiles } from './block-files.ts'
import { BlockIndex } from './block-index.ts'
import {
  allocatedFor,
  appendExtent,
  BLOCK_SIZE_BYTES,
  type ByteExtent,
  blockOf,
  type CachedObject,
  checksumOf,
  checksumsOf,
  coveringPieces,
  PIECE_SIZE_BYTES,
  pieceLength,
  pieceOf,
  pieceStarts,
} from './block-layout.ts'
import { reconcileFolder } from './block-reconcile.ts'
import { CacheSpace, type Reservation, type SpaceLimits, type SpacePurpose } from './block-space.ts'
import { BlockTable, type LiveFile } from './block-table.ts'
import type { Database } from './database.ts'

/** Cache files open at one time beyond those in use. */
const OPEN_FILES_MAX = 128
/** Use times are written together, at most this late. */
const USE_FLUSH_DELAY_MS = 2_000
/** Eviction frees this much more than asked, so that a full cache does not evict for every fetch. */
const EVICTION_EXTRA_SHARE = 0.01
const EVICTION_PAGE = 32

export type CacheOptions = {
  readonly disk: Disk
  readonly database: Database
  /** `<data>/cache`, private to this user. */
  readonly folder: string
  readonly clock: Clock
  readonly log: Log
  readonly limits: SpaceLimits
}

export type CacheUsage = {
  readonly bytes: number
  readonly pinnedBytes: number
  readonly versions: number
}

export class BlockCache {
  readonly #disk: Disk
  readonly #database: Database
  readonly #clock: Clock
  readonly #log: Log
  readonly #index: BlockIndex
  readonly #table: BlockTable
  readonly #files: BlockFiles
  readonly #space: CacheSpace
  readonly #folder: string
  #limits: SpaceLimits
  readonly #madeFolders = new Set<string>()
  readonly #removing = new Set<Promise<void>>()
  #cancelFlush: (() => void) | undefined
  #isClosed = false
  #reconciled: Promise<void> = Promise.resolve()

  private constructor(options: CacheOptions) {
    this.#disk = options.disk
    this.#database = options.database
    this.#clock = options.clock
    this.#log = options.log
    this.#folder = options.folder
    this.#limits = options.limits
    this.#index = new BlockIndex(options.database)
    this.#table = new BlockTable(this.#index, options.clock)
    this.#files = new BlockFiles(options.disk, OPEN_FILES_MAX)
    this.#space = new CacheSpace({
      disk: options.disk,
      folder: options.folder,
      limits: options.limits,
      makeRoom: (bytes) => this.#evict(bytes),
      evictableBytes: () => this.#space.usedBytes - this.#table.pinnedBytes,
    })
  }

  /** Ready at once; the folder is compared with the rows in the background (`reconciled`). */
  static async open(options: CacheOptions): Promise<BlockCache> {
    await options.disk.makeDirectory(options.folder)
    const cache = new BlockCache(options)
    cache.#space.changeUsed(cache.#table.load())
    cache.#reconciled = reconcileFolder({
      ...options,
      index: cache.#index,
      pathOf: (name) => cache.#pathOf(name),
      isStopped: () => cache.#isClosed,
      onMissing: (file) => cache.#forget(cache.#table.liveFile(file)),
      onLarger: (file, bytes) => cache.#correctBytes(cache.#table.liveFile(file), bytes),
    })
    return cache
  }

  /** Resolves when files without rows and rows without files are gone. Never rejects. */
  get reconciled(): Promise<void> {
    return this.#reconciled
  }

  has(object: CachedObject, extent: ByteExtent): boolean {
    return this.missing(object, extent).length === 0
  }

  /** What of `extent` is not here, in whole pieces, ascending, neighbours joined. */
  missing(object: CachedObject, extent: ByteExtent): ByteExtent[] {
    const missing: ByteExtent[] = []
    if (extent.end <= extent.start) return missing
    const wanted = coveringPieces(extent, object.sizeBytes)
    const version = this.#table.find(object)
    if (!version) return [wanted]
    for (const start of pieceStarts(wanted)) {
      const file = this.#table.fileAt(version, blockOf(start))
      if (file && this.#table.pieces(file, blockOf(start)).has(pieceOf(start))) continue
      appendExtent(missing, { start, end: start + pieceLength(start, object.sizeBytes) })
    }
    return missing
  }

  /**
   * Fills `into` from `offset`.
   * @returns false when anything is missing or damaged; damaged pieces are then forgotten, so that
   *          `missing` names them
   */
  async read(object: CachedObject, offset: number, into: Uint8Array): Promise<boolean> {
    const end = offset + into.length
    assert(end <= object.sizeBytes, 'a cache read ends within the object')
    if (into.length === 0) return true
    if (!this.has(object, { start: offset, end })) return false
    const outer = coveringPieces({ start: offset, end }, object.sizeBytes)
    let at = outer.start
    while (at < outer.end) {
      const isEdge = at < offset || at + pieceLength(at, object.sizeBytes) > end
      const next = isEdge
        ? at + pieceLength(at, object.sizeBytes)
        : Math.min(this.#runEnd(object, at), lastWholePiece(end, object.sizeBytes))
      const target = isEdge
        ? Buffer.allocUnsafe(next - at)
        : into.subarray(at - offset, next - offset)
      if (!(await this.#readPieces(object, at, target))) return false
      if (isEdge) copyOverlap(target, at, into, offset)
      at = next
    }
    return true
  }

  /**
   * Promises room for `bytes` (see `allocatedFor`), evicting what may go.
   * @throws PailError `store/cache-full`, `store/disk-full`: nothing is promised
   */
  reserve(bytes: number, purpose: SpacePurpose = 'cache'): Promise<Reservation> {
    return this.#space.reserve(bytes, purpose)
  }

  /** Counts staged bytes that are on this disk already, for instance after a restart. */
  hold(bytes: number): Reservation {
    return this.#space.hold(bytes)
  }

  /**
   * Stores whole pieces: `offset` at a piece's start, `bytes` up to a piece's end or the object's.
   * Returns after the data is written and its rows are committed (survives kill -9).
   *
   * @throws PailError `store/disk-full`, `store/io`: nothing of it is believed
   */
  async put(
    object: CachedObject,
    offset: number,
    bytes: Uint8Array,
    reservation: Reservation,
  ): Promise<void> {
    const end = offset + bytes.length
    assert(offset % PIECE_SIZE_BYTES === 0, 'a put begins with a piece')
    assert(end % PIECE_SIZE_BYTES === 0 || end === object.sizeBytes, 'a put ends with a piece')
    let at = offset
    while (at < end) {
      const file = this.#table.fileFor(object, blockOf(at), this.#database)
      const next = Math.min(end, (file.firstBlock + file.blockCount) * BLOCK_SIZE_BYTES)
      await this.#putInFile(
        object,
        file,
        at,
        bytes.subarray(at - offset, next - offset),
        reservation,
      )
      at = next
    }
  }

  /** Nothing of a pinned version is evicted until `unpin`; survives restarts. */
  async pin(object: CachedObject): Promise<void> {
    await this.#database.write(() => this.#table.setPinned(object, true))
  }

  async unpin(object: CachedObject): Promise<void> {
    await this.#database.write(() => this.#table.setPinned(object, false))
  }

  /** A reader has it open: evicted after everything that nobody has open. */
  retain(object: CachedObject): void {
    this.#table.retain(object, 1)
  }

  release(object: CachedObject): void {
    this.#table.retain(object, -1)
  }

  /**
   * Makes the staged file at `path` the cache file of `object` by renaming it; `path` is gone
   * afterwards, whatever happens. Checksums are computed by reading it once.
   *
   * Call it when the bytes are safe elsewhere: from here on they may be evicted.
   *
   * @param extents  what of the file is content (default: all); only whole pieces are kept
   * @param held  the promise that counted the staged bytes so far; it is released
   * @returns false when there was no room: the file was removed instead
   */
  async adopt(
    object: CachedObject,
    path: string,
    extents?: readonly ByteExtent[],
    held?: Reservation,
  ): Promise<boolean> {
    return adoptFile(object, path, extents ?? [{ start: 0, end: object.sizeBytes }], {
      disk: this.#disk,
      log: this.#log,
      reserve: async (bytes) => {
        held?.release()
        return this.#space.reserve(bytes, 'staging')
      },
      place: (count) => this.#placeForAdoption(object, count),
      record: (file, block, crcs, room) => this.#recordPieces(object, file, block, crcs, room),
      forget: (file) => this.#forget(file),
      using: (file, work) => this.#using(file, work),
    })
  }

  /**
   * An object was copied inside the bucket: the bytes here are those of the copy, too.
   * Only inside a database change, the one that tells where the object is now.
   */
  rename(from: CachedObject, to: CachedObject): void {
    this.#table.rename(from, to)
  }

  /** Forgets a version; its files go as soon as nobody uses them. */
  async drop(object: CachedObject): Promise<void> {
    const version = this.#table.find(object)
    if (!version) return
    await this.#database.write(() => this.#table.setPinned(object, false))
    await Promise.all(this.#table.filesOf(version).map((file) => this.#forget(file)))
    await this.#database.write(() => this.#table.dropVersion(object))
  }

  /** Takes effect at once: what is over a lowered cap is evicted as far as it may be. */
  async setLimits(limits: SpaceLimits): Promise<void> {
    this.#limits = limits
    this.#space.setLimits(limits)
    const excess = this.#space.usedBytes - limits.cacheBytesMax
    if (excess > 0) await this.#evict(excess)
  }

  usage(): CacheUsage {
    const { versions } = this.#index.totals()
    return { bytes: this.#space.usedBytes, pinnedBytes: this.#table.pinnedBytes, versions }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#reconciled
    this.#cancelFlush?.()
    this.#flushUses()
    while (this.#removing.size > 0) await Promise.all(this.#removing)
    await this.#files.close()
  }

  /** End of the run of pieces from `start` that lie in the same cache file. */
  #runEnd(object: CachedObject, start: number): number {
    const version = this.#table.find(object)
    const file = version && this.#table.fileAt(version, blockOf(start))
    const end = file ? (file.firstBlock + file.blockCount) * BLOCK_SIZE_BYTES : start
    return Math.min(Math.max(end, start + PIECE_SIZE_BYTES), object.sizeBytes)
  }

  /** Reads whole pieces of one cache file into `target` and checks each. */
  async #readPieces(object: CachedObject, start: number, target: Uint8Array): Promise<boolean> {
    const version = this.#table.find(object)
    const file = version && this.#table.fileAt(version, blockOf(start))
    if (!file) return false
    const position = start - file.firstBlock * BLOCK_SIZE_BYTES
    const length = await this.#using(file, () => this.#readFile(file, target, position))
    if (length === undefined) return false
    this.#touch(file)
    const damaged: number[] = []
    for (const at of pieceStarts({ start, end: start + target.length })) {
      const pieceEnd = at - start + pieceLength(at, object.sizeBytes)
      const crc = this.#table.pieces(file, blockOf(at)).crcOf(pieceOf(at))
      if (crc === undefined) return false
      const isWhole = pieceEnd <= length
      if (!isWhole || checksumOf(target.subarray(at - start, pieceEnd)) !== crc) damaged.push(at)
    }
    if (damaged.length > 0) this.#distrust(file, damaged)
    return damaged.length === 0
  }

  /** @returns undefined when the file cannot be read; one that is gone is forgotten */
  async #readFile(file: LiveFile, into: Uint8Array, at: number): Promise<number | undefined> {
    try {
      const path = this.#pathOf(file.name)
      return await this.#files.use(path, 'read', (open) => open.read(into, at))
    } catch (thrown) {
      this.#log.write('warn', 'cache/unreadable', { file: file.name, error: String(thrown) })
      if (isGone(thrown)) await this.#forget(file)
      return undefined
    }
  }

  async #putInFile(
    object: CachedObject,
    file: LiveFile,
    offset: number,
    bytes: Uint8Array,
    reservation: Reservation,
  ): Promise<void> {
    await this.#using(file, async () => {
      await this.#folderOf(file.name)
      const position = offset - file.firstBlock * BLOCK_SIZE_BYTES
      const path = this.#pathOf(file.name)
      try {
        await this.#files.use(path, 'write', (open) => open.write(bytes, position))
      } catch (thrown) {
        await this.#recount(file)
        throw thrown
      }
      for (const [block, crcs] of checksumsOf(object, offset, bytes)) {
        await this.#recordPieces(object, file, block, crcs, reservation)
      }
      this.#touch(file)
    })
  }

  /** A write that failed half-way may have taken room. */
  async #recount(file: LiveFile): Promise<void> {
    const bytes = await this.#disk.allocatedBytes(this.#pathOf(file.name)).catch(() => 0)
    if (bytes > file.bytes && !file.isForgotten) this.#correctBytes(file, bytes - file.bytes)
  }

  /** Commits that pieces of one block are on disk. */
  async #recordPieces(
    object: CachedObject,
    file: LiveFile,
    block: number,
    crcs: ReadonlyMap<number, number>,
    reservation: Reservation,
  ): Promise<void> {
    if (file.isForgotten) return
    const pieces = this.#table.pieces(file, block)
    let added = 0
    for (const [piece, crc] of crcs) {
      const start = block * BLOCK_SIZE_BYTES + piece * PIECE_SIZE_BYTES
      const isCounted = pieces.has(piece) || file.damaged.delete(start)
      if (!isCounted) added += allocatedFor(pieceLength(start, object.sizeBytes))
      pieces.set(piece, crc)
    }
    this.#space.take(reservation, added)
    this.#table.changeBytes(file, added)
    await this.#database.write(() => this.#index.setPieces(file.id, block, pieces, file.bytes))
  }

  /** Damaged pieces are not believed any more; they take room until they are stored again. */
  #distrust(file: LiveFile, starts: readonly number[]): void {
    this.#log.write('warn', 'cache/damaged', { file: file.name, pieces: starts.length })
    if (file.isForgotten) return
    const blocks = new Set<number>()
    for (const start of starts) {
      this.#table.pieces(file, blockOf(start)).clear(pieceOf(start))
      file.damaged.add(start)
      blocks.add(blockOf(start))
    }
    this.#database.writeLater(() => {
      for (const block of blocks) {
        this.#index.setPieces(file.id, block, this.#table.pieces(file, block), file.bytes)
      }
    })
  }

  async #placeForAdoption(object: CachedObject, blockCount: number): Promise<[LiveFile, string]> {
    const known = this.#table.find(object)
    if (known) await Promise.all(this.#table.filesOf(known).map((file) => this.#forget(file)))
    const file = this.#table.addFile(object, 0, blockCount, this.#database)
    await this.#folderOf(file.name)
    return [file, this.#pathOf(file.name)]
  }

  /** Removes rows at once, the file when its last user is done; counts the bytes as free then. */
  async #forget(file: LiveFile): Promise<void> {
    if (file.isForgotten) return
    this.#database.writeLater(() => this.#table.removeFile(file))
    if (file.users === 0) await this.#removeFile(file)
  }

  async #removeFile(file: LiveFile): Promise<void> {
    const path = this.#pathOf(file.name)
    const bytes = file.bytes
    const done = Promise.all([this.#files.forget(path), this.#disk.remove(path)])
      .catch((thrown) => this.#log.write('warn', 'cache/remove', { error: String(thrown) }))
      .then(() => this.#space.changeUsed(-bytes))
      .finally(() => this.#removing.delete(done))
    this.#removing.add(done)
    await done
  }

  async #using<T>(file: LiveFile, work: () => Promise<T>): Promise<T> {
    file.users++
    try {
      return await work()
    } finally {
      file.users--
      if (file.users === 0 && file.isForgotten) await this.#removeFile(file)
    }
  }

  async #evict(bytes: number): Promise<void> {
    this.#flushUses()
    const extra = Math.floor(this.#limits.cacheBytesMax * EVICTION_EXTRA_SHARE)
    const goal = this.#space.usedBytes - bytes
    for (const mayBeOpen of [false, true]) {
      let after = { used: -1, id: -1 }
      const lowest = mayBeOpen ? goal : goal - extra
      while (this.#space.usedBytes > lowest) {
        const page = this.#index.evictable(after, EVICTION_PAGE)
        const last = page.at(-1)
        if (!last) break
        after = last
        for (const row of page) {
          if (this.#space.usedBytes <= lowest) break
          const file = this.#table.liveFile(row)
          const isOpen = this.#table.isRetained(file.version)
          if (file.users === 0 && (mayBeOpen || !isOpen)) await this.#forget(file)
        }
      }
    }
  }

  #correctBytes(file: LiveFile, bytes: number): void {
    this.#addBytes(file, bytes)
    this.#database.writeLater(() => this.#index.setBytes(file.id, file.bytes))
  }

  #addBytes(file: LiveFile, bytes: number): void {
    this.#space.changeUsed(bytes)
    this.#table.changeBytes(file, bytes)
  }

  #touch(file: LiveFile): void {
    this.#table.touch(file)
    if (this.#table.touchedCount >= BlockTable.TOUCHED_MAX) this.#flushUses()
    else this.#cancelFlush ??= this.#clock.after(USE_FLUSH_DELAY_MS, () => this.#flushUses())
  }

  #flushUses(): void {
    this.#cancelFlush = undefined
    const touched = this.#table.takeTouched()
    if (touched.length === 0) return
    try {
      this.#database.writeLater(() => {
        for (const file of touched) this.#index.setUsed(file.id, file.used)
      })
    } catch (thrown) {
      // Use times are hints: the order of eviction is a little older than it could be.
      this.#log.write('warn', 'cache/use-times', { error: String(thrown) })
    }
  }

  #pathOf(name: string): string {
    return `${this.#folder}/${name.slice(0, 2)}/${name}`
  }

  async #folderOf(name: string): Promise<void> {
    const folder = `${this.#folder}/${name.slice(0, 2)}`
    if (this.#madeFolders.has(folder)) return
    await this.#disk.makeDirectory(folder)
    this.#madeFolders.add(folder)
  }
}

function lastWholePiece(end: number, sizeBytes: number): number {
  return end === sizeBytes ? end : Math.floor(end / PIECE_SIZE_BYTES) * PIECE_SIZE_BYTES
}

function copyOverlap(from: Uint8Array, fromAt: number, into: Uint8Array, intoAt: number): void {
  const start = Math.max(fromAt, intoAt)
  const end = Math.min(fromAt + from.length, intoAt + into.length)
  into.set(from.subarray(start - fromAt, end - fromAt), start - intoAt)
}

/** The file is not there, or a symbolic link stands in its place. */
function isGone(thrown: unknown): boolean {
  const cause = thrown instanceof Error ? thrown.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  return code === 'ENOENT' || code === 'ELOOP' || code === 'ENOTDIR'
}
