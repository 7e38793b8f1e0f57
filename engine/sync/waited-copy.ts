/**
 * The requests of a copy inside the bucket for which a program waits.
 *
 * Keeps: whatever is asked is answered, or given up, in the time that a program waits for a network
 *        without progress. Only while the server copies, of which it tells nothing, no time counts.
 */
import { PailError } from '../../shared/errors.ts'
import type { Clock } from '../base/clock.ts'
import { withSignal } from '../base/with-signal.ts'
import type { ObjectStore } from '../s3/object-store.ts'
import { overlaid } from '../s3/overlaid-object-store.ts'
import { INTERACTIVE_DEADLINE_MS, type Requests } from './requests.ts'
import type { SyncerParts } from './sync-job.ts'

/** Shorter than what an attempt may take without progress. */
const TICK_MS = 1_000

/** As `parts`, with somebody waiting. */
export function withWaitingProgram(parts: SyncerParts): SyncerParts {
  const patience = new Patience(parts.clock)
  const { requests, store } = parts
  return {
    ...parts,
    requests: patience.requests(requests),
    store: patience.store(store),
    capabilities: (signal) => inTime(parts, signal),
  }
}

/** What is found out too late for this copy is known to the next one. */
async function inTime({ capabilities, clock, signal }: SyncerParts, wait: AbortSignal) {
  const limit = new AbortController()
  const detail = 'what the endpoint honours is not known in time'
  const cancel = clock.after(INTERACTIVE_DEADLINE_MS, () =>
    limit.abort(new PailError('net/timeout', detail)),
  )
  try {
    return await withSignal(capabilities(signal), AbortSignal.any([wait, limit.signal]))
  } finally {
    cancel()
  }
}

class Patience {
  readonly #clock: Clock
  /** Of the attempts under way. */
  readonly #progressed = new Set<() => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  requests(requests: Requests): Requests {
    return {
      run: (_urgency, work, signal) =>
        requests.run(
          'interactive',
          async (attempt, progressed) => {
            this.#progressed.add(progressed)
            try {
              return await work(attempt, progressed)
            } finally {
              this.#progressed.delete(progressed)
            }
          },
          signal,
        ),
    }
  }

  store(store: ObjectStore): ObjectStore {
    return overlaid(store, {
      copy: (request, signal) => this.#copying(store.copy(request, signal), signal),
      uploadPartCopy: (request, signal) =>
        this.#copying(store.uploadPartCopy(request, signal), signal),
      completeMultipart: (request, signal) =>
        this.#copying(store.completeMultipart(request, signal), signal),
    })
  }

  async #copying<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    let cancel = () => {}
    const tick = () => {
      if (signal?.aborted) return
      for (const progressed of this.#progressed) progressed()
      cancel = this.#clock.after(TICK_MS, tick)
    }
    tick()
    try {
      return await work
    } finally {
      cancel()
    }
  }
}
