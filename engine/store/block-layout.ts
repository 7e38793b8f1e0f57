/**
 * How the bytes of an object version are laid out in the cache. Pure.
 *
 * A version is cut into blocks of 1 MiB, one database row each. A block is cut into pieces of
 * 16 KiB, each with its own presence bit and CRC32 in that row: the piece is what is fetched,
 * checked and believed. With pieces of 16 KiB an unaligned read of 64 KiB fetches at most 80 KiB
 * (1.25 times what was asked); whole blocks would fetch sixteen times as much.
 *
 * On disk a version is a row of sparse files of 64 blocks, so that the oldest part of a file larger
 * than the cache can be evicted by deleting a file (there is no portable way to punch holes).
 * A file adopted after its upload stays one file.
 */
import { crc32 } from 'node:zlib'

export const BLOCK_SIZE_BYTES = 1024 * 1024
export const PIECE_SIZE_BYTES = 16 * 1024
export const PIECES_PER_BLOCK = BLOCK_SIZE_BYTES / PIECE_SIZE_BYTES
/** Blocks in one cache file, unless adopted. */
export const FILE_BLOCKS = 64
/** Disks allocate in such units; the cap counts what a piece takes on disk. */
const ALLOCATION_UNIT_BYTES = 4096

/** One immutable version of one object; `ObjectVersion` of engine/sync fits. */
export type CachedObject = {
  readonly volume: number
  readonly key: string
  readonly etag: string
  readonly sizeBytes: number
}

/** Half-open range of bytes. */
export type ByteExtent = { readonly start: number; readonly end: number }

/** The smallest run of whole pieces that covers `extent`, ending with the object. */
export function coveringPieces(extent: ByteExtent, sizeBytes: number): ByteExtent {
  const start = Math.floor(extent.start / PIECE_SIZE_BYTES) * PIECE_SIZE_BYTES
  const end = Math.ceil(extent.end / PIECE_SIZE_BYTES) * PIECE_SIZE_BYTES
  return { start, end: Math.min(end, sizeBytes) }
}

/** The largest run of whole pieces inside `extent`; empty when there is none. */
export function containedPieces(extent: ByteExtent, sizeBytes: number): ByteExtent {
  const start = Math.ceil(extent.start / PIECE_SIZE_BYTES) * PIECE_SIZE_BYTES
  const last = Math.floor(extent.end / PIECE_SIZE_BYTES) * PIECE_SIZE_BYTES
  const end = extent.end >= sizeBytes ? sizeBytes : last
  return { start, end: Math.max(start, end) }
}

/** Length of the piece that begins at `start`: short at the end of the object. */
export function pieceLength(start: number, sizeBytes: number): number {
  return Math.min(PIECE_SIZE_BYTES, sizeBytes - start)
}

/** Bytes that a disk allocates for `lengthBytes` bytes of whole pieces. */
export function allocatedFor(lengthBytes: number): number {
  return Math.ceil(lengthBytes / ALLOCATION_UNIT_BYTES) * ALLOCATION_UNIT_BYTES
}

export function blockOf(offset: number): number {
  return Math.floor(offset / BLOCK_SIZE_BYTES)
}

/** Number of the piece at `offset` within its block. */
export function pieceOf(offset: number): number {
  return Math.floor((offset % BLOCK_SIZE_BYTES) / PIECE_SIZE_BYTES)
}

/** Starts of the pieces of a piece-aligned extent. */
export function* pieceStarts(extent: ByteExtent): Generator<number> {
  for (let start = extent.start; start < extent.end; start += PIECE_SIZE_BYTES) yield start
}

/** Cuts a piece-aligned extent where blocks end. */
export function* blockExtents(
  extent: ByteExtent,
): Generator<ByteExtent & { readonly block: number }> {
  for (let start = extent.start; start < extent.end; ) {
    const block = blockOf(start)
    const end = Math.min(extent.end, (block + 1) * BLOCK_SIZE_BYTES)
    yield { block, start, end }
    start = end
  }
}

/** Adds an extent that begins at or after the last one; joins what touches. */
export function appendExtent(extents: ByteExtent[], next: ByteExtent): void {
  const last = extents.at(-1)
  if (last && next.start <= last.end) {
    extents[extents.length - 1] = { start: last.start, end: Math.max(last.end, next.end) }
  } else if (next.end > next.start) extents.push(next)
}

export function checksumOf(bytes: Uint8Array): number {
  return crc32(bytes)
}

/** CRC32 of each whole piece of `bytes`, which lie at `offset`: by block, then by piece. */
export function checksumsOf(
  object: CachedObject,
  offset: number,
  bytes: Uint8Array,
): Map<number, Map<number, number>> {
  const blocks = new Map<number, Map<number, number>>()
  for (const start of pieceStarts({ start: offset, end: offset + bytes.length })) {
    const crcs = blocks.get(blockOf(start)) ?? new Map<number, number>()
    blocks.set(blockOf(start), crcs)
    const at = start - offset
    const length = pieceLength(start, object.sizeBytes)
    crcs.set(pieceOf(start), checksumOf(bytes.subarray(at, at + length)))
  }
  return blocks
}

const BITMAP_BYTES = PIECES_PER_BLOCK / 8

/** Which pieces of one block are on disk, and their checksums. */
export class PieceMap {
  readonly #crcs = new Map<number, number>()

  get isEmpty(): boolean {
    return this.#crcs.size === 0
  }

  has(piece: number): boolean {
    return this.#crcs.has(piece)
  }

  crcOf(piece: number): number | undefined {
    return this.#crcs.get(piece)
  }

  set(piece: number, crc: number): void {
    this.#crcs.set(piece, crc)
  }

  clear(piece: number): void {
    this.#crcs.delete(piece)
  }

  /** A bitmap of 8 bytes, then one CRC32 (little-endian) for each bit set, in order. */
  encode(): Uint8Array {
    const pieces = [...this.#crcs.keys()].sort((a, b) => a - b)
    const row = Buffer.alloc(BITMAP_BYTES + pieces.length * 4)
    pieces.forEach((piece, index) => {
      row[piece >> 3] = (row[piece >> 3] ?? 0) | (1 << (piece & 7))
      row.writeUInt32LE(this.#crcs.get(piece) ?? 0, BITMAP_BYTES + index * 4)
    })
    return row
  }

  /** A row that does not decode holds nothing: its bytes are fetched again. */
  static decode(row: Uint8Array): PieceMap {
    const map = new PieceMap()
    const bytes = Buffer.from(row.buffer, row.byteOffset, row.byteLength)
    let at = BITMAP_BYTES
    for (let piece = 0; piece < PIECES_PER_BLOCK && row.length >= BITMAP_BYTES; piece++) {
      if (((row[piece >> 3] ?? 0) & (1 << (piece & 7))) === 0) continue
      if (at + 4 > row.length) return new PieceMap()
      map.#crcs.set(piece, bytes.readUInt32LE(at))
      at += 4
    }
    return map
  }
}
