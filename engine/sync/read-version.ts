/**
 * One open file's reads: remembers their pattern and keeps the read-ahead it started.
 */
import { assert } from '../base/assert.ts'
import type { Extent, ObjectVersion } from './content.ts'
import type { Flight } from './fetcher-flight.ts'
import { FRESH_PATTERN, noteRead, type ReadPattern } from './read-pattern.ts'

/** One open file's view of one version. */
export interface Reader {
  readonly version: ObjectVersion
  /**
   * Fills `into` from `offset`; the caller keeps it within `sizeBytes`.
   * @throws PailError `vfs/stale` when the version is gone from the bucket and not in the cache,
   *         `net/timeout` when nothing arrives for READ_STALL_MS; the signal's reason
   */
  read(offset: number, into: Uint8Array, signal: AbortSignal): Promise<void>
  /** Bytes asked of the bucket for this reader, read-ahead included. */
  readonly fetchedBytes: number
  close(): void
}

export type ReaderParts = {
  readonly fill: (want: Extent, into: Uint8Array, signal: AbortSignal) => Promise<void>
  readonly fetchAhead: (extents: readonly Extent[], windowBytes: number) => Flight[]
  /** All bytes ever asked for; what it grows by within a turn was asked for in that turn. */
  readonly startedBytes: () => number
  readonly onClose: () => void
}

export class VersionReader implements Reader {
  readonly version: ObjectVersion
  readonly #parts: ReaderParts
  readonly #ahead = new Set<Flight>()
  #pattern: ReadPattern = FRESH_PATTERN
  #isClosed = false
  #fetchedBytes = 0

  constructor(version: ObjectVersion, parts: ReaderParts) {
    this.version = version
    this.#parts = parts
  }

  get fetchedBytes(): number {
    return this.#fetchedBytes
  }

  async read(offset: number, into: Uint8Array, signal: AbortSignal): Promise<void> {
    assert(!this.#isClosed, 'a closed reader is not read')
    if (into.length === 0) return
    const want = { start: offset, end: offset + into.length }
    assert(want.start >= 0 && want.end <= this.version.sizeBytes, 'a read ends within the version')
    const plan = noteRead(this.#pattern, want, this.version.sizeBytes)
    this.#pattern = plan.pattern
    const before = this.#parts.startedBytes()
    // The program's own range first: it gets the first connection.
    const filled = this.#parts.fill(want, into, signal)
    if (plan.ahead.length > 0) this.#follow(this.#parts.fetchAhead(plan.ahead, plan.windowBytes))
    this.#fetchedBytes += this.#parts.startedBytes() - before
    await filled
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const flight of this.#ahead) flight.leave()
    this.#ahead.clear()
    this.#parts.onClose()
  }

  /** Read-ahead lives as long as its reader wants it. */
  #follow(flights: readonly Flight[]): void {
    for (const flight of flights) {
      this.#ahead.add(flight)
      void flight.settled.then(() => {
        if (this.#ahead.delete(flight)) flight.leave()
      })
    }
  }
}
