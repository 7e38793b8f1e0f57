/**
 * Who may send now: three bounded queues in front of the endpoint's slots.
 *
 * Keeps: a flood of background requests never delays an interactive one: it goes first, some slots
 *        are left free for it, and a few are its own whatever the pace.
 *        Every slot taken is given back exactly once.
 */
import { PailError } from '../../shared/errors.ts'
import { assert } from '../base/assert.ts'
import type { RequestUrgency } from './requests.ts'

/** Interactive requests that run although the pace allows none. */
export const INTERACTIVE_SLOTS_MIN = 4
/** One slot in so many is kept from background requests. */
export const BACKGROUND_SPARES_ONE_IN = 4
/** Requests of one urgency that may wait for a slot. */
export const WAITING_REQUESTS_MAX = 10_000

/** Idle requests at once: whoever comes next finds the line nearly free. */
export const IDLE_SLOTS_MAX = 3

export type Occupancy = {
  readonly limit: number
  readonly interactive: number
  readonly background: number
  readonly idle: number
}

/** May one more request of this urgency start? Pure. */
export function maySend(urgency: RequestUrgency, now: Occupancy): boolean {
  const running = now.interactive + now.background + now.idle
  if (urgency === 'interactive') {
    return running < now.limit || now.interactive < INTERACTIVE_SLOTS_MIN
  }
  if (running >= now.limit) return false
  if (urgency === 'idle') return now.idle < IDLE_SLOTS_MAX
  const spared = Math.floor(now.limit / BACKGROUND_SPARES_ONE_IN)
  return now.background < Math.max(1, now.limit - spared)
}

export class RequestSlots {
  readonly #limit: () => number
  readonly #running: Record<RequestUrgency, number> = { interactive: 0, background: 0, idle: 0 }
  /** A Set keeps the order of arrival and forgets one that gave up at no cost. */
  readonly #waiting: Record<RequestUrgency, Set<() => void>> = {
    interactive: new Set(),
    background: new Set(),
    idle: new Set(),
  }

  constructor(limit: () => number) {
    this.#limit = limit
  }

  get running(): number {
    return this.#running.interactive + this.#running.background + this.#running.idle
  }

  get waiting(): number {
    const { interactive, background, idle } = this.#waiting
    return interactive.size + background.size + idle.size
  }

  /**
   * Resolves when the caller may send; it then owes one `leave` of the same urgency.
   * @throws the signal's reason; PailError `s3/busy` when too many wait
   */
  async enter(urgency: RequestUrgency, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw signal.reason
    const queue = this.#waiting[urgency]
    if (queue.size === 0 && maySend(urgency, this.#occupancy())) {
      this.#running[urgency]++
      return
    }
    if (queue.size >= WAITING_REQUESTS_MAX) {
      throw new PailError('s3/busy', `more than ${WAITING_REQUESTS_MAX} requests wait already`)
    }
    await new Promise<void>((resolve, reject) => {
      const start = () => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      }
      const onAbort = () => {
        queue.delete(start)
        reject(signal.reason)
        this.startWaiting()
      }
      signal.addEventListener('abort', onAbort, { once: true })
      queue.add(start)
    })
  }

  leave(urgency: RequestUrgency): void {
    assert(this.#running[urgency] > 0, 'a slot is given back once')
    this.#running[urgency]--
    this.startWaiting()
  }

  /** Lets in who may go: after a slot came free, or the limit rose. */
  startWaiting(): void {
    for (const urgency of ['interactive', 'background', 'idle'] as const) {
      if (urgency === 'idle' && this.#waiting.background.size > 0) return
      for (const start of this.#waiting[urgency]) {
        if (!maySend(urgency, this.#occupancy())) break
        this.#waiting[urgency].delete(start)
        this.#running[urgency]++
        start()
      }
    }
  }

  #occupancy(): Occupancy {
    return {
      limit: this.#limit(),
      interactive: this.#running.interactive,
      background: this.#running.background,
      idle: this.#running.idle,
    }
  }
}
