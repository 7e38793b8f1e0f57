/**
 * Serves reads of immutable object versions: from the cache, from what is on its way, from the
 * bucket.
 *
 * Runs in: engine process, one for all mounts.
 * Keeps: bytes of one version alone (`If-Match` on every range); exactly what was asked for, or an
 *        error. A read ends within READ_STALL_MS of the network making no progress.
 * Keeps: bounded bytes in flight (fetcher-budget.ts); a random read fetches its missing pieces and
 *        nothing more.
 * Never: retries by itself (Requests does), caches an error, knows about files.
 */
import { setMaxListeners } from 'node:events'
import { PailError } from '../../shared/errors.ts'
import type { Clock } from '../base/clock.ts'
import { Limiter } from '../base/limiter.ts'
import type { Log } from '../base/log.ts'
import { withSignal } from '../base/with-signal.ts'
import type { ObjectFacts, ObjectStore } from '../s3/object-store.ts'
import type { BlockCache } from '../store/block-cache.ts'
import { coveringPieces } from '../store/block-layout.ts'
import type { Extent, ObjectVersion } from './content.ts'
import { FetchBudget, type FetchKind } from './fetcher-budget.ts'
import { WholeChecks } from './fetcher-check.ts'
import { type Flight, Flights } from './fetcher-flight.ts'
import { LooseRanges, versionKey } from './fetcher-loose.ts'
import { START_WINDOW_BYTES, WINDOW_BYTES_MAX } from './read-pattern.ts'
import {
  cutRanges,
  joinNear,
  overlap,
  RANGE_BYTES_MAX,
  rangeBytesFor,
  uncovered,
} from './read-ranges.ts'
import { type Reader, VersionReader } from './read-version.ts'
import type { Requests } from './requests.ts'

/** A read without any byte arriving from its volume ends after this. */
export const READ_STALL_MS = 9_000
/**
 * A range that another read, or a prefetch, asked for and that failed is asked for again within
 * this time: later the program has waited as long for it as for a request of its own.
 */
const SHARED_RETRY_MS_MAX = 1_500
/** Missing pieces with so little between them are one request. */
const GAP_BYTES_MAX = 64 * 1024
/**
 * Files up to this size are fetched by one request, unless the line is slow: only a whole object
 * can be compared with its ETag before a program gets it.
 */
const WHOLE_BYTES_MAX = 1024 * 1024
/** Rounds that one read takes at most: damage found, a shared range that failed. */
const ROUNDS_MAX = 4
/** Files prefetched side by side. */
const PREFETCH_FILES_MAX = 32
const PREFETCH_WAITING_MAX = 4_096

export type { Reader } from './read-version.ts'

export type FetcherOptions = {
  readonly cache: BlockCache
  readonly storeOf: (volume: number) => ObjectStore
  readonly requestsOf: (volume: number) => Requests
  readonly clock: Clock
  readonly log: Log
  /** A version that programs have read was damaged on its way; it is fetched again when asked for. */
  readonly onDamaged?: (version: ObjectVersion) => void
  /** Told of what each version carries beside its bytes, whenever a range of it arrives. */
  readonly onFacts?: (version: ObjectVersion, facts: ObjectFacts) => void
  readonly limits?: { readonly inFlightBytesMax?: number; readonly looseBytesMax?: number }
}

export type FetchStatus = {
  readonly fetches: number
  readonly bytes: number
  readonly versions: ReadonlyArray<{
    readonly version: ObjectVersion
    readonly fetches: number
    readonly bytes: number
  }>
}

type Landing = { readonly flight: Flight; readonly isShared: boolean }

type StallWatch = {
  readonly signal: AbortSignal
  readonly abort: (reason: unknown) => void
  readonly stop: () => void
}

