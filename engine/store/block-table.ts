/**
 * What the block cache knows in memory about versions and files that were used lately.
 *
 * Keeps: one LiveFile object per cache file, so that its users are counted in one place.
 * Keeps: bounded. What falls out is read from the rows again; retained versions and files in use
 *        stay.
 * Never: touches a file.
 */
import type { Clock } from '../base/clock.ts'
import type { BlockIndex, FileRow } from './block-index.ts'
import { BLOCK_SIZE_BYTES, type CachedObject, FILE_BLOCKS, type PieceMap } from './block-layout.ts'
import type { Database } from './database.ts'
import type { Trust } from './trust.ts'

export type LiveFile = {
  readonly id: number
  readonly version: number
  readonly firstBlock: number
  readonly blockCount: number
  readonly name: string
  bytes: number
  used: number
  /** Reads and writes going on now: it cannot be removed. */
  users: number
  /** Starts of damaged pieces: not believed, but the disk still holds them. */
  readonly damaged: Set<number>
  /** Its rows are gone; the file goes when `users` is 0. */
  isForgotten: boolean
}

export type LiveVersion = {
  readonly key: string
  readonly id: number
  isPinned: boolean
  /** Ascending by first block. */
  files: LiveFile[]
}

/** Versions kept in memory though nobody has them open. */
const VERSIONS_MAX = 2_048
/** Rows of blocks kept in memory, about 3 KB each at most. */
const PIECE_MAPS_MAX = 4_096

export class BlockTable {
  /** Files used since the last flush; more are flushed at once. */
  static readonly TOUCHED_MAX = 512

  readonly #index: BlockIndex
  readonly #clock: Clock
  readonly #trust: Trust
  readonly #versions = new Map<string, LiveVersion>()
  readonly #versionsById = new Map<number, LiveVersion>()
  readonly #retained = new Map<string, number>()
  readonly #pieces = new Map<string, PieceMap>()
  readonly #touched = new Set<LiveFile>()
  #pinnedBytes = 0
  #lastUse = 0

  constructor(index: BlockIndex, clock: Clock, trust: Trust) {
    this.#index = index
    this.#clock = clock
    this.#trust = trust
  }

  get pinnedBytes(): number {
    return this.#pinnedBytes
  }

  get touchedCount(): number {
    return this.#touched.size
  }

  /** @returns bytes that all cache files take */
  load(): number {
    const totals = this.#index.totals()
    this.#pinnedBytes = totals.pinnedBytes
    this.#lastUse = totals.lastUse
    return totals.bytes
  }

  find(object: CachedObject): LiveVersion | undefined {
    const key = keyOf(object)
    const live = this.#versions.get(key)
    if (live) {
      this.#versions.delete(key)
      this.#versions.set(key, live)
      return live
    }
    const row = this.#index.findVersion(object)
    return row && this.#addLive(key, row)
  }

  fileAt(version: LiveVersion, block: number): LiveFile | undefined {
    let low = 0
    let high = version.files.length
    while (low < high) {
      const middle = (low + high) >> 1
      const file = version.files[middle]
      if (file && file.firstBlock <= block) low = middle + 1
      else high = middle
    }
    const file = version.files[low - 1]
    return file && block < file.firstBlock + file.blockCount ? file : undefined
  }

  /** The file that holds, or will hold, `block`. */
  fileFor(object: CachedObject, block: number, database: Database): LiveFile {
    const version = this.find(object)
    const known = version && this.fileAt(version, block)
    if (known) return known
    const first = Math.floor(block / FILE_BLOCKS) * FILE_BLOCKS
    const blocks = Math.ceil(object.sizeBytes / BLOCK_SIZE_BYTES)
    return this.addFile(object, first, Math.min(FILE_BLOCKS, blocks - first), database)
  }

