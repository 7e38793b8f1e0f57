/**
 * Whether one endpoint can be used, and why not.
 *
 * Owns:  the state of the endpoint and the background probe while it is not online.
 * Keeps: one failed request alone changes nothing: it takes a second one later on, or a probe that
 *        fails as well. One verified success is enough to be online again.
 * Never: decides what a request does; holds a request back.
 */
import { PailError } from '../../shared/errors.ts'
import {
  CONNECTIVITY_TRANSITIONS,
  type ConnectivityEvent,
  type ConnectivityState,
  transition,
} from '../../shared/states.ts'
import type { Clock, Random } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { evidenceOf, refusalOf, type Trouble, troubleEvent } from './connectivity-evidence.ts'
import { delayWindowMs } from './retry.ts'

export const PROBE_DELAY_MIN_MS = 1_000
export const PROBE_DELAY_MAX_MS = 30_000
/** A probe that takes longer has failed: its answer would not help a waiting program either. */
export const PROBE_TIMEOUT_MS = 5_000
/** Failures this close together have one cause, and count as one. */
export const FAILURE_BURST_MS = 500
/** So many failures in a row, without a success between, mean what they say. */
export const FAILURES_MAX = 2

export type ConnectivityChange = {
  readonly from: ConnectivityState
  readonly to: ConnectivityState
  readonly error?: PailError
}

export type ConnectivityOptions = {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** One cheap request that succeeds only when the endpoint answers with our keys. */
  readonly probe: (signal: AbortSignal) => Promise<void>
}

type Waiter = { readonly resolve: () => void; readonly reject: (reason: unknown) => void }

export class Connectivity {
  readonly #options: ConnectivityOptions
  readonly #listeners = new Set<(change: ConnectivityChange) => void>()
  readonly #waiters = new Set<Waiter>()
  #state: ConnectivityState = 'online'
  #sinceMs: number
  #error: PailError | undefined
  #failures = 0
  #returns = 0
  #failedAtMs = 0
  #probesFailed = 0
  #probing: AbortController | undefined
  #cancelTimer: (() => void) | undefined
  #isClosed = false

  constructor(options: ConnectivityOptions) {
    this.#options = options
    this.#sinceMs = options.clock.nowMs()
  }

  get state(): ConnectivityState {
    return this.#state
  }

  get isOnline(): boolean {
    return this.#state === 'online'
  }

  /** Wall-clock time of the last change of state. */
  get sinceMs(): number {
    return this.#sinceMs
  }

  /** How often the endpoint answered again after failures: tells one pause from the next. */
  get returns(): number {
    return this.#returns
  }