export class Fetcher {
  readonly #cache: BlockCache
  readonly #clock: Clock
  readonly #log: Log
  readonly #loose: LooseRanges
  readonly #flights: Flights
  readonly #checks: WholeChecks
  readonly #readers = new Map<string, number>()
  #lastReadMs = Number.NEGATIVE_INFINITY
  readonly #prefetching = new Limiter({
    concurrencyMax: PREFETCH_FILES_MAX,
    waitingMax: PREFETCH_WAITING_MAX,
  })

  constructor(options: FetcherOptions) {
    this.#cache = options.cache
    this.#clock = options.clock
    this.#log = options.log
    this.#loose = new LooseRanges(options.limits?.looseBytesMax)
    const budget = new FetchBudget(options.limits?.inFlightBytesMax)
    this.#checks = new WholeChecks(options)
    this.#flights = new Flights({ ...options, budget, loose: this.#loose, checks: this.#checks })
  }

  reader(version: ObjectVersion): Reader {
    const key = versionKey(version)
    this.#cache.retain(version)
    this.#readers.set(key, (this.#readers.get(key) ?? 0) + 1)
    return new VersionReader(version, {
      fill: (want, into, signal) => this.#fill(version, want, into, want.start, signal, 0),
      fetchAhead: (extents, windowBytes) => this.#fetchAhead(version, extents, windowBytes),
      startedBytes: () => this.#flights.startedBytes,
      onClose: () => this.#closed(version),
    })
  }

  /**
   * Fetches whole files that will perhaps be read, in the background, in the order given, until
   * `budgetBytes` are spent. Files that are here cost nothing. A failure is logged and ends only
   * its own file.
   *
   * @returns bytes fetched
   */
  async prefetch(
    versions: readonly ObjectVersion[],
    budgetBytes: number,
    signal?: AbortSignal,
  ): Promise<number> {
    let spent = 0
    const chosen = versions.filter((version) => {
      const cost = this.#missing(version, { start: 0, end: version.sizeBytes }).reduce(
        (sum, extent) => sum + extent.end - extent.start,
        0,
      )
      if (cost === 0 || spent + cost > budgetBytes) return false
      spent += cost
      return true
    })
    const fetched = await Promise.all(chosen.map((version) => this.#prefetchOne(version, signal)))
    return fetched.reduce((sum, bytes) => sum + bytes, 0)
  }

  /** When a program asked for bytes last, on the monotonic clock. */
  get lastReadMs(): number {
    return this.#lastReadMs
  }

  /**
   * Fetches what is missing of `extent`, behind everything else, to stay on this disk.
   * @returns bytes fetched
   * @throws PailError what kept them from arriving, or from being stored
   */
  async keep(version: ObjectVersion, extent: Extent, signal: AbortSignal): Promise<number> {
    const missing = this.#missing(version, coveringPieces(extent, version.sizeBytes))
    const flights = cutRanges(missing, RANGE_BYTES_MAX).map((range) =>
      this.#startJoined(version, range, 'pin'),
    )
    try {
      await withSignal(Promise.all(flights.map((flight) => flight.arrived)), signal)
    } finally {
      for (const flight of flights) flight.leave()
    }
    await Promise.all(flights.map((flight) => flight.settled))
    return flights.reduce((sum, flight) => sum + flight.bytes, 0)
  }

  status(): FetchStatus {
    const versions = new Map<string, { version: ObjectVersion; fetches: number; bytes: number }>()
    for (const { version, bytes } of this.#flights.all()) {
      const key = versionKey(version)
      const entry = versions.get(key) ?? { version, fetches: 0, bytes: 0 }
      versions.set(key, { version, fetches: entry.fetches + 1, bytes: entry.bytes + bytes })
    }
    const all = [...versions.values()]
    return {
      fetches: all.reduce((sum, each) => sum + each.fetches, 0),
      bytes: all.reduce((sum, each) => sum + each.bytes, 0),
      versions: all,
    }
  }

  /** Resolves when nothing is on its way, and nothing is compared with its ETag, any more. */
  async idle(): Promise<void> {
    for (let flights = this.#flights.all(); flights.length > 0; flights = this.#flights.all()) {
      await Promise.all(flights.map((flight) => flight.settled))
    }
    await this.#checks.idle()
  }

  #closed(version: ObjectVersion): void {
    this.#cache.release(version)
    const key = versionKey(version)
    const left = (this.#readers.get(key) ?? 1) - 1
    if (left > 0) this.#readers.set(key, left)
    else {
      this.#readers.delete(key)
      this.#loose.drop(version)
      this.#checkLater(version)
    }
  }

  #checkLater(version: ObjectVersion): void {
    const storing = this.#flights.of(version).map((flight) => flight.settled)
    if (storing.length === 0) this.#checks.consider(version)
    else void Promise.all(storing).then(() => this.#checks.consider(version))
  }

  /** What nobody has: not on disk, not in memory, not on its way. */
  #missing(version: ObjectVersion, extent: Extent): Extent[] {
    const covers = [
      ...this.#flights.of(version).map((flight) => flight.extent),
      ...this.#loose.covers(version),
    ]
    return this.#cache.missing(version, extent).flatMap((part) => uncovered(part, covers))
  }

  /** Fills `want` of a version into `into`, which begins at `intoStart`. */
  async #fill(
    version: ObjectVersion,
    want: Extent,
    into: Uint8Array,
    intoStart: number,
    signal: AbortSignal,
    round: number,
  ): Promise<void> {
    if (signal.aborted) throw signal.reason
    this.#lastReadMs = this.#clock.monotonicMs()
    const isLastRound = round >= ROUNDS_MAX - 1
    // A cache that claims to have bytes and cannot read them is left out in the last round.
    const missing = isLastRound
      ? [coveringPieces(want, version.sizeBytes)]
      : this.#cache.missing(version, want)
    const cached = uncovered(want, missing)
    const flights = this.#flightsFor(version, missing, want, into, intoStart)
    const again: Extent[] = []
    // All of them settle before this returns: nothing writes into a buffer given back.
    const done = await Promise.allSettled([
      this.#land(flights, want, into, intoStart, signal, isLastRound ? undefined : again),
      ...cached.map(async (part) => {
        const target = into.subarray(part.start - intoStart, part.end - intoStart)
        if (!(await this.#readCached(version, part, target))) again.push(part)
      }),
    ])
    for (const each of done) if (each.status === 'rejected') throw each.reason
    for (const part of again) await this.#fill(version, part, into, intoStart, signal, round + 1)
  }

  /** Joins what is on its way and starts the rest; what lies in memory is copied at once. */
  #flightsFor(
    version: ObjectVersion,
    missing: readonly Extent[],
    want: Extent,
    into: Uint8Array,
    intoStart: number,
  ): Landing[] {
    if (missing.length === 0) return []
    const loose = this.#loose.copy(version, want, into, intoStart)
    const open = missing.flatMap((part) => uncovered(part, loose))
    const known = this.#flights.of(version).filter((flight) => flight.isJoinable)
    const shared = known.filter((flight) => open.some((part) => overlap(flight.extent, part)))
    const covers = shared.map((flight) => flight.extent)
    const rest = open.flatMap((part) => uncovered(part, covers))
    const started = this.#demandRanges(version, want, rest, known.length > 0).map((extent) =>
      this.#flights.start(version, extent, 'demand'),
    )
    for (const flight of [...shared, ...started]) flight.join()
    return [
      ...shared.map((flight) => ({ flight, isShared: true })),
      ...started.map((flight) => ({ flight, isShared: false })),
    ]
  }

  /** A small file is fetched whole, wherever it is read first: one request, which is checked. */
  #demandRanges(
    version: ObjectVersion,
    want: Extent,
    missing: readonly Extent[],
    isFlying: boolean,
  ): Extent[] {
    if (missing.length === 0) return []
    const rangeBytes = rangeBytesFor(WINDOW_BYTES_MAX, this.#flights.speedOf(version.volume))
    const whole = this.#isFetchedWhole(version, want, rangeBytes)
      ? this.#missing(version, { start: 0, end: version.sizeBytes })
      : []
    const all = [...whole, ...missing].sort((a, b) => a.start - b.start)
    // A gap that is on its way already is not asked for again.
    return cutRanges(joinNear(all, isFlying ? 0 : GAP_BYTES_MAX), rangeBytes)
  }

  #isFetchedWhole(version: ObjectVersion, want: Extent, rangeBytes: number): boolean {
    const { sizeBytes } = version
    if (want.start === 0 && sizeBytes <= START_WINDOW_BYTES) return true
    if (sizeBytes > Math.min(WHOLE_BYTES_MAX, rangeBytes)) return false
    const [first] = this.#missing(version, { start: 0, end: sizeBytes })
    return first !== undefined && first.end - first.start === sizeBytes
  }

  /**
   * Waits for flights and copies their part of `want`.
   * @param retry  gets the parts whose shared flight failed; without it such a failure is final
   */
  async #land(
    flights: readonly Landing[],
    want: Extent,
    into: Uint8Array,
    intoStart: number,
    signal: AbortSignal,
    retry: Extent[] | undefined,
  ): Promise<void> {
    const first = flights[0]
    if (!first) return
    const watch = this.#watchStall(first.flight.version.volume, signal)
    const retryUntilMs = this.#clock.monotonicMs() + SHARED_RETRY_MS_MAX
    const landOne = async ({ flight, isShared }: Landing) => {
      const part = overlap(flight.extent, want)
      if (!part) return
      try {
        const bytes = await withSignal(flight.arrived, watch.signal)
        const from = part.start - flight.extent.start
        into.set(bytes.subarray(from, from + part.end - part.start), part.start - intoStart)
      } catch (thrown) {
        const isFinal = thrown instanceof PailError && thrown.code === 'vfs/stale'
        const isInTime = this.#clock.monotonicMs() < retryUntilMs
        if (retry && isShared && isInTime && !isFinal && !watch.signal.aborted) retry.push(part)
        else watch.abort(thrown)
      }
    }
    try {
      await Promise.all(flights.map(landOne))
      if (watch.signal.aborted) throw watch.signal.reason
    } finally {
      watch.stop()
      for (const { flight } of flights) flight.leave()
    }
  }

  /** A signal that also aborts when nothing arrives from the volume for READ_STALL_MS. */
  #watchStall(volume: number, signal: AbortSignal): StallWatch {
    const abort = new AbortController()
    // One listener for each range of the read.
    setMaxListeners(0, abort.signal)
    const beganMs = this.#clock.monotonicMs()
    const onAbort = () => abort.abort(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    let cancel = () => {}
    const wait = (delayMs: number) => {
      cancel = this.#clock.after(delayMs, () => {
        const quietSince = Math.max(beganMs, this.#flights.lastArrivalMs(volume))
        const leftMs = quietSince + READ_STALL_MS - this.#clock.monotonicMs()
        if (leftMs > 0) wait(leftMs)
        else abort.abort(new PailError('net/timeout', `nothing arrived for ${READ_STALL_MS} ms`))
      })
    }
    wait(READ_STALL_MS)
    const stop = () => {
      cancel()
      signal.removeEventListener('abort', onAbort)
    }
    return { signal: abort.signal, abort: (reason) => abort.abort(reason), stop }
  }

  async #readCached(version: ObjectVersion, part: Extent, into: Uint8Array): Promise<boolean> {
    try {
      return await this.#cache.read(version, part.start, into)
    } catch (thrown) {
      this.#log.write('warn', 'fetch/cache-read', { error: PailError.from(thrown).message })
      return false
    }
  }

  #fetchAhead(version: ObjectVersion, extents: readonly Extent[], windowBytes: number): Flight[] {
    const speed = this.#flights.speedOf(version.volume)
    const missing = extents.flatMap((extent) => this.#missing(version, extent))
    const ranges = cutRanges(joinNear(missing, 0), rangeBytesFor(windowBytes, speed))
    return ranges.map((range) => this.#startJoined(version, range, 'ahead'))
  }

  #startJoined(version: ObjectVersion, range: Extent, kind: FetchKind): Flight {
    const flight = this.#flights.start(version, range, kind)
    flight.join()
    return flight
  }

  async #prefetchOne(version: ObjectVersion, signal?: AbortSignal): Promise<number> {
    try {
      return await this.#prefetching.run(async () => {
        const missing = this.#missing(version, { start: 0, end: version.sizeBytes })
        const flights = cutRanges(missing, RANGE_BYTES_MAX).map((range) =>
          this.#startJoined(version, range, 'prefetch'),
        )
        try {
          const all = Promise.all(flights.map((flight) => flight.arrived))
          await (signal ? withSignal(all, signal) : all)
        } finally {
          for (const flight of flights) flight.leave()
          this.#checkLater(version)
        }
        return flights.reduce((sum, flight) => sum + flight.bytes, 0)
      }, signal)
    } catch (thrown) {
      this.#log.write('debug', 'prefetch/failed', { error: PailError.from(thrown).code })
      return 0
    }
  }
}
