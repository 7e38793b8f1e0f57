/**
 * Which keys left the bucket lately, and when: a listing that began before that still shows them.
 *
 * Keeps: bounded. What is forgotten early shows for the length of one listing and goes again.
 */

/** Keys remembered; the oldest is forgotten first. */
const KEYS_MAX = 20_000
/** No listing takes longer. */
const REMEMBER_MS = 600_000

export class Departures {
  /** In order of time, oldest first. */
  readonly #goneMs = new Map<string, number>()
  #lastMs = Number.NEGATIVE_INFINITY

  /** Call when the bucket has confirmed that the key is gone. */
  note(key: string, nowMs: number): void {
    this.#goneMs.delete(key)
    this.#goneMs.set(key, nowMs)
    this.#lastMs = nowMs
    for (const [oldest, atMs] of this.#goneMs) {
      if (this.#goneMs.size <= KEYS_MAX && nowMs - atMs < REMEMBER_MS) break
      this.#goneMs.delete(oldest)
    }
  }

  /** Something is stored under the key again. */
  forget(key: string): void {
    this.#goneMs.delete(key)
  }

  hasLeftSince(key: string, sinceMs: number): boolean {
    return (this.#goneMs.get(key) ?? Number.NEGATIVE_INFINITY) >= sinceMs
  }

  /** Did anything below the prefix leave since then? It may have been all that kept it alive. */
  hasLeftBelowSince(prefix: string, sinceMs: number): boolean {
    if (this.#lastMs < sinceMs) return false
    for (const [key, atMs] of this.#goneMs) {
      if (atMs >= sinceMs && key.startsWith(prefix)) return true
    }
    return false
  }
}
