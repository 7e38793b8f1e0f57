/**
 * Ranges on their way from the bucket, shared by everybody who needs them.
 *
 * Keeps: a byte is on its way at most once. Bytes are handed out as soon as their range is here
 *        and checked, before they are stored.
 * Keeps: a flight is aborted only when nobody is interested in it any more.
 * Keeps: each attempt has a buffer of its own: a late byte of an attempt that was given up cannot
 *        reach a reader.
 * Never: stores a range that did not arrive whole.
 */
import { PailError } from '../../shared/errors.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { ObjectFacts, ObjectStore } from '../s3/object-store.ts'
import type { BlockCache } from '../store/block-cache.ts'
import { allocatedFor } from '../store/block-layout.ts'
import type { Reservation } from '../store/block-space.ts'
import type { Extent, ObjectVersion } from './content.ts'
import type { FetchBudget, FetchKind } from './fetcher-budget.ts'
import { RangeBuffers } from './fetcher-buffers.ts'
import type { WholeChecks } from './fetcher-check.ts'
import { type LooseRanges, versionKey } from './fetcher-loose.ts'
import { nextSpeed } from './read-ranges.ts'
import type { Requests, RequestUrgency } from './requests.ts'

/** Ranges so small say more about the round trip than about the line. */
const SPEED_SAMPLE_BYTES_MIN = 64 * 1024
/**
 * Bytes that arrive and turn out wrong are progress for whoever measures the line: without a limit
 * of its own a range that is spoiled each time would be asked for without end.
 */
const SPOILED_MAX = 3

const URGENCIES: Readonly<Record<FetchKind, RequestUrgency>> = {
  demand: 'interactive',
  ahead: 'interactive',
  prefetch: 'background',
  pin: 'idle',
}

/** Nobody reads it now: it waits behind uploads, and is worth nothing when it cannot be stored. */
function isAhead(kind: FetchKind): boolean {
  return kind === 'prefetch' || kind === 'pin'
}

export type FlightParts = {
  readonly cache: BlockCache
  readonly storeOf: (volume: number) => ObjectStore
  readonly requestsOf: (volume: number) => Requests
  readonly clock: Clock
  readonly log: Log
  readonly budget: FetchBudget
  readonly loose: LooseRanges
  readonly checks: WholeChecks
  readonly onFacts?: (version: ObjectVersion, facts: ObjectFacts) => void
}

export class Flight {
  readonly version: ObjectVersion
  readonly extent: Extent
  readonly kind: FetchKind
  /** The whole range, checked. */
  readonly arrived: Promise<Uint8Array>
  /** Stored, or given up; never rejects. */
  readonly settled: Promise<void>
  readonly #abort = new AbortController()
  #interest = 0
  #isHere = false
  #isAsking = false
  #giveBack: (() => void) | undefined

  constructor(
    version: ObjectVersion,
    extent: Extent,
    kind: FetchKind,
    run: (flight: Flight) => { arrived: Promise<Uint8Array>; settled: Promise<void> },
  ) {
    this.version = version
    this.extent = extent
    this.kind = kind
    const { arrived, settled } = run(this)
    this.arrived = arrived.then((bytes) => {
      this.#isHere = true
      return bytes
    })
    this.arrived.catch(() => {})
    this.settled = settled
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** A prefetch may still wait behind uploads: a program does not wait for it there. */
  get isJoinable(): boolean {
    return !isAhead(this.kind) || this.#isAsking
  }

  /** Its request is on the wire. */
  noteAsking(): void {
    this.#isAsking = true
  }

  #giveBackIfUnused(): void {
    if (this.#interest > 0) return
    this.#giveBack?.()
    this.#giveBack = undefined
  }

  get bytes(): number {
    return this.extent.end - this.extent.start
  }

  /** Its buffer may be used again as soon as nobody is interested in the flight. */
  doneWith(giveBack: () => void): void {
    this.#giveBack = giveBack
    this.#giveBackIfUnused()
  }

  join(): void {
    this.#interest++
  }

  leave(): void {
    this.#interest--
    this.#giveBackIfUnused()
    if (this.#interest === 0 && !this.#isHere) {
      this.#abort.abort(new PailError('vfs/interrupted', 'nobody waits for this range any more'))
    }
  }
}

export class Flights {
  readonly #buffers = new RangeBuffers()
  #startedBytes = 0
  readonly #parts: FlightParts
  readonly #byVersion = new Map<string, Set<Flight>>()
  readonly #speeds = new Map<number, number>()
  readonly #lastArrivals = new Map<number, number>()

  constructor(parts: FlightParts) {
    this.#parts = parts
  }

  /** Those that can still be joined, of one version. */
  of(version: ObjectVersion): Flight[] {
    const flights = this.#byVersion.get(versionKey(version))
    return flights ? [...flights].filter((flight) => !flight.signal.aborted) : []
  }

