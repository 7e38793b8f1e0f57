/**
 * How long a program waits for news of something that is known already.
 *
 * Keeps: one short wait answers for all that is known for a while: while the network is slow, a walk
 *        through many known directories is one wait, not one for each of them.
 */
import type { Clock } from '../base/clock.ts'
import { withSignal } from '../base/with-signal.ts'

/** How long a known directory's refresh may keep a program waiting before the known is served. */
export const REFRESH_WAIT_MS = 1_000
/** One such wait answers for all known directories so long; then the network gets another chance. */
const OVERDUE_MS = 5_000

/** News under way. */
export type News = {
  /** Settles when they are here, or cannot be had. */
  readonly done: Promise<unknown>
  /** Did the network say anything since they were asked for? */
  readonly hasAnswered: () => boolean
}

export class ShortWaits {
  readonly #clock: Clock
  /** Until then the network is taken for slow: something had no answer in REFRESH_WAIT_MS. */
  #overdueUntilMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Waits for news, not for long, and not at all while the network is slow. Fails with `signal` alone. */
  async waitFor({ done, hasAnswered }: News, signal: AbortSignal): Promise<void> {
    if (this.#clock.monotonicMs() < this.#overdueUntilMs) return
    const waiting = new AbortController()
    try {
      const timeout = this.#clock.sleep(REFRESH_WAIT_MS, waiting.signal).then(
        () => {
          if (!hasAnswered()) this.#overdueUntilMs = this.#clock.monotonicMs() + OVERDUE_MS
        },
        () => {},
      )
      await withSignal(Promise.race([done, timeout]), signal)
    } catch (thrown) {
      if (signal.aborted) throw thrown
    } finally {
      waiting.abort()
    }
  }

  /** The network answers in time. */
  noteQuick(): void {
    this.#overdueUntilMs = Number.NEGATIVE_INFINITY
  }
}
