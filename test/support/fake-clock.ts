/**
 * Time that stands still until a test moves it: deterministic, with every timer in order.
 */
import type { Clock } from '../../engine/base/clock.ts'

type Timer = { readonly atMs: number; readonly order: number; readonly run: () => void }

export class FakeClock implements Clock {
  #monotonicMs = 0
  #wallOffsetMs: number
  #lastNs = 0n
  #order = 0
  #timers: Timer[] = []

  readonly #settleTurns: number

  /** @param settleTurns turns of the loop that everything started gets before time moves on */
  constructor(startMs = 1_800_000_000_000, settleTurns = 3) {
    this.#wallOffsetMs = startMs
    this.#settleTurns = settleTurns
  }

  nowMs(): number {
    return this.#wallOffsetMs + this.#monotonicMs
  }

  nowNs(): bigint {
    const now = BigInt(Math.round(this.nowMs() * 1000)) * 1000n
    this.#lastNs = now > this.#lastNs ? now : this.#lastNs + 1n
    return this.#lastNs
  }

  monotonicMs(): number {
    return this.#monotonicMs
  }

  /** How many timers and sleeps wait: 0 when nothing was left behind. */
  get pending(): number {
    return this.#timers.length
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = () => {
        cancel()
        reject(signal?.reason)
      }
      const cancel = this.after(delayMs, () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.#monotonicMs + Math.max(0, delayMs), order: this.#order++, run }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  /** Moves time on, firing each timer at its moment and letting what it starts run. */
  async advance(durationMs: number): Promise<void> {
    const endMs = this.#monotonicMs + durationMs
    await settle(this.#settleTurns)
    for (let timer = this.#next(endMs); timer; timer = this.#next(endMs)) {
      this.#fire(timer)
      await settle(this.#settleTurns)
    }
    this.#monotonicMs = endMs
    await settle(this.#settleTurns)
  }

  /** Moves time from timer to timer until `promise` settles; fails when nothing waits any more. */
  async until<T>(promise: Promise<T>, limitMs = 86_400_000): Promise<T> {
    let isSettled = false
    const settled = () => {
      isSettled = true
    }
    promise.then(settled, settled)
    const endMs = this.#monotonicMs + limitMs
    let idleTurns = 0
    while (!isSettled) {
      await settle(this.#settleTurns)
      if (isSettled) break
      const timer = this.#next(endMs)
      if (timer) {
        this.#fire(timer)
        idleTurns = 0
      } else if (++idleTurns > 1000) {
        throw new Error(`nothing is left to happen before ${limitMs} ms are over`)
      }
    }
    return promise
  }

  /** The wall clock jumps (a person sets it, or the computer slept); durations do not. */
  jumpWall(byMs: number): void {
    this.#wallOffsetMs += byMs
  }

  #next(endMs: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.atMs > endMs) continue
      if (
        !first ||
        timer.atMs < first.atMs ||
        (timer.atMs === first.atMs && timer.order < first.order)
      ) {
        first = timer
      }
    }
    return first
  }

  #fire(timer: Timer): void {
    this.#timers = this.#timers.filter((other) => other !== timer)
    this.#monotonicMs = Math.max(this.#monotonicMs, timer.atMs)
    timer.run()
  }
}

/** Lets every promise that can go on do so. */
export async function settle(turns = 3): Promise<void> {
  for (let turn = 0; turn < turns; turn++)
    await new Promise<void>((resolve) => setImmediate(resolve))
}
