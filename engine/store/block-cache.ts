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
import { adoptBytes, adoptFile } from './block-adopt.ts'
import { BlockIndex } from './block-index.ts'
import {
  appendExtent,
  BLOCK_SIZE_BYTES,
  type ByteExtent,
  blockExtents,
  blockOf,
  type CachedObject,
  coveringPieces,
  PIECE_SIZE_BYTES,
  pieceLength,
  pieceOf,
  pieceStarts,
} from './block-layout.ts'
import { BlockPieces } from './block-pieces.ts'
import { reconcileFolder } from './block-reconcile.ts'
import {
  CacheSpace,
  type Reservation,
  type SpaceLimits,
  type SpaceOfDisk,
  type SpacePurpose,
} from './block-space.ts'
import { BlockTable, type LiveFile } from './block-table.ts'
import type { Database } from './database.ts'

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
  readonly #log: Log
  readonly #index: BlockIndex
  readonly #table: BlockTable
  readonly #pieces: BlockPieces
  readonly #space: CacheSpace
  #limits: SpaceLimits
  #isClosed = false
  #reconciled: Promise<void> = Promise.resolve()

  private constructor(options: CacheOptions) {
    this.#disk = options.disk
    this.#database = options.database
    this.#log = options.log
    this.#limits = options.limits
    this.#index = new BlockIndex(options.database)
    this.#table = new BlockTable(this.#index, options.clock, options.database.trust)
    this.#space = new CacheSpace({
      disk: options.disk,
      clock: options.clock,
      folder: options.folder,
      limits: options.limits,
      makeRoom: (bytes) => this.#evict(bytes),
      evictableBytes: () => this.#space.usedBytes - this.#table.pinnedBytes,
    })
    const [index, table, space] = [this.#index, this.#table, this.#space]
    this.#pieces = new BlockPieces({ ...options, index, table, space })
  }

  /** Ready at once; the folder is compared with the rows in the background (`reconciled`). */
  static async open(options: CacheOptions): Promise<BlockCache> {
    await options.disk.makeDirectory(options.folder)
    const cache = new BlockCache(options)
    cache.#space.changeUsed(cache.#table.load())
    cache.#reconciled = reconcileFolder({
      ...options,
      index: cache.#index,
      pathOf: (name) => cache.#pieces.pathOf(name),
      isStopped: () => cache.#isClosed,
      onMissing: (file) => cache.#pieces.forget(cache.#table.liveFile(file)),
      onLarger: (file, bytes) => cache.#pieces.correctBytes(cache.#table.liveFile(file), bytes),
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
    for (const { block, ...part } of blockExtents(wanted)) {
      const file = this.#table.fileAt(version, block)
      const pieces = file && this.#table.pieces(file, block)
      for (const start of pieceStarts(part)) {
        if (pieces?.has(pieceOf(start))) continue
        appendExtent(missing, { start, end: start + pieceLength(start, object.sizeBytes) })
      }
    }
    return missing
  }

  /**
   * Fills `into` from `offset`.
   * @returns false when anything is missing or damaged, or the cache is closed; damaged pieces are then forgotten, so that
   *          `missing` names them
   */
  async read(object: CachedObject, offset: number, into: Uint8Array): Promise<boolean> {
    const end = offset + into.length
    assert(end <= object.sizeBytes, 'a cache read ends within the object')
    if (into.length === 0) return true
    if (this.#isClosed || !this.has(object, { start: offset, end })) return false
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
      if (!(await this.#pieces.readPieces(object, at, target))) return false
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

  /**
   * Stores whole pieces: `offset` at a piece's start, `bytes` up to a piece's end or the object's.
   * Returns after the data is written; its rows are committed with the next commit.
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
      await this.#pieces.putInFile(
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

  isPinned(object: CachedObject): boolean {
    return this.#table.find(object)?.isPinned ?? false
  }

  pinnedVersions(volume: number): CachedObject[] {
    return this.#index.pinnedVersions(volume)
  }

  /** Bytes that pins may still take. */
  roomForPinsBytes(): Promise<number> {
    return this.#space.roomForPinsBytes()
  }

  /** Evicts what is over the cap, as far as it may be: after pins were taken away. */
  async trim(): Promise<void> {
    const excess = this.#space.excessBytes
    if (excess > 0) await this.#evict(excess)
  }

  /** Evicts everything that may go and that nobody reads at this moment. */
  async free(): Promise<void> {
    await this.#evict(this.#space.usedBytes)
  }

  /** The limit, and the disk it lies on. */
  async room(): Promise<{ limitBytes: number; disk: SpaceOfDisk }> {
    return { limitBytes: this.#limits.cacheBytesMax, disk: await this.#space.ofDisk() }
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
   * @returns false when there was no room: the file was removed instead
   */
  async adopt(
    object: CachedObject,
    path: string,
    extents?: readonly ByteExtent[],
  ): Promise<boolean> {
    return adoptFile(object, path, extents ?? [{ start: 0, end: object.sizeBytes }], {
      disk: this.#disk,
      log: this.#log,
      reserve: (bytes) => this.#space.reserve(bytes, 'staging'),
      place: (count) => this.#placeForAdoption(object, count),
      record: (file, block, crcs, room) =>
        this.#pieces.recordPieces(object, file, block, crcs, room),
      forget: (file) => this.#pieces.forget(file),
      using: (file, work) => this.#pieces.using(file, work),
    })
  }

  /**
   * Like `adopt`, for staged bytes without a file.
   * @returns false when there was no room, or no whole piece
   */
  adoptBytes(
    object: CachedObject,
    bytes: Uint8Array,
    extents: readonly ByteExtent[],
  ): Promise<boolean> {
    return adoptBytes(object, bytes, extents, {
      log: this.#log,
      reserve: (count) => this.#space.reserve(count, 'staging'),
      put: (offset, part, room) => this.put(object, offset, part, room),
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
    await Promise.all(this.#table.filesOf(version).map((file) => this.#pieces.forget(file)))
    await this.#database.write(() => this.#table.dropVersion(object))
  }

  /** Takes effect at once: what is over a lowered cap is evicted as far as it may be. */
  async setLimits(limits: SpaceLimits): Promise<void> {
    this.#limits = limits
    this.#space.setLimits(limits)
    await this.trim()
  }

  usage(): CacheUsage {
    const { versions } = this.#index.totals()
    return { bytes: this.#space.usedBytes, pinnedBytes: this.#table.pinnedBytes, versions }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#reconciled
    await this.#pieces.close()
  }

  /** End of the run of pieces from `start` that lie in the same cache file. */
  #runEnd(object: CachedObject, start: number): number {
    const version = this.#table.find(object)
    const file = version && this.#table.fileAt(version, blockOf(start))
    const end = file ? (file.firstBlock + file.blockCount) * BLOCK_SIZE_BYTES : start
    return Math.min(Math.max(end, start + PIECE_SIZE_BYTES), object.sizeBytes)
  }

  async #placeForAdoption(object: CachedObject, blockCount: number): Promise<[LiveFile, string]> {
    const known = this.#table.find(object)
    if (known)
      await Promise.all(this.#table.filesOf(known).map((file) => this.#pieces.forget(file)))
    const file = this.#table.addFile(object, 0, blockCount, this.#database)
    await this.#pieces.folderOf(file.name)
    return [file, this.#pieces.pathOf(file.name)]
  }

  async #evict(bytes: number): Promise<void> {
    this.#pieces.flushUses()
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
          if (file.users === 0 && (mayBeOpen || !isOpen)) await this.#pieces.forget(file)
        }
      }
    }
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
