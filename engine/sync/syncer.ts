/**
 * Carries the journal of one volume out: the single source of what "uploaded" means.
 *
 * Owns:  which rows are under way. Runs in: engine process.
 * Keeps: one row at a time for a node and for a key; a row is retired only after the bucket's
 *        answer was checked; what fails stays, with its reason and its next time.
 * Never: invents a remote delete; drops a row because it failed.
 */
import { setMaxListeners } from 'node:events'
import { ERRORS, PailError } from '../../shared/errors.ts'
import type { JournalRow } from '../store/journal.ts'
import type { Pending } from '../store/pending.ts'
import type { Trust } from '../store/trust.ts'
import type { WholeCopy } from './content.ts'
import { canCopyWhole, copyWhole } from './copy-whole.ts'
import { rewriteAttributes } from './job-attributes.ts'
import { deleteObjects } from './job-delete.ts'
import { writeMarker } from './job-marker.ts'
import { move } from './job-move.ts'
import { put } from './job-put.ts'
import { nextDelayMs } from './retry.ts'
import type { Job, SyncerParts } from './sync-job.ts'
import { findRunnable, isGoingOn, type Runnable } from './sync-order.ts'

/** Journal rows under way at once; their requests are paced by the endpoint. */
const JOBS_MAX = 32
/** Rows under way while a program changed something this short a time ago. */
const JOBS_BESIDE_PROGRAMS = 2
const PROGRAMS_FIRST_MS = 150
/** When the local database takes nothing, as on a full disk. */
const DATABASE_RETRY_MS = 5_000
/** Time between two looks through the journal. */
const SCAN_INTERVAL_MS = 20
/**
 * The same while programs change things: a nearby server takes small files as fast as they come,
 * and their uploads would take half of the processor that the programs need.
 */
const BESIDE_PROGRAMS_INTERVAL_MS = 100
/** The journal is looked through for so many free slots at once, not for each one. */
const SLOTS_FILLED_MIN = 8
/** A row that failed for want of a network is looked at again this late at the latest. */
const RETRY_DELAY_MS_MAX = 60_000
/** A clean-up that the server refuses, for instance aborting an upload, is tried again so late. */
const CLEAN_UP_RETRY_MS = 3_600_000
/** How often `flush` looks whether everything is done. */
const FLUSH_POLL_MS = 50

export class Syncer {
  readonly #parts: SyncerParts
  readonly #busyNodes = new Set<number>()
  readonly #busyKeys = new Set<string>()
  readonly #jobs = new Set<Promise<void>>()
  #wake: () => void = () => {}
  #isWoken = false
  #isPaused = false
  /** Ends uploads under way when uploads are paused; a new one for each time. */
  #pausing = new AbortController()
  #hurrying = 0
  #brokenUntilMs = Number.NEGATIVE_INFINITY

  constructor(parts: SyncerParts) {
    this.#parts = parts
    parts.tree.onDidJournal = () => {
      this.wake()
      parts.onDidChange()
    }
  }

