/**
 * Bounded concurrency with a bounded queue: every place that waits has a limit with a name.
 */
import { PailError } from '../../shared/errors.ts'

type Waiter = { resolve: () => void; reject: (reason: unknown) => void }

export class Limiter {
  readonly #waiting: Waiter[] = []
  #running = 0
  #concurrencyMax: number
  readonly #waitingMax: number

  constructor(options: { concurrencyMax: number; waitingMax: number }) {
    this.#concurrencyMax = options.concurrencyMax
    this.#waitingMax = options.waitingMax
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Raises or lowers the limit; running work is never cancelled by it. */
  setConcurrencyMax(concurrencyMax: number): void {
    this.#concurrencyMax = concurrencyMax
    this.#startWaiting()
  }

  /**
   * Runs `work` when there is room.
   * @throws PailError `s3/busy` when more than `waitingMax` callers already wait
   */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#enter(signal)
    try {
      return await work()
    } finally {
      this.#running--
      this.#startWaiting()
    }
  }

  async #enter(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) throw signal.reason
    if (this.#running < this.#concurrencyMax) {
      this.#running++
      return
    }
    if (this.#waiting.length >= this.#waitingMax) {
      throw new PailError('s3/busy', `more than ${this.#waitingMax} requests wait already`)
    }
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = {
        resolve: () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        },
        reject,
      }
      const onAbort = () => {
        const index = this.#waiting.indexOf(waiter)
        if (index >= 0) this.#waiting.splice(index, 1)
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiting.push(waiter)
    })
  }

  #startWaiting(): void {
    while (this.#running < this.#concurrencyMax) {
      const next = this.#waiting.shift()
      if (!next) return
      this.#running++
      next.resolve()
    }
  }
}