  addFile(
    object: CachedObject,
    firstBlock: number,
    blockCount: number,
    database: Database,
  ): LiveFile {
    let row: FileRow | undefined
    database.writeLater(() => {
      const version = this.#index.findVersion(object) ?? this.#index.addVersion(object)
      const use = { bytes: 0, used: this.#nextUse() }
      row = this.#index.addFile({ version: version.id, firstBlock, blockCount, ...use })
    })
    const added = row
    this.#trust.assert(added, 'a row was added')
    const version = this.find(object)
    this.#trust.assert(version, 'a version of a file is known')
    let file = version.files.find((each) => each.id === added.id)
    if (!file) {
      file = liveFileOf(added)
      version.files = [...version.files, file].sort((a, b) => a.firstBlock - b.firstBlock)
    }
    return file
  }

  /**
   * Lets the bytes of `from` stand for `to`, of the same size. Inside a database change.
   * Does nothing while someone reads `from`, or when `to` has bytes of its own.
   */
  rename(from: CachedObject, to: CachedObject): void {
    this.#trust.assert(from.sizeBytes === to.sizeBytes, 'a renamed version keeps its size')
    const version = this.find(from)
    if (!version || (this.#retained.get(keyOf(from)) ?? 0) > 0 || this.find(to)) return
    this.#index.renameVersion(version.id, to)
    const renamed: LiveVersion = { ...version, key: keyOf(to) }
    this.#versions.delete(version.key)
    this.#versions.set(renamed.key, renamed)
    this.#versionsById.set(renamed.id, renamed)
  }

  filesOf(version: LiveVersion): readonly LiveFile[] {
    return [...version.files]
  }

  /** The one object that stands for a row. */
  liveFile(row: FileRow): LiveFile {
    const version = this.#versionsById.get(row.version)
    return version?.files.find((file) => file.id === row.id) ?? liveFileOf(row)
  }

  /** Takes a file out of rows and memory. Inside a database change. */
  removeFile(file: LiveFile): void {
    file.isForgotten = true
    this.#touched.delete(file)
    const version = this.#versionsById.get(file.version)
    if (this.#isPinnedId(file.version)) this.#pinnedBytes -= file.bytes
    this.#index.removeFile(file)
    for (let block = 0; block < file.blockCount; block++) {
      this.#pieces.delete(`${file.id}/${file.firstBlock + block}`)
    }
    if (!version) return
    version.files = version.files.filter((each) => each !== file)
    if (version.files.length === 0 && !version.isPinned) this.#removeLive(version)
  }

  pieces(file: LiveFile, block: number): PieceMap {
    const key = `${file.id}/${block}`
    let map = this.#pieces.get(key)
    if (map) this.#pieces.delete(key)
    map ??= this.#index.pieces(file.id, block)
    this.#pieces.set(key, map)
    if (this.#pieces.size > PIECE_MAPS_MAX) {
      const oldest = this.#pieces.keys().next().value
      if (oldest !== undefined) this.#pieces.delete(oldest)
    }
    return map
  }

  changeBytes(file: LiveFile, bytes: number): void {
    file.bytes += bytes
    if (this.#isPinnedId(file.version)) this.#pinnedBytes += bytes
  }

  /** Inside a database change. */
  setPinned(object: CachedObject, isPinned: boolean): void {
    const row = this.#index.findVersion(object) ?? this.#index.addVersion(object)
    this.#index.setPinned(row.id, isPinned)
    const version = this.find(object)
    this.#trust.assert(version, 'a pinned version is known')
    if (row.isPinned !== isPinned) {
      const bytes = version.files.reduce((sum, file) => sum + file.bytes, 0)
      this.#pinnedBytes += isPinned ? bytes : -bytes
    }
    version.isPinned = isPinned
  }

  /** Inside a database change. */
  dropVersion(object: CachedObject): void {
    const version = this.find(object)
    if (!version || version.files.length > 0) return
    this.#index.removeVersion(version.id)
    this.#removeLive(version)
  }

  retain(object: CachedObject, change: 1 | -1): void {
    const key = keyOf(object)
    const count = (this.#retained.get(key) ?? 0) + change
    this.#trust.assert(count >= 0, 'a version is released once for each time it was retained')
    if (count === 0) this.#retained.delete(key)
    else this.#retained.set(key, count)
    // Eviction asks by row: it must find the version in memory.
    this.find(object)
  }

  isRetained(version: number): boolean {
    const live = this.#versionsById.get(version)
    return live !== undefined && this.#retained.has(live.key)
  }

  touch(file: LiveFile): void {
    if (file.isForgotten) return
    file.used = this.#nextUse()
    this.#touched.add(file)
  }

  takeTouched(): LiveFile[] {
    const touched = [...this.#touched]
    this.#touched.clear()
    return touched
  }

  /** Rising strictly, near the wall clock. */
  #nextUse(): number {
    this.#lastUse = Math.max(this.#lastUse + 1, this.#clock.nowMs())
    return this.#lastUse
  }

  #isPinnedId(version: number): boolean {
    return this.#versionsById.get(version)?.isPinned ?? this.#index.isPinned(version)
  }

  #addLive(key: string, row: { id: number; isPinned: boolean }): LiveVersion {
    const files = this.#index.filesOf(row.id).map(liveFileOf)
    const live = { key, id: row.id, isPinned: row.isPinned, files }
    this.#versions.set(key, live)
    this.#versionsById.set(row.id, live)
    this.#shrink()
    return live
  }

  #shrink(): void {
    if (this.#versions.size <= VERSIONS_MAX + this.#retained.size) return
    for (const [key, version] of this.#versions) {
      const isBusy = version.files.some((file) => file.users > 0 || this.#touched.has(file))
      if (isBusy || this.#retained.has(key)) continue
      this.#versions.delete(key)
      this.#versionsById.delete(version.id)
      return
    }
  }

  #removeLive(version: LiveVersion): void {
    this.#versionsById.delete(version.id)
    this.#versions.delete(version.key)
  }
}

function keyOf(object: CachedObject): string {
  return `${object.volume}\n${object.sizeBytes}\n${object.etag}\n${object.key}`
}

function liveFileOf(row: FileRow): LiveFile {
  return { ...row, users: 0, damaged: new Set(), isForgotten: false }
}
