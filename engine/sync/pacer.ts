/**
 * How many requests an endpoint gets at once: additive increase, multiplicative decrease.
 *
 * Keeps: one overload is answered by one halving. A `s3/busy` of a request that began before the
 *        last halving says nothing about the present limit, and is not counted.
 */

export const CONCURRENCY_START = 8
export const CONCURRENCY_MIN = 1
export const CONCURRENCY_MAX = 32

export type Pace = {
  readonly limit: number
  /** Rises with each halving; a request remembers the one it began in. */
  readonly epoch: number
  /** Successes counted towards the next increase. */
  readonly successes: number
}

export const FIRST_PACE: Pace = { limit: CONCURRENCY_START, epoch: 0, successes: 0 }

/**
 * One more slot after a whole window of successes.
 * @param isFull the limit was in use: an increase that nothing asked for is not evidence
 */
export function paceAfterSuccess(pace: Pace, request: { epoch: number; isFull: boolean }): Pace {
  if (request.epoch !== pace.epoch || !request.isFull || pace.limit >= CONCURRENCY_MAX) return pace
  const successes = pace.successes + 1
  if (successes < pace.limit) return { ...pace, successes }
  return { ...pace, limit: pace.limit + 1, successes: 0 }
}

/** Half the slots, once for all requests that were under way together. */
export function paceAfterBusy(pace: Pace, request: { epoch: number }): Pace {
  if (request.epoch !== pace.epoch) return pace
  const limit = Math.max(CONCURRENCY_MIN, Math.floor(pace.limit / 2))
  return { limit, epoch: pace.epoch + 1, successes: 0 }
}

export class Pacer {
  #pace: Pace = FIRST_PACE

  get limit(): number {
    return this.#pace.limit
  }

  /** Taken when a request starts, given back with its result. */
  get epoch(): number {
    return this.#pace.epoch
  }

  noteSuccess(request: { epoch: number; isFull: boolean }): void {
    this.#pace = paceAfterSuccess(this.#pace, request)
  }

  noteBusy(request: { epoch: number }): void {
    this.#pace = paceAfterBusy(this.#pace, request)
  }
}
