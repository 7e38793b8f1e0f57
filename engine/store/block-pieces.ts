/**
 * Pieces in cache files: written before they are claimed, checked whenever they are read.
 *
 * Keeps: the users of a file are counted; a file is removed when nobody uses it, and its bytes are
 *        free only then.
 * Never: decides what is stored or evicted.
 */
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import type { Log } from '../base/log.ts'
import { BlockFiles } from './block-files.ts'
import type { BlockIndex } from './block-index.ts'
import {
  allocatedFor,
  BLOCK_SIZE_BYTES,
  blockExtents,
  blockOf,
  type CachedObject,
  checksumOf,
  checksumsOf,
  PIECE_SIZE_BYTES,
  pieceLength,
  pieceOf,
  pieceStarts,
} from './block-layout.ts'
import type { CacheSpace, Reservation } from './block-space.ts'
import { BlockTable, type LiveFile } from './block-table.ts'
import type { Database } from './database.ts'

/** Cache files open at one time beyond those in use. */
const OPEN_FILES_MAX = 128
/** Use times are written together, at most this late. */
const USE_FLUSH_DELAY_MS = 2_000

export type PieceParts = {
  readonly disk: Disk
  readonly database: Database
  readonly folder: string
  readonly clock: Clock
  readonly log: Log
  readonly index: BlockIndex
  readonly table: BlockTable
  readonly space: CacheSpace
}

export class BlockPieces {
  readonly #disk: Disk
  readonly #database: Database
  readonly #folder: string
  readonly #clock: Clock
  readonly #log: Log
  readonly #index: BlockIndex
  readonly #table: BlockTable
  readonly #space: CacheSpace
  readonly #files: BlockFiles
  readonly #madeFolders = new Set<string>()
  readonly #removing = new Set<Promise<void>>()
  #cancelFlush: (() => void) | undefined

  constructor(parts: PieceParts) {
    this.#disk = parts.disk
    this.#database = parts.database
    this.#folder = parts.folder
    this.#clock = parts.clock
    this.#log = parts.log
    this.#index = parts.index
    this.#table = parts.table
    this.#space = parts.space
    this.#files = new BlockFiles(parts.disk, OPEN_FILES_MAX)
  }

  async close(): Promise<void> {
    this.#cancelFlush?.()
    this.flushUses()
    while (this.#removing.size > 0) await Promise.all(this.#removing)
    await this.#files.close()
  }

  /** Reads whole pieces of one cache file into `target` and checks each. @returns false: damage, or gone */
  async readPieces(object: CachedObject, start: number, target: Uint8Array): Promise<boolean> {
    const version = this.#table.find(object)
    const file = version && this.#table.fileAt(version, blockOf(start))
    if (!file) return false
    const position = start - file.firstBlock * BLOCK_SIZE_BYTES
    const length = await this.using(file, () => this.#readFile(file, target, position))
    if (length === undefined) return false
    this.#touch(file)
    const damaged: number[] = []
    for (const { block, ...part } of blockExtents({ start, end: start + target.length })) {
      const pieces = this.#table.pieces(file, block)
      for (const at of pieceStarts(part)) {
        const pieceEnd = at - start + pieceLength(at, object.sizeBytes)
        const crc = pieces.crcOf(pieceOf(at))
        if (crc === undefined) return false
        const isWhole = pieceEnd <= length
        if (!isWhole || checksumOf(target.subarray(at - start, pieceEnd)) !== crc) damaged.push(at)
      }
    }
    if (damaged.length > 0) this.#distrust(file, damaged)
    return damaged.length === 0
  }

  /** @returns undefined when the file cannot be read; one that is gone is forgotten */
  async #readFile(file: LiveFile, into: Uint8Array, at: number): Promise<number | undefined> {
    try {
      const path = this.pathOf(file.name)
      return await this.#files.use(path, 'read', (open) => open.read(into, at))
    } catch (thrown) {
      this.#log.write('warn', 'cache/unreadable', { file: file.name, error: String(thrown) })
      if (isGone(thrown)) await this.forget(file)
      return undefined
    }
  }

  async putInFile(
    object: CachedObject,
    file: LiveFile,
    offset: number,
    bytes: Uint8Array,
    reservation: Reservation,
  ): Promise<void> {
    await this.using(file, async () => {
      await this.folderOf(file.name)
      const position = offset - file.firstBlock * BLOCK_SIZE_BYTES
      const path = this.pathOf(file.name)
      try {
        await this.#files.use(path, 'write', (open) => open.write(bytes, position))
      } catch (thrown) {
        await this.#recount(file)
        throw thrown
      }
      for (const [block, crcs] of checksumsOf(object, offset, bytes)) {
        this.recordPieces(object, file, block, crcs, reservation)
      }
      this.#touch(file)
    })
  }

  /** A write that failed half-way may have taken room. */
  async #recount(file: LiveFile): Promise<void> {
    const bytes = await this.#disk.allocatedBytes(this.pathOf(file.name)).catch(() => 0)
    if (bytes > file.bytes && !file.isForgotten) this.correctBytes(file, bytes - file.bytes)
  }

