/**
 * Requests that are not answered yet, and the kernel's wish to give some of them up.
 *
 * Keeps: an INTERRUPT that overtakes its request still aborts it, within a bounded memory.
 */
import { PailError } from '../../shared/errors.ts'
import type { Clock } from '../base/clock.ts'
import type { Context } from '../vfs/vfs.ts'
import type { RequestHeader } from './wire/requests.ts'

/** Interrupts whose request has not come yet; the oldest give way. */
const EARLY_INTERRUPTS_MAX = 256
/** The request of an early interrupt arrives within milliseconds, or was answered long ago. */
const EARLY_INTERRUPT_KEPT_MS = 1_000

/** Who asks. The abort signal is made only when somebody waits on it: most requests never do. */
export class RequestContext implements Context {
  readonly uid: number
  readonly gid: number
  readonly pid: number
  readonly front = 'fuse'
  #controller: AbortController | undefined
  #reason: PailError | undefined

  constructor(header: Pick<RequestHeader, 'uid' | 'gid' | 'pid'>) {
    this.uid = header.uid
    this.gid = header.gid
    this.pid = header.pid
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#reason) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  get isAborted(): boolean {
    return this.#reason !== undefined
  }

  abort(reason: PailError): void {
    if (this.#reason) return
    this.#reason = reason
    this.#controller?.abort(reason)
  }
}

export class InFlight {
  readonly #clock: Clock
  readonly #contexts = new Map<bigint, RequestContext>()
  readonly #early = new Map<bigint, number>()
  readonly #waiters: Array<() => void> = []
  #ended: PailError | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#contexts.size
  }

  start(header: RequestHeader): RequestContext {
    const context = new RequestContext(header)
    this.#contexts.set(header.unique, context)
    if (this.#ended) context.abort(this.#ended)
    if (this.#early.size > 0 && this.#takeEarly(header.unique)) context.abort(interrupted())
    return context
  }

  finish(unique: bigint): void {
    this.#contexts.delete(unique)
    if (this.#contexts.size > 0) return
    for (const resolve of this.#waiters.splice(0)) resolve()
  }

  interrupt(unique: bigint): void {
    const context = this.#contexts.get(unique)
    if (context) {
      context.abort(interrupted())
      return
    }
    const oldest = this.#early.keys().next()
    if (this.#early.size >= EARLY_INTERRUPTS_MAX && !oldest.done) this.#early.delete(oldest.value)
    this.#early.set(unique, this.#clock.monotonicMs())
  }

  /** The mount is over: whatever runs, or still starts, is given up. */
  abortAll(reason: PailError): void {
    this.#ended = reason
    for (const context of this.#contexts.values()) context.abort(reason)
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    if (this.#contexts.size === 0) return
    await new Promise<void>((resolve) => this.#waiters.push(resolve))
  }

  #takeEarly(unique: bigint): boolean {
    const forgetBefore = this.#clock.monotonicMs() - EARLY_INTERRUPT_KEPT_MS
    for (const [early, atMs] of this.#early) {
      if (atMs >= forgetBefore) break
      this.#early.delete(early)
    }
    return this.#early.delete(unique)
  }
}

function interrupted(): PailError {
  return new PailError('vfs/interrupted', 'the kernel interrupted the request')
}
