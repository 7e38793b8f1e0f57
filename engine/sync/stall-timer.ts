/** Notices when something makes no progress for a time. */
import type { Clock } from '../base/clock.ts'

/** Calls `onStall` when nothing restarts it for `limitMs`. */
export class StallTimer {
  readonly #clock: Clock
  readonly #limitMs: number
  readonly #onStall: () => void
  #lastMs: number
  #cancel: (() => void) | undefined
  #isStopped = false

  constructor(clock: Clock, limitMs: number, onStall: () => void) {
    this.#clock = clock
    this.#limitMs = limitMs
    this.#onStall = onStall
    this.#lastMs = clock.monotonicMs()
    this.#arm(limitMs)
  }

  /** Cheap: the timer that is set finds out by itself that it was restarted. */
  restart(): void {
    this.#lastMs = this.#clock.monotonicMs()
  }

  get lastMs(): number {
    return this.#lastMs
  }

  /** As if nothing had restarted it since `lastMs`. */
  goBackTo(lastMs: number): void {
    if (this.#isStopped || lastMs >= this.#lastMs) return
    this.#lastMs = lastMs
    this.#cancel?.()
    this.#arm(Math.max(0, lastMs + this.#limitMs - this.#clock.monotonicMs()))
  }

  stop(): void {
    this.#isStopped = true
    this.#cancel?.()
  }

  #arm(delayMs: number): void {
    this.#cancel = this.#clock.after(delayMs, () => {
      if (this.#isStopped) return
      const leftMs = this.#lastMs + this.#limitMs - this.#clock.monotonicMs()
      // A timer may fire a fraction of a millisecond early: less than one is none.
      if (leftMs >= 1) this.#arm(leftMs)
      else this.#onStall()
    })
  }
}