  /**
   * Notes that pieces of one block are on disk: committed with what comes next, since a crash that
   * takes the note along only means that they are fetched again.
   */
  recordPieces(
    object: CachedObject,
    file: LiveFile,
    block: number,
    crcs: ReadonlyMap<number, number>,
    reservation: Reservation,
  ): void {
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
    this.#database.writeLater(() => this.#index.setPieces(file.id, block, pieces, file.bytes))
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

  /** Removes rows at once, the file when its last user is done; counts the bytes as free then. */
  async forget(file: LiveFile): Promise<void> {
    if (file.isForgotten) return
    this.#database.writeLater(() => this.#table.removeFile(file))
    if (file.users === 0) await this.#removeFile(file)
  }

  async #removeFile(file: LiveFile): Promise<void> {
    const path = this.pathOf(file.name)
    const bytes = file.bytes
    const done = Promise.all([this.#files.forget(path), this.#disk.remove(path)])
      .catch((thrown) => this.#log.write('warn', 'cache/remove', { error: String(thrown) }))
      .then(() => this.#space.changeUsed(-bytes))
      .finally(() => this.#removing.delete(done))
    this.#removing.add(done)
    await done
  }

  async using<T>(file: LiveFile, work: () => Promise<T>): Promise<T> {
    file.users++
    try {
      return await work()
    } finally {
      file.users--
      if (file.users === 0 && file.isForgotten) await this.#removeFile(file)
    }
  }

  correctBytes(file: LiveFile, bytes: number): void {
    this.#addBytes(file, bytes)
    this.#database.writeLater(() => this.#index.setBytes(file.id, file.bytes))
  }

  #addBytes(file: LiveFile, bytes: number): void {
    this.#space.changeUsed(bytes)
    this.#table.changeBytes(file, bytes)
  }

  #touch(file: LiveFile): void {
    this.#table.touch(file)
    if (this.#table.touchedCount >= BlockTable.TOUCHED_MAX) this.flushUses()
    else this.#cancelFlush ??= this.#clock.after(USE_FLUSH_DELAY_MS, () => this.flushUses())
  }

  flushUses(): void {
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

  pathOf(name: string): string {
    return `${this.#folder}/${name.slice(0, 2)}/${name}`
  }

  async folderOf(name: string): Promise<void> {
    const folder = `${this.#folder}/${name.slice(0, 2)}`
    if (this.#madeFolders.has(folder)) return
    await this.#disk.makeDirectory(folder)
    this.#madeFolders.add(folder)
  }
}

/** The file is not there, or a symbolic link stands in its place. */
function isGone(thrown: unknown): boolean {
  const cause = thrown instanceof Error ? thrown.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  return code === 'ENOENT' || code === 'ELOOP' || code === 'ENOTDIR'
}
