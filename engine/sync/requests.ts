/**
 * One endpoint's requests as the rest of the engine asks for them.
 */

/**
 * `interactive`: a program waits. `background`: uploads, prefetch, polling; nobody waits.
 * `idle`: what is fetched in advance for another day; only when nothing else waits.
 */
export type RequestUrgency = 'interactive' | 'background' | 'idle'

/** Longest time a program waits on a network that makes no progress. */
export const INTERACTIVE_DEADLINE_MS = 8_000

export interface Requests {
  /**
   * Runs one idempotent request: within the endpoint's concurrency, retried with jitter when its
   * error says `backoff` or `when-online`, ended by the caller's signal.
   *
   * interactive: gives up with the last error when INTERACTIVE_DEADLINE_MS are over, at once when
   * the endpoint is known to be offline. background: bounded tries, then the last error.
   *
   * @param work one attempt; must stop when its signal aborts. It calls `progressed` when bytes
   *        moved: the deadline then counts from there
   */
  run<T>(
    urgency: RequestUrgency,
    work: (signal: AbortSignal, progressed: () => void) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T>
}
