/**
 * Remembers which directories could not be listed a moment ago.
 *
 * Keeps: a listing that failed fails again for those who ask now, without a wait of its own: the
 *        kernel lets them in one after the other.
 */
import type { PailError } from '../../shared/errors.ts'
import type { Clock } from '../base/clock.ts'

/** How long a failed listing answers for itself. */
const FAILURE_MS = 5_000
/** How long the next tries after it keep nobody waiting. */
const REMEMBERED_MS = 60_000
/** Directories remembered; the oldest is forgotten first. */
const FAILURES_MAX = 256
/** Who has waited so long for a listing that then failed has waited for all of them. */
const LONG_WAIT_MS = 4_000

export class ListingFailures {
  readonly #clock: Clock
  readonly #failures = new Map<number, { readonly error: PailError; readonly atMs: number }>()
  #trouble: { readonly error: PailError; readonly untilMs: number } | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A failure that answers for the directory now. */
  of(id: number): PailError | undefined {
    return this.#within(id, FAILURE_MS)
  }

  /** A failure of a while ago: the directory is listed again, and is not to be waited for long. */
  before(id: number): PailError | undefined {
    return this.#within(id, REMEMBERED_MS)
  }

  /**
   * A listing of any directory that failed a moment ago, after a long wait. While one operation waits
   * the kernel keeps others out of the same directory: they must not have a long wait of their own.
   */
  get trouble(): PailError | undefined {
    const { error, untilMs } = this.#trouble ?? { untilMs: Number.NEGATIVE_INFINITY }
    return this.#clock.monotonicMs() < untilMs ? error : undefined
  }

  /** @param waitedMs since the listing was begun, or asked for */
  note(id: number, error: PailError, waitedMs = 0): void {
    if (waitedMs >= LONG_WAIT_MS) {
      this.#trouble = { error, untilMs: this.#clock.monotonicMs() + FAILURE_MS }
    }
    this.#failures.delete(id)
    this.#failures.set(id, { error, atMs: this.#clock.monotonicMs() })
    const oldest = this.#failures.keys().next()
    if (this.#failures.size > FAILURES_MAX && !oldest.done) this.#failures.delete(oldest.value)
  }

  /** The directory was listed, to its end. */
  forget(id: number): void {
    this.#trouble = undefined
    this.#failures.delete(id)
  }

  clear(): void {
    this.#trouble = undefined
    this.#failures.clear()
  }

  #within(id: number, ageMs: number): PailError | undefined {
    const failure = this.#failures.get(id)
    const isRecent = failure && this.#clock.monotonicMs() - failure.atMs < ageMs
    return isRecent ? failure.error : undefined
  }
}
