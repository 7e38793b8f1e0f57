/**
 * Buffers of one range each, used again: reading a large file would otherwise leave megabytes of
 * garbage behind every second, faster than it is collected.
 *
 * Keeps: a buffer comes back only when nobody can write to it or read it any more.
 */
import { RANGE_BYTES_MAX } from './read-ranges.ts'

/** Kept for the next fetch; 12 x 4 MiB. */
const SPARE_MAX = 12

export class RangeBuffers {
  readonly #spare: Uint8Array[] = []

  take(bytes: number): Uint8Array {
    if (bytes !== RANGE_BYTES_MAX) return Buffer.allocUnsafeSlow(bytes)
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(bytes)
  }

  give(buffer: Uint8Array): void {
    if (buffer.length === RANGE_BYTES_MAX && this.#spare.length < SPARE_MAX)
      this.#spare.push(buffer)
  }
}
