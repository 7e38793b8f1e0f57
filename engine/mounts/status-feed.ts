/**
 * Status to those who listen: soon after a change, never more often than ten times a second, and less
 * often the longer it takes to make: with much to tell, most of the time stays with programs.
 */
import type { StatusView } from '../../shared/model.ts'
import type { Clock } from '../base/clock.ts'

export const STATUS_INTERVAL_MS = 100
/** After a status that took 1 ms to make there is none for so many. */
const REST_PER_WORK = 30
/** However long it takes, people see something move. */
const STATUS_INTERVAL_MS_MAX = 1_000

export class StatusFeed {
  readonly #clock: Clock
  readonly #status: () => StatusView
  readonly #listeners = new Set<(status: StatusView) => void>()
  #cancel: (() => void) | undefined
  #nextMs = Number.NEGATIVE_INFINITY
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
    const waitMs = Math.max(0, this.#nextMs - this.#clock.monotonicMs())
    this.#cancel = this.#clock.after(waitMs, () => this.#tell())
  }

  close(): void {
    this.#isClosed = true
    this.#cancel?.()
    this.#cancel = undefined
  }

  #tell(): void {
    this.#cancel = undefined
    const startedMs = this.#clock.monotonicMs()
    const status = this.#status()
    const restMs = (this.#clock.monotonicMs() - startedMs) * REST_PER_WORK
    const intervalMs = Math.min(STATUS_INTERVAL_MS_MAX, Math.max(STATUS_INTERVAL_MS, restMs))
    this.#nextMs = startedMs + intervalMs
    for (const listener of this.#listeners) listener(status)
  }
}
