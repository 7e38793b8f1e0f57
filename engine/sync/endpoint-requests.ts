/**
 * Requests of one endpoint: paced, retried, bounded in time, refused while it is known to be away.
 *
 * Runs in: engine process, one for each endpoint.
 * Keeps: a program's request ends within INTERACTIVE_DEADLINE_MS of the last progress, also when
 *        an attempt ignores its signal: the attempt is then left to itself, its slot is given back.
 *        Bytes of an attempt that failed are no progress: they have to come again.
 * Never: holds a slot while it waits; sends anything while the endpoint is not online.
 */
import { PailError } from '../../shared/errors.ts'
import type { Clock, Random } from '../base/clock.ts'
import { withSignal } from '../base/with-signal.ts'
import type { Connectivity } from './connectivity.ts'
import { RequestSlots } from './endpoint-requests-slots.ts'
import { Pacer } from './pacer.ts'
import { INTERACTIVE_DEADLINE_MS, type Requests, type RequestUrgency } from './requests.ts'
import { isRetried, nextDelayMs } from './retry.ts'
import { StallTimer } from './stall-timer.ts'

/** Shorter than the deadline: a request lost on a dead socket gets a second one on a new socket. */
export const INTERACTIVE_ATTEMPT_MS = 5_000
/** The object store ends attempts without progress long before; this one bounds what it misses. */
export const BACKGROUND_ATTEMPT_MS = 600_000
export const BACKGROUND_TRIES_MAX = 5
/** A short absence of the network does not surface; a longer one is the caller's to wait for. */
export const BACKGROUND_ONLINE_WAIT_MS = 10_000

/** A sleep that did not come about, and of whose end nobody told. */
export const SUSPENDED_MS_MAX = 60_000

export type EndpointRequestsOptions = {
  readonly clock: Clock
  readonly random: Random
  readonly connectivity: Connectivity
  /** Drops every socket, so that the next request opens a new one. */
  readonly resetSockets: () => void
}

type Work<T> = (signal: AbortSignal, progressed: () => void) => Promise<T>

export class EndpointRequests implements Requests {
  readonly #options: EndpointRequestsOptions
  readonly #pacer = new Pacer()
  readonly #slots = new RequestSlots(() => this.#pacer.limit)
  readonly #attempts = new Set<AbortController>()
  #suspended: { readonly over: Promise<void>; readonly end: () => void } | undefined

  constructor(options: EndpointRequestsOptions) {
    this.#options = options
  }

  get running(): number {
    return this.#slots.running
  }

  get waiting(): number {
    return this.#slots.waiting
  }

  get concurrencyMax(): number {
    return this.#pacer.limit
  }

