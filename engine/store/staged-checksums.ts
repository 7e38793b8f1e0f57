/**
 * Checksums of what a staging file holds, chunk by chunk.
 *
 * After lost power the record of a seal can survive while the bytes it names did not: the kernel
 * writes both back when it likes. The checksums tell such a file from a whole one, so that zeros
 * are never uploaded as content.
 */
import { crc32 } from 'node:zlib'
import { cutByExtents, type Extent } from '../base/extents.ts'

/** One checksum covers what was written within so many bytes of the file. */
export const CHUNK_BYTES = 1024 * 1024

/** Chunk number and CRC-32 of the written bytes in it, in order. */
export type ChunkSums = ReadonlyArray<readonly [chunk: number, crc: number]>

type Run = { readonly start: number; end: number; crc: number }
type ReadWritten = (offset: number, into: Uint8Array) => Promise<void>

export class StagedChecksums {
  /** Chunks whose written bytes are one run that grew at its end: their checksum is at hand. */
  readonly #runs = new Map<number, Run>()
  readonly #known = new Map<number, number>()
  readonly #stale = new Set<number>()

  constructor(sums: ChunkSums = []) {
    for (const [chunk, crc] of sums) this.#known.set(chunk, crc)
  }

  /** For bytes that are there but were not summed up: all of them are read by the next `sums`. */
  static unknown(extents: readonly Extent[]): StagedChecksums {
    const checksums = new StagedChecksums()
    for (const { start, end } of extents) {
      const last = Math.floor((end - 1) / CHUNK_BYTES)
      for (let chunk = Math.floor(start / CHUNK_BYTES); chunk <= last; chunk++) {
        checksums.#stale.add(chunk)
      }
    }
    return checksums
  }

  noteWrite(data: Uint8Array, offset: number): void {
    for (let at = 0; at < data.length; ) {
      const start = offset + at
      const chunk = Math.floor(start / CHUNK_BYTES)
      const length = Math.min(data.length - at, (chunk + 1) * CHUNK_BYTES - start)
      this.#notePiece(chunk, data.subarray(at, at + length), start)
      at += length
    }
  }

  noteTruncate(sizeBytes: number): void {
    const first = Math.floor(sizeBytes / CHUNK_BYTES)
    for (const known of [this.#known, this.#runs]) {
      for (const chunk of known.keys()) if (chunk >= first) known.delete(chunk)
    }
    for (const chunk of this.#stale) if (chunk > first) this.#stale.delete(chunk)
    this.#stale.add(first)
  }

  /** What was written there does not count any more. */
  noteRemoved({ start, end }: Extent): void {
    const first = Math.floor(start / CHUNK_BYTES)
    for (const chunk of [...this.#known.keys(), ...this.#runs.keys()]) {
      if (chunk < first || chunk * CHUNK_BYTES >= end) continue
      this.#runs.delete(chunk)
      this.#stale.add(chunk)
    }
  }

  /** The sums of everything in `extents`; reads back what was not written in order. */
  async sums(extents: readonly Extent[], read: ReadWritten): Promise<ChunkSums> {
    for (const chunk of [...this.#stale]) {
      const crc = await checksumOf(chunk, extents, read)
      if (crc === undefined) this.#known.delete(chunk)
      else this.#known.set(chunk, crc)
      this.#stale.delete(chunk)
    }
    return [...this.#known].sort((a, b) => a[0] - b[0])
  }

  #notePiece(chunk: number, data: Uint8Array, start: number): void {
    const run = this.#runs.get(chunk)
    const isFirst = !run && !this.#known.has(chunk) && !this.#stale.has(chunk)
    if (!isFirst && run?.end !== start) {
      this.#runs.delete(chunk)
      this.#stale.add(chunk)
      return
    }
    const crc = crc32(data, run?.crc ?? 0)
    if (run) {
      run.end += data.length
      run.crc = crc
    } else this.#runs.set(chunk, { start, end: start + data.length, crc })
    this.#known.set(chunk, crc)
    if ((start + data.length) % CHUNK_BYTES === 0) this.#runs.delete(chunk)
  }
}

/** CRC of the written bytes of one chunk; undefined when nothing was written there. */
async function checksumOf(
  chunk: number,
  extents: readonly Extent[],
  read: ReadWritten,
): Promise<number | undefined> {
  const range = { start: chunk * CHUNK_BYTES, end: (chunk + 1) * CHUNK_BYTES }
  let crc: number | undefined
  for (const piece of cutByExtents(extents, range)) {
    if (!piece.isCovered) continue
    const bytes = new Uint8Array(piece.end - piece.start)
    await read(piece.start, bytes)
    crc = crc32(bytes, crc ?? 0)
  }
  return crc
}

/** @returns the first chunk that does not hold what was written; undefined: all do */
export async function findDamage(
  sums: ChunkSums,
  extents: readonly Extent[],
  read: ReadWritten,
): Promise<number | undefined> {
  for (const [chunk, crc] of sums) {
    if ((await checksumOf(chunk, extents, read)) !== crc) return chunk
  }
  return undefined
}