  /** What a request that is not worth sending fails with; undefined while online. */
  get refusal(): PailError | undefined {
    return refusalOf(this.#state, this.#error)
  }

  /** @returns stops listening. A listener must not throw. */
  onDidChange(listener: (change: ConnectivityChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** A request was answered, and the answer was what an S3 server gives to our keys. */
  noteSuccess(): void {
    if (this.#isClosed || this.#state === 'work-offline') return
    if (this.#failures > 0) this.#returns++
    this.#failures = 0
    if (this.#state !== 'online') this.#enter('verified', undefined)
  }

  /** Any failure of a request; those that say nothing about the endpoint are ignored. */
  noteFailure(error: PailError): void {
    const evidence = evidenceOf(error)
    if (this.#isClosed || this.#state !== 'online' || evidence === 'none') return
    if (evidence === 'answered') {
      this.#failures = 0
      return
    }
    const nowMs = this.#options.clock.monotonicMs()
    if (this.#failures > 0 && nowMs - this.#failedAtMs < FAILURE_BURST_MS) return
    this.#failures++
    this.#failedAtMs = nowMs
    if (this.#failures >= FAILURES_MAX) this.#enterTrouble(evidence, error)
    else this.#probeNow()
  }

  /** An answer takes long: asks whether anybody is there. One probe that fails says no. */
  doubt(): void {
    if (this.#state === 'online') this.#probeNow()
  }

  /** A person wants no requests, or wants them again. */
  workOffline(isWanted: boolean): void {
    if (this.#isClosed || isWanted === (this.#state === 'work-offline')) return
    if (isWanted) {
      this.#stopProbing()
      this.#enter('work-offline-on', undefined)
    } else {
      this.#enter('work-offline-off', undefined)
      this.#probeNow()
    }
  }

  /** The computer slept, or the network changed: what was known may be wrong. Asks at once. */
  resumed(): void {
    if (this.#isClosed || this.#state === 'work-offline') return
    this.#probesFailed = 0
    this.#stopProbing()
    this.#probeNow()
  }

  /** Resolves at once while online. @throws the signal's reason */
  waitOnline(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (this.#isClosed) return Promise.reject(new PailError('engine/stopped', 'closing'))
    if (this.isOnline) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const done = () => {
        this.#waiters.delete(waiter)
        signal?.removeEventListener('abort', onAbort)
      }
      const waiter: Waiter = {
        resolve: () => {
          done()
          resolve()
        },
        reject: (reason) => {
          done()
          reject(reason)
        },
      }
      const onAbort = () => waiter.reject(signal?.reason)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiters.add(waiter)
    })
  }

  close(): void {
    this.#isClosed = true
    this.#stopProbing()
    for (const waiter of [...this.#waiters]) {
      waiter.reject(new PailError('engine/stopped', 'closing'))
    }
    this.#listeners.clear()
  }

  #enterTrouble(trouble: Trouble, error: PailError): void {
    const event = troubleEvent(trouble)
    this.#error = error
    // The same trouble again is no event: the table has no transition to the same state.
    if (CONNECTIVITY_TRANSITIONS[this.#state][event] !== undefined) this.#enter(event, error)
  }

  #enter(event: ConnectivityEvent, error: PailError | undefined): void {
    const from = this.#state
    this.#state = transition(CONNECTIVITY_TRANSITIONS, from, event)
    this.#sinceMs = this.#options.clock.nowMs()
    this.#error = error
    this.#failures = 0
    if (from === 'online' || from === 'work-offline') this.#probesFailed = 0
    this.#options.log.write('info', 'connectivity/changed', {
      from,
      to: this.#state,
      code: error?.code,
    })
    if (this.#state === 'online') {
      this.#returns++
      this.#stopProbing()
      for (const waiter of [...this.#waiters]) waiter.resolve()
    } else if (this.#state !== 'work-offline' && !this.#probing) {
      this.#scheduleProbe()
    }
    const change = { from, to: this.#state, ...(error ? { error } : {}) }
    for (const listener of [...this.#listeners]) listener(change)
  }

  #scheduleProbe(): void {
    this.#cancelTimer?.()
    const windowMs = delayWindowMs(this.#probesFailed, {
      baseMs: PROBE_DELAY_MIN_MS,
      capMs: PROBE_DELAY_MAX_MS,
    })
    const delayMs = Math.max(PROBE_DELAY_MIN_MS, (windowMs / 2) * (1 + this.#options.random.next()))
    this.#cancelTimer = this.#options.clock.after(delayMs, () => this.#probeNow())
  }

  #stopProbing(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#probing?.abort(new PailError('engine/stopped', 'the probe is not needed any more'))
    this.#probing = undefined
  }

  #probeNow(): void {
    if (this.#probing || this.#isClosed) return
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    const probing = new AbortController()
    this.#probing = probing
    const isMine = () => this.#probing === probing
    const end = (error: PailError | undefined) => {
      cancelTimeout()
      if (!isMine()) return
      this.#probing = undefined
      this.#probed(error)
    }
    const cancelTimeout = this.#options.clock.after(PROBE_TIMEOUT_MS, () => {
      const error = new PailError('net/timeout', `no answer to a probe in ${PROBE_TIMEOUT_MS} ms`)
      end(error)
      probing.abort(error)
    })
    // An async call, so that a probe that throws at once is a failed probe as well.
    const probe = async () => this.#options.probe(probing.signal)
    probe().then(
      () => end(undefined),
      (thrown: unknown) => end(PailError.from(thrown)),
    )
  }

  #probed(error: PailError | undefined): void {
    const evidence = error ? evidenceOf(error, 'probe') : 'answered'
    if (!error || evidence === 'answered') {
      this.noteSuccess()
    } else if (evidence === 'none') {
      // The server is there but unwell: no reason to leave the present state, either way.
      this.#failures = 0
    } else {
      this.#enterTrouble(evidence, error)
    }
    if (this.#state === 'online') return
    this.#probesFailed++
    this.#scheduleProbe()
  }
}