  async run<T>(urgency: RequestUrgency, work: Work<T>, signal?: AbortSignal): Promise<T> {
    if (signal?.aborted) throw signal.reason
    const call = new AbortController()
    const onAbort = () => call.abort(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    const deadline = new Deadline(this.#options.clock, call, urgency)
    try {
      return await this.#retry(urgency, work, { signal: call.signal, deadline })
    } finally {
      deadline.stop()
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /**
   * The computer is about to sleep: what nobody waits for stops, keeping what it has on record (an
   * upload its id and parts), and begins again with `resumed`, or after SUSPENDED_MS_MAX awake.
   */
  suspend(): void {
    if (this.#suspended) return
    let wake = () => {}
    const over = new Promise<void>((resolve) => {
      wake = resolve
    })
    const cancel = this.#options.clock.after(SUSPENDED_MS_MAX, () => this.#endSuspension())
    const stop = () => {
      cancel()
      wake()
    }
    this.#suspended = { over, end: stop }
    for (const attempt of [...this.#attempts]) attempt.abort(new SocketsDropped())
  }

  #endSuspension(): void {
    this.#suspended?.end()
    this.#suspended = undefined
  }

  /** After sleep or a change of network: what is under way hangs on sockets that are dead. */
  resumed(): void {
    this.#endSuspension()
    this.#options.resetSockets()
    for (const attempt of [...this.#attempts]) attempt.abort(new SocketsDropped())
    this.#options.connectivity.resumed()
  }

  async #retry<T>(
    urgency: RequestUrgency,
    work: Work<T>,
    call: { signal: AbortSignal; deadline: Deadline },
  ): Promise<T> {
    for (let tries = 0; ; ) {
      await this.#whenUsable(urgency, call)
      try {
        return await this.#attempt(urgency, work, call)
      } catch (thrown) {
        if (call.signal.aborted) throw call.signal.reason
        if (thrown instanceof SocketsDropped) continue
        const error = PailError.from(thrown)
        call.deadline.noteFailure(error)
        tries++
        if (!isRetried(error)) throw error
        if (urgency !== 'interactive' && tries >= BACKGROUND_TRIES_MAX) throw error
        await this.#options.clock.sleep(nextDelayMs(tries - 1, this.#options.random), call.signal)
      }
    }
  }

  /** Refuses at once when a program waits; otherwise gives the endpoint a moment to come back. */
  async #whenUsable(
    urgency: RequestUrgency,
    call: { signal: AbortSignal; deadline: Deadline },
  ): Promise<void> {
    const { connectivity, clock } = this.#options
    if (this.#suspended && urgency !== 'interactive') {
      await withSignal(this.#suspended.over, call.signal)
    }
    if (connectivity.isOnline) return
    if (urgency !== 'interactive') {
      const wait = new AbortController()
      const onAbort = () => wait.abort(call.signal.reason)
      call.signal.addEventListener('abort', onAbort, { once: true })
      const cancel = clock.after(BACKGROUND_ONLINE_WAIT_MS, () => wait.abort())
      try {
        await connectivity.waitOnline(wait.signal)
      } catch (thrown) {
        if (call.signal.aborted || !wait.signal.aborted) throw thrown
      } finally {
        cancel()
        call.signal.removeEventListener('abort', onAbort)
      }
    }
    const refusal = connectivity.refusal
    if (refusal) throw refusal
  }

  async #attempt<T>(
    urgency: RequestUrgency,
    work: Work<T>,
    call: { signal: AbortSignal; deadline: Deadline },
  ): Promise<T> {
    await this.#slots.enter(urgency, call.signal)
    const request = { epoch: this.#pacer.epoch }
    try {
      const value = await this.#race(urgency, work, call)
      this.#pacer.noteSuccess({ ...request, isFull: this.#isFull() })
      this.#options.connectivity.noteSuccess()
      return value
    } catch (thrown) {
      if (thrown instanceof PailError) {
        if (thrown.code === 's3/busy') this.#pacer.noteBusy(request)
        // What the caller aborted says nothing about the endpoint; what the deadline ended does.
        if (!call.signal.aborted || call.deadline.isOver) {
          this.#options.connectivity.noteFailure(thrown)
        }
      }
      throw thrown
    } finally {
      this.#slots.leave(urgency)
    }
  }

  /** Full enough that one more slot would have been used. */
  #isFull(): boolean {
    return this.#slots.waiting > 0 || this.#slots.running * 2 >= this.#pacer.limit
  }

  /** One attempt, which ends when its signal does whether or not the work minds the signal. */
  #race<T>(
    urgency: RequestUrgency,
    work: Work<T>,
    call: { signal: AbortSignal; deadline: Deadline },
  ): Promise<T> {
    // It may have been given up between the slot's coming free and now.
    if (call.signal.aborted) return Promise.reject(call.signal.reason)
    const attempt = new AbortController()
    const limitMs = urgency === 'interactive' ? INTERACTIVE_ATTEMPT_MS : BACKGROUND_ATTEMPT_MS
    const stall = new StallTimer(this.#options.clock, limitMs, () =>
      attempt.abort(new PailError('net/timeout', `no progress in ${limitMs} ms`)),
    )
    this.#attempts.add(attempt)
    return new Promise<T>((resolve, reject) => {
      const end = () => {
        stall.stop()
        this.#attempts.delete(attempt)
        call.signal.removeEventListener('abort', onCallAbort)
      }
      const onCallAbort = () => attempt.abort(call.signal.reason)
      call.signal.addEventListener('abort', onCallAbort, { once: true })
      attempt.signal.addEventListener(
        'abort',
        () => {
          end()
          reject(attempt.signal.reason)
        },
        { once: true },
      )
      const progressed = () => {
        stall.restart()
        call.deadline.restart()
      }
      // An async call, so that work that throws at once is a failed attempt as well.
      const started = (async () => work(attempt.signal, progressed))()
      started.then(resolve, reject).finally(end)
    })
  }
}

/** Ours alone: the attempt did not fail, its socket was taken away. */
class SocketsDropped extends Error {
  override readonly name = 'SocketsDropped'
}

/** Ends a program's call when the network makes no progress; a background call has none. */
class Deadline {
  isOver = false
  readonly #timer: StallTimer | undefined
  #lastError: PailError | undefined
  /** When progress was made last before the first failure. */
  #keptMs: number | undefined

  constructor(clock: Clock, call: AbortController, urgency: RequestUrgency) {
    if (urgency !== 'interactive') return
    this.#timer = new StallTimer(clock, INTERACTIVE_DEADLINE_MS, () => {
      this.isOver = true
      const detail = `no progress in ${INTERACTIVE_DEADLINE_MS} ms`
      call.abort(this.#lastError ?? new PailError('net/timeout', detail))
    })
  }

  /** An attempt brings bytes. */
  restart(): void {
    this.#timer?.restart()
  }

  /** The attempt failed, and the bytes that it brought are lost. */
  noteFailure(error: PailError): void {
    this.#lastError = error
    if (!this.#timer) return
    this.#keptMs ??= this.#timer.lastMs
    this.#timer.goBackTo(this.#keptMs)
  }

  stop(): void {
    this.#timer?.stop()
  }
}