  all(): Flight[] {
    return [...this.#byVersion.values()].flatMap((flights) => [...flights])
  }

  /** Bytes in a millisecond that one request of this volume brought lately. */
  speedOf(volume: number): number | undefined {
    return this.#speeds.get(volume)
  }

  /** When anything arrived last, on the monotonic clock. */
  lastArrivalMs(volume: number): number {
    return this.#lastArrivals.get(volume) ?? 0
  }

  /** Bytes asked for since the process began. */
  get startedBytes(): number {
    return this.#startedBytes
  }

  /** @param extent  whole pieces that are neither in the cache nor in flight */
  start(version: ObjectVersion, extent: Extent, kind: FetchKind): Flight {
    this.#startedBytes += extent.end - extent.start
    const flight = new Flight(version, extent, kind, (self) => {
      let arrive: (bytes: Uint8Array) => void = () => {}
      let fail: (reason: unknown) => void = () => {}
      const arrived = new Promise<Uint8Array>((resolve, reject) => {
        arrive = resolve
        fail = reject
      })
      // Begins in a later microtask: whoever starts a flight joins it first.
      const settled = Promise.resolve()
        .then(() => this.#run(self, arrive))
        .catch(fail)
        .finally(() => this.#remove(self))
      return { arrived, settled }
    })
    const key = versionKey(version)
    const flights = this.#byVersion.get(key) ?? new Set<Flight>()
    this.#byVersion.set(key, flights.add(flight))
    return flight
  }

  async #run(flight: Flight, arrive: (bytes: Uint8Array) => void): Promise<void> {
    const leave = await this.#parts.budget.enter(flight.kind, flight.bytes, flight.signal)
    let room: Reservation | undefined
    try {
      // A program may have fetched it while the prefetch waited its turn.
      if (!flight.isJoinable && this.#parts.cache.has(flight.version, flight.extent)) {
        return arrive(new Uint8Array(0))
      }
      room = await this.#reserve(flight)
      const { bytes, attempts } = await this.#fetch(flight)
      arrive(bytes)
      if (!room || !(await this.#store(flight, bytes, room))) {
        this.#parts.loose.add(flight.version, flight.extent, bytes)
      } else if (attempts === 1) {
        // From here on nobody joins it, and no attempt that was given up can write late.
        this.#remove(flight)
        flight.doneWith(() => this.#buffers.give(bytes))
      }
    } finally {
      room?.release()
      leave()
    }
  }

  /** Reading goes on without the cache; a prefetch does not. */
  async #reserve(flight: Flight): Promise<Reservation | undefined> {
    try {
      const purpose = flight.kind === 'pin' ? 'pin' : 'cache'
      return await this.#parts.cache.reserve(allocatedFor(flight.bytes), purpose)
    } catch (thrown) {
      if (isAhead(flight.kind)) throw thrown
      this.#parts.log.write('debug', 'fetch/uncached', { error: PailError.from(thrown).code })
      return undefined
    }
  }

  async #fetch(flight: Flight): Promise<{ bytes: Uint8Array; attempts: number }> {
    const { storeOf, requestsOf, clock, checks } = this.#parts
    const { volume, key, etag } = flight.version
    const urgency = URGENCIES[flight.kind]
    let attempts = 0
    let spoiled = 0
    const giveUp = new AbortController()
    const attempt = async (signal: AbortSignal, progressed: () => void) => {
      flight.noteAsking()
      attempts++
      const beganMs = clock.monotonicMs()
      const into = this.#buffers.take(flight.bytes)
      const onProgress = () => {
        this.#lastArrivals.set(volume, clock.monotonicMs())
        progressed()
      }
      const onOpaqueEtag = () => checks.noteOpaque(flight.version)
      const onFacts = (facts: ObjectFacts) => this.#tell(flight.version, facts)
      const offset = flight.extent.start
      try {
        const told = { onProgress, onOpaqueEtag, onFacts }
        await storeOf(volume).get({ key, etag, offset, into, ...told }, signal)
      } catch (thrown) {
        const isSpoiled = thrown instanceof PailError && thrown.code === 's3/integrity'
        if (isSpoiled && ++spoiled === SPOILED_MAX) giveUp.abort(thrown)
        throw thrown
      }
      this.#measure(volume, flight.bytes, clock.monotonicMs() - beganMs)
      return into
    }
    try {
      const signal = AbortSignal.any([flight.signal, giveUp.signal])
      const bytes = await requestsOf(volume).run(urgency, attempt, signal)
      return { bytes, attempts }
    } catch (thrown) {
      throw fetchError(thrown, flight)
    }
  }

  async #store(flight: Flight, bytes: Uint8Array, room: Reservation): Promise<boolean> {
    try {
      await this.#parts.cache.put(flight.version, flight.extent.start, bytes, room)
      this.#parts.checks.noteStored(flight.version, flight.extent)
      return true
    } catch (thrown) {
      this.#parts.log.write('warn', 'fetch/not-stored', { error: PailError.from(thrown).message })
      return false
    }
  }

  /** That nobody could take it in is no reason not to read. */
  #tell(version: ObjectVersion, facts: ObjectFacts): void {
    try {
      this.#parts.onFacts?.(version, facts)
    } catch (thrown) {
      this.#parts.log.write('warn', 'fetch/not-learned', { error: PailError.from(thrown).message })
    }
  }

  #measure(volume: number, bytes: number, durationMs: number): void {
    this.#lastArrivals.set(volume, this.#parts.clock.monotonicMs())
    if (bytes < SPEED_SAMPLE_BYTES_MIN) return
    this.#speeds.set(volume, nextSpeed(this.#speeds.get(volume), bytes, durationMs))
  }

  #remove(flight: Flight): void {
    const key = versionKey(flight.version)
    const flights = this.#byVersion.get(key)
    flights?.delete(flight)
    if (flights?.size === 0) this.#byVersion.delete(key)
  }
}

/** Another version stands there now: for a program that is a stale file. */
function fetchError(thrown: unknown, flight: Flight): unknown {
  if (!(thrown instanceof PailError) || thrown.code !== 's3/precondition') return thrown
  const where = { key: flight.version.key }
  return new PailError('vfs/stale', 'the object is another version now', where, thrown)
}
