/**
 * Time and chance, injected everywhere so that one seed replays one history.
 *
 * Never: is bypassed. `Date.now`, `setTimeout` and `Math.random` stand nowhere else in the engine.
 */
import { randomBytes } from 'node:crypto'

export interface Clock {
  /** Wall-clock time in milliseconds since 1970, UTC. May jump. */
  nowMs(): number
  /** Nanoseconds since 1970, UTC; strictly rising between two calls of one process. */
  nowNs(): bigint
  /** Milliseconds that never jump; for durations alone. */
  monotonicMs(): number
  /** Resolves after `delayMs`; rejects with the signal's reason as soon as it aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
  /** Calls `run` once after `delayMs`; the returned function cancels. Does not keep the process alive. */
  after(delayMs: number, run: () => void): () => void
}

export interface Random {
  /** A number in [0, 1). */
  next(): number
  /** `count` random bytes in hex. Unguessable in the real implementation only. */
  hex(count: number): string
}

export class SystemClock implements Clock {
  #lastNs = 0n

  nowMs(): number {
    return Date.now()
  }

  nowNs(): bigint {
    const now = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n
    this.#lastNs = now > this.#lastNs ? now : this.#lastNs + 1n
    return this.#lastNs
  }

  monotonicMs(): number {
    return performance.now()
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = () => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }, delayMs)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = setTimeout(run, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  }
}

export class SystemRandom implements Random {
  next(): number {
    return Math.random()
  }

  hex(count: number): string {
    return randomBytes(count).toString('hex')
  }
}

/** A small, fast, seeded generator (mulberry32) for tests and simulations. */
export class SeededRandom implements Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  hex(count: number): string {
    let out = ''
    for (let i = 0; i < count; i++) {
      out += Math.floor(this.next() * 256)
        .toString(16)
        .padStart(2, '0')
    }
    return out
  }
}
