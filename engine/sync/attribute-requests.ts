/**
 * Asks for the attributes that only an object's own metadata tells, for mounts that want them all:
 * one HEAD for each version, side by side, remembered in the tree.
 *
 * Owns:  which of these requests are under way. Runs in: engine process.
 * Keeps: one request per node at a time, shared by all who wait; nobody waits long, and what could
 *        not be asked for is shown as the listing has it.
 */
import { PailError } from '../../shared/errors.ts'
import { Limiter } from '../base/limiter.ts'
import { withSignal } from '../base/with-signal.ts'
import type { NodeRow } from '../store/nodes.ts'
import type { ListingParts } from './flat-listing.ts'
import { learn, learnNothing } from './learn.ts'
import { StallTimer } from './stall-timer.ts'
import { headOrNone } from './upload-job.ts'

/** Requests side by side, and nodes that wait for one. */
const ASKED_MAX = 32
const WAITING_MAX = 4_096
/** How long a program that lists or looks waits for them... */
const WAIT_MS = 5_000
/** ...as long as answers come: with what it asks then, a program is done within its ten seconds. */
const STALL_MS = 1_500
/** How long a failure, or no answer at all, speaks for all. */
const FAILURE_MS = 5_000
/** Entries of a directory asked for ahead of the reader. */
export const ATTRIBUTES_AHEAD = 512

export class AttributeRequests {
  readonly #parts: ListingParts
  readonly #active = new Map<number, Promise<void>>()
  readonly #limiter = new Limiter({ concurrencyMax: ASKED_MAX, waitingMax: WAITING_MAX })
  #failedUntilMs = Number.NEGATIVE_INFINITY

  constructor(parts: ListingParts) {
    this.#parts = parts
  }

  /** Resolves when the attributes of all rows are known, or when waiting is over. */
  async ensure(rows: readonly NodeRow[], signal: AbortSignal): Promise<void> {
    const asked = this.begin(rows)
    if (asked.length === 0) return
    const { clock } = this.#parts
    const over = new AbortController()
    const stall = new StallTimer(clock, STALL_MS, () => {
      this.#failedUntilMs = clock.monotonicMs() + FAILURE_MS
      over.abort('waited long enough')
    })
    const cancel = clock.after(WAIT_MS, () => over.abort('waited long enough'))
    for (const one of asked) void one.then(() => stall.restart())
    try {
      await withSignal(Promise.all(asked), AbortSignal.any([signal, over.signal]))
    } catch (thrown) {
      if (signal.aborted || !over.signal.aborted) throw thrown
    } finally {
      stall.stop()
      cancel()
    }
  }

  /** Returns at once. @returns what is under way for these rows; none of it rejects */
  begin(rows: readonly NodeRow[]): Promise<void>[] {
    if (this.#parts.clock.monotonicMs() < this.#failedUntilMs) return []
    return rows.filter(isUnknown).flatMap((row) => this.#active.get(row.id) ?? this.#start(row))
  }

  #start(row: NodeRow): Promise<void>[] {
    if (this.#limiter.waiting >= WAITING_MAX) return []
    const { signal } = this.#parts
    const done = this.#limiter
      .run(() => this.#ask(row), signal)
      .catch((thrown) => this.#noteFailure(row, thrown))
      .finally(() => this.#active.delete(row.id))
    this.#active.set(row.id, done)
    return [done]
  }

  async #ask(row: NodeRow): Promise<void> {
    const { store, requests, tree, signal } = this.#parts
    const key = row.remoteKey ?? ''
    const head = await requests.run('background', (one) => headOrNone(store, key, one), signal)
    if (row.kind !== 'directory') {
      if (head) learn(tree, head, head)
      return
    }
    const now = tree.nodes.byId(row.id)
    if (!now || now.remoteKey !== key || now.metadata !== null) return
    if (!head) return learnNothing(tree, row.id)
    const marker = { hasMarker: true, etag: head.etag, remoteSize: head.sizeBytes }
    tree.changeLater(() => tree.nodes.update(row.id, marker))
    learn(tree, head, head)
  }

  #noteFailure(row: NodeRow, thrown: unknown): void {
    const { log, clock, signal } = this.#parts
    if (signal.aborted) return
    const { code } = PailError.from(thrown)
    this.#failedUntilMs = clock.monotonicMs() + FAILURE_MS
    log.write('warn', 'attributes/not-asked', { key: row.remoteKey ?? '', code })
  }
}

/** Is there an object whose metadata was not seen yet? Nothing but a directory may be without one. */
function isUnknown(row: NodeRow): boolean {
  if (row.metadata !== null || row.remoteKey === null || row.remoteKey === '') return false
  return row.kind === 'directory' || row.etag !== null
}
