/** Status to those who listen: soon after a change, and never more often than ten times a second. */
import type { StatusView } from '../../shared/model.ts'
import type { Clock } from '../base/clock.ts'

export const STATUS_INTERVAL_MS = 100

export class StatusFeed {
  readonly #clock: Clock
  readonly #status: () => StatusView
  readonly #listeners = new Set<(status: StatusView) => void>()
  #cancel: (() => void) | undefined
  #lastMs = Number.NEGATIVE_INFINITY
  #isClosed = false

  constructor(clock: Clock, status: () => StatusView) {
    this.#clock = clock
    this.#status = status
  }

  subscribe(listener: (status: StatusView) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Something may look different now. Cheap: the status is made when it is told. */
  change(): void {
    if (this.#isClosed || this.#cancel || this.#listeners.size === 0) return
    const sinceMs = this.#clock.monotonicMs() - this.#lastMs
    this.#cancel = this.#clock.after(Math.max(0, STATUS_INTERVAL_MS - sinceMs), () => this.#tell())
  }

  close(): void {
    this.#isClosed = true
    this.#cancel?.()
    this.#cancel = undefined
  }

  #tell(): void {
    this.#cancel = undefined
    this.#lastMs = this.#clock.monotonicMs()
    const status = this.#status()
    for (const listener of this.#listeners) listener(status)
  }
}