  /** Jobs whose requests may be under way. */
  get runningCount(): number {
    return this.#jobs.size
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  setPaused(isPaused: boolean): void {
    if (isPaused === this.#isPaused) return
    this.#isPaused = isPaused
    if (isPaused) this.#pausing.abort(new PailError('engine/stopped', 'uploads are paused'))
    else this.#pausing = new AbortController()
    this.wake()
  }

  /** Something may be ready: called after every new row, and when the network is back. */
  wake(): void {
    this.#isWoken = true
    this.#wake()
  }

  /** Runs until the volume closes; then waits for the jobs under way, which end with the signal. */
  async run(): Promise<void> {
    const { signal, clock } = this.#parts
    while (!signal.aborted) {
      this.#isWoken = false
      const isMore = !this.#isResting() && !this.#isBroken() && this.#startReady()
      // Every edit wakes the loop: it looks through the journal once for many of them.
      const intervalMs = this.#isBesidePrograms() ? BESIDE_PROGRAMS_INTERVAL_MS : SCAN_INTERVAL_MS
      await clock.sleep(intervalMs, signal).catch(() => {})
      const waitMs = this.#waitMs(isMore)
      const waiting = new AbortController()
      // With a reason: without one each abort makes an error with a stack.
      this.#wake = () => waiting.abort('woken')
      if (this.#isWoken || signal.aborted) continue
      const onClose = () => waiting.abort('closed')
      signal.addEventListener('abort', onClose, { once: true })
      await clock.sleep(waitMs, waiting.signal).catch(() => {})
      signal.removeEventListener('abort', onClose)
    }
    await Promise.all(this.#jobs)
  }

  /** What of this volume is not in the bucket yet, below a prefix. */
  pending(prefix: string): Pending {
    const journaled = this.#parts.tree.journal.pending(this.#parts.tree.volume, prefix)
    const markers = this.#parts.pendingMarkers(prefix)
    return { ...journaled, files: journaled.files + markers }
  }

  /**
   * Uploads everything below `prefix` without quiet times; rows that wait for a person get another
   * try. @returns what is left when nothing is, when the signal aborts, or when only rows are left
   * that wait for a person again
   */
  async flush(prefix: string, signal: AbortSignal): Promise<Pending> {
    const { clock, contents } = this.#parts
    this.#hurrying++
    try {
      this.#hurry(prefix, true)
      for (;;) {
        this.#hurry(prefix, false)
        this.wake()
        const pending = this.pending(prefix)
        // With everything of the volume asked for, what is being put away locally counts, too.
        const isIdle = prefix !== '' || this.#jobs.size === 0
        const isDone = pending.files === 0 && contents.dirtyCount() === 0 && isIdle
        if (isDone || signal.aborted || this.#isStuck(prefix)) return pending
        await clock.sleep(FLUSH_POLL_MS, signal).catch(() => {})
      }
    } finally {
      this.#hurrying--
    }
  }

  /** Without it things go on as well, only later. */
  #hurry(prefix: string, includeFailed: boolean): void {
    const { tree, clock, log } = this.#parts
    try {
      tree.database.writeNow(() =>
        tree.journal.hurry(tree.volume, prefix, clock.nowMs(), includeFailed),
      )
    } catch (thrown) {
      log.write('warn', 'sync/not-hurried', { because: PailError.from(thrown).message })
    }
  }

  /** Nothing is under way and every row left waits for a person, or a person holds all of it back. */
  #isStuck(prefix: string): boolean {
    const { tree, contents, pendingMarkers } = this.#parts
    if (this.#jobs.size > 0) return false
    if (this.#isResting()) return true
    if (contents.dirtyCount() > 0 || pendingMarkers(prefix) > 0) return false
    return !isGoingOn(tree, prefix)
  }

  /**
   * Copies an object inside the bucket for a program that copies a file.
   * @returns false when something of the file, or of its key, is on its way: nothing was done
   */
  async copyWhole(copy: WholeCopy, signal: AbortSignal): Promise<boolean> {
    const { tree } = this.#parts
    const node = tree.node(copy.id)
    if (!this.#parts.isOnline() || !canCopyWhole(tree, node)) return false
    const key = tree.keyOf(node)
    const isBusy = [key, copy.source.key].some((one) => this.#busyKeys.has(one))
    if (isBusy || this.#busyNodes.has(copy.id)) return false
    this.#busyNodes.add(copy.id)
    this.#busyKeys.add(key)
    try {
      await copyWhole(this.#parts, copy, signal)
      return true
    } finally {
      this.#busyNodes.delete(copy.id)
      this.#busyKeys.delete(key)
      this.wake()
    }
  }

  /** A person holds everything back, or nothing is done on the word of the journal any more. */
  #isResting(): boolean {
    return this.#isPaused || this.#parts.isHeldBack() || this.#trust.isEnded
  }

  get #trust(): Trust {
    return this.#parts.tree.database.trust
  }

  #isBroken(): boolean {
    return this.#parts.clock.monotonicMs() < this.#brokenUntilMs
  }

  #waitMs(isMore: boolean): number {
    const { tree, clock } = this.#parts
    if (this.#isBroken()) return DATABASE_RETRY_MS
    if (this.#isResting()) return RETRY_DELAY_MS_MAX
    // With all slots taken, the end of a job wakes the loop; or programs come to rest.
    if (isMore) return PROGRAMS_FIRST_MS
    const nextMs = tree.journal.nextReadyMs(tree.volume)
    if (nextMs === undefined) return RETRY_DELAY_MS_MAX
    const waitMs = nextMs - clock.nowMs()
    return Math.min(RETRY_DELAY_MS_MAX, Math.max(waitMs, BLOCKED_POLL_MS))
  }

  /** @returns whether rows were left because there was no slot */
  #startReady(): boolean {
    const { tree, contents, sends, clock } = this.#parts
    for (;;) {
      const slots = this.#slots()
      if (slots <= 0) return true
      const runnable = findRunnable({
        tree,
        contents,
        sends,
        nowMs: clock.nowMs(),
        isHurrying: this.#hurrying > 0,
        busyNodes: this.#busyNodes,
        busyKeys: this.#busyKeys,
        countMax: slots,
      })
      if (runnable.length === 0) return false
      for (const one of runnable) this.#start(one)
    }
  }

  /** While programs write, they come first: a copy of many files ends sooner, and goes up after it. */
  #slots(): number {
    if (this.#isBesidePrograms()) return JOBS_BESIDE_PROGRAMS - this.#jobs.size
    const slots = JOBS_MAX - this.#jobs.size
    return slots < SLOTS_FILLED_MIN ? 0 : slots
  }

  #isBesidePrograms(): boolean {
    const { tree, clock } = this.#parts
    return this.#hurrying === 0 && clock.monotonicMs() - tree.lastEditMs < PROGRAMS_FIRST_MS
  }

  #start(runnable: Runnable): void {
    const { tree } = this.#parts
    for (const row of runnable.rows) {
      tree.running.add(row.seq)
      this.#parts.transfers.begin(row)
    }
    for (const node of runnable.nodes) this.#busyNodes.add(node)
    for (const key of runnable.keys) this.#busyKeys.add(key)
    const job = this.#runJob(runnable).finally(() => {
      for (const row of runnable.rows) {
        tree.running.delete(row.seq)
        this.#parts.transfers.end(row.seq)
      }
      for (const node of runnable.nodes) this.#busyNodes.delete(node)
      for (const key of runnable.keys) this.#busyKeys.delete(key)
      this.#jobs.delete(job)
      this.#parts.onDidChange()
      this.wake()
    })
    this.#jobs.add(job)
  }

  async #runJob(runnable: Runnable): Promise<void> {
    const pause = this.#pausing.signal
    try {
      await this.#carryOut(runnable, pause)
    } catch (thrown) {
      // What was sent is on record: the next try goes on from there.
      if (this.#parts.signal.aborted || pause.aborted) return
      this.#noteFailures(runnable.rows, PailError.from(thrown))
    }
  }

  /** When not even the failure can be written down, nothing is tried for a while. */
  #noteFailures(rows: readonly JournalRow[], error: PailError): void {
    if (this.#trust.isEnded) return
    try {
      for (const row of rows) this.#noteFailure(row, error)
    } catch (thrown) {
      const { clock, log } = this.#parts
      this.#brokenUntilMs = clock.monotonicMs() + DATABASE_RETRY_MS
      log.write('error', 'sync/unrecorded', {
        code: error.code,
        because: PailError.from(thrown).message,
      })
    }
  }

  #carryOut(runnable: Runnable, pause: AbortSignal): Promise<void> {
    const [row] = runnable.rows
    if (!row) return Promise.resolve()
    const job: Job = { ...this.#parts, row }
    switch (row.op) {
      case 'put':
        return put({ ...job, signal: pausable(job.signal, pause) })
      case 'marker':
        return writeMarker(job)
      case 'attributes':
        return rewriteAttributes(job)
      case 'move':
        return move(job)
      case 'delete':
        return deleteObjects(this.#parts, runnable.rows, (one, error) =>
          this.#noteFailures([one], error),
        )
    }
  }

  #noteFailure(row: JournalRow, error: PailError): void {
    const { tree, clock, random, log } = this.#parts
    const current = tree.journal.bySeq(row.seq)
    if (!current) return
    const isRefused = ERRORS[error.code].retry === 'never' && !isPassing(error)
    const isFinal = isRefused && this.#parts.isOnline()
    const delayMs = Math.min(nextDelayMs(current.attempts + 1, random), RETRY_DELAY_MS_MAX)
    const nowMs = clock.nowMs()
    // What only cleans up waits for nobody's decision: the keys may be allowed to, one day.
    const isForPerson = isFinal && current.state !== 'cancelled'
    const nextMs = nowMs + (isFinal ? CLEAN_UP_RETRY_MS : delayMs)
    tree.database.writeNow(() =>
      tree.journal.noteFailure(row.seq, error, isForPerson ? 'never' : nextMs, nowMs),
    )
    log.write(isFinal ? 'error' : 'warn', 'sync/failed', {
      op: row.op,
      key: row.key,
      code: error.code,
      detail: error.detail,
      attempts: current.attempts + 1,
      ...(error.code === 'internal/bug' ? { stack: error.stack } : {}),
    })
  }
}

/** Each request of an upload waits with a listener of its own. */
function pausable(signal: AbortSignal, pause: AbortSignal): AbortSignal {
  const either = AbortSignal.any([signal, pause])
  setMaxListeners(0, either)
  return either
}

/** Rows that are ready but blocked by others are looked at again this often at the least. */
const BLOCKED_POLL_MS = 250

/** Refused as it stood, but the next try looks at the bucket anew. */
function isPassing(error: PailError): boolean {
  return error.code === 's3/precondition' || error.code === 'vfs/stale'
}
