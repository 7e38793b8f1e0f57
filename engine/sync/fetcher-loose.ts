/**
 * Fetched bytes that the cache could not take: kept in memory for a short while.
 *
 * Keeps: reading works when the cache is full of pinned files or the disk is full. Bounded; the
 *        oldest go first.
 */
import type { Extent, ObjectVersion } from './content.ts'
import { overlap } from './read-ranges.ts'

export const LOOSE_BYTES_MAX = 24 * 1024 * 1024

type LooseRange = { readonly version: string; readonly extent: Extent; readonly bytes: Uint8Array }

export class LooseRanges {
  readonly #bytesMax: number
  #ranges: LooseRange[] = []
  #bytes = 0

  constructor(bytesMax = LOOSE_BYTES_MAX) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  add(version: ObjectVersion, extent: Extent, bytes: Uint8Array): void {
    this.#ranges.push({ version: versionKey(version), extent, bytes })
    this.#bytes += bytes.length
    while (this.#bytes > this.#bytesMax) this.#bytes -= this.#ranges.shift()?.bytes.length ?? 0
  }

  /**
   * Copies what is here of `want` into `into`, which begins at `intoStart`.
   * @returns the ranges that served, in whole pieces
   */
  copy(version: ObjectVersion, want: Extent, into: Uint8Array, intoStart: number): Extent[] {
    const copied: Extent[] = []
    if (this.#ranges.length === 0) return copied
    const key = versionKey(version)
    for (const range of this.#ranges) {
      const part = range.version === key ? overlap(range.extent, want) : undefined
      if (!part) continue
      const from = part.start - range.extent.start
      into.set(range.bytes.subarray(from, from + part.end - part.start), part.start - intoStart)
      copied.push(range.extent)
    }
    return copied
  }

  covers(version: ObjectVersion): Extent[] {
    const key = versionKey(version)
    return this.#ranges.filter((range) => range.version === key).map((range) => range.extent)
  }

  drop(version: ObjectVersion): void {
    const key = versionKey(version)
    this.#ranges = this.#ranges.filter((range) => range.version !== key)
    this.#bytes = this.#ranges.reduce((sum, range) => sum + range.bytes.length, 0)
  }
}

export function versionKey(version: ObjectVersion): string {
  return `${version.volume}\n${version.sizeBytes}\n${version.etag}\n${version.key}`
}
