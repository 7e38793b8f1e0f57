/**
 * Polls the folders that are looked at, so that what others store in the bucket is seen.
 *
 * Owns:  which folders of one volume are in use, and when each is listed again by itself.
 * Keeps: a few listings at a time; nothing while the endpoint is away or nobody looks.
 * Never: decides by itself: poll-plan.ts does.
 */
import { PailError } from '../../shared/errors.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Listings } from './listing.ts'
import {
  nextPoll,
  type PollPace,
  pollPace,
  USED_LATELY_MS,
  type WatchedFolder,
} from './poll-plan.ts'
import type { PollingMode } from './request-budget.ts'
import type { Tree } from './tree.ts'

/** Folders remembered; the one used longest ago is forgotten first. */
export const FOLDERS_MAX = 256
const POLLS_MAX = 4
/** Uses come by the thousand: what is due is looked up once for all of this time. */
const PLAN_MS = 1_000

/** What a front tells of its use of folders. Cheap: called for each operation. */
export interface FolderUse {
  use(directory: number): void
  hold(directory: number): void
  release(directory: number): void
}

export type FolderWatchParts = {
  readonly tree: Tree
  readonly listings: Pick<Listings, 'poll'>
  readonly pollingMode: () => PollingMode
  readonly isOnline: () => boolean
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

type Folder = {
  firstUseMs: number
  lastUseMs: number
  holders: number
  isShown: boolean
  changedMs: number
  polledMs: number
  failedMs: number
  pages: number
}

const NEVER = Number.NEGATIVE_INFINITY

export class FolderWatch implements FolderUse {
  readonly #parts: FolderWatchParts
  readonly #folders = new Map<number, Folder>()
  readonly #polling = new Set<number>()
  #cancelTimer: (() => void) | undefined
  #timerMs = Number.POSITIVE_INFINITY
  readonly #stopWatching: () => void

  constructor(parts: FolderWatchParts) {
    this.#parts = parts
    this.#stopWatching = parts.tree.watch((changes) => {
      for (const { origin, parent } of changes) {
        const folder = origin === 'remote' ? this.#folders.get(parent) : undefined
        if (folder) folder.changedMs = this.#nowMs()
      }
    })
  }

  use(directory: number): void {
    const folder = this.#folder(directory)
    const nowMs = this.#nowMs()
    if (nowMs - folder.lastUseMs > USED_LATELY_MS) folder.firstUseMs = nowMs
    folder.lastUseMs = nowMs
    this.#planWithin(PLAN_MS)
  }

  hold(directory: number): void {
    this.#folder(directory).holders++
    this.use(directory)
  }

  release(directory: number): void {
    const folder = this.#folders.get(directory)
    if (folder) folder.holders = Math.max(0, folder.holders - 1)
  }

  /** A window in the foreground shows exactly these folders. */
  show(directories: readonly number[]): void {
    for (const folder of this.#folders.values()) folder.isShown = false
    for (const directory of directories.slice(0, FOLDERS_MAX)) {
      this.#folder(directory).isShown = true
    }
    this.#planWithin(0)
  }

  /** The endpoint is back, or may be asked more often. */
  wake(): void {
    for (const folder of this.#folders.values()) folder.failedMs = NEVER
    this.#planWithin(0)
  }

  /** What is listed by itself now; undefined: nothing. */
  pace(): PollPace | undefined {
    if (!this.#parts.isOnline()) return undefined
    return pollPace(this.#watched(), this.#parts.pollingMode())
  }

  close(): void {
    this.#stopWatching()
    this.#cancelTimer?.()
    this.#folders.clear()
  }

  #nowMs(): number {
    return this.#parts.clock.monotonicMs()
  }

  #folder(id: number): Folder {
    const known = this.#folders.get(id)
    if (known) return known
    if (this.#folders.size >= FOLDERS_MAX) this.#forgetOne()
    const nowMs = this.#nowMs()
    const use = { firstUseMs: nowMs, lastUseMs: nowMs, holders: 0, isShown: false }
    const polls = { changedMs: NEVER, polledMs: NEVER, failedMs: NEVER, pages: 1 }
    const folder = { ...use, ...polls }
    this.#folders.set(id, folder)
    return folder
  }

  #forgetOne(): void {
    let oldest: { id: number; lastUseMs: number } | undefined
    for (const [id, { holders, isShown, lastUseMs }] of this.#folders) {
      const isKept = holders > 0 || isShown
      if (!isKept && (!oldest || lastUseMs < oldest.lastUseMs)) oldest = { id, lastUseMs }
    }
    const first = this.#folders.keys().next()
    if (oldest) this.#folders.delete(oldest.id)
    else if (!first.done) this.#folders.delete(first.value)
  }

  #planWithin(delayMs: number): void {
    const atMs = this.#nowMs() + delayMs
    if (this.#timerMs <= atMs || this.#parts.signal.aborted) return
    this.#cancelTimer?.()
    this.#timerMs = atMs
    this.#cancelTimer = this.#parts.clock.after(delayMs, () => {
      this.#cancelTimer = undefined
      this.#timerMs = Number.POSITIVE_INFINITY
      this.#plan()
    })
  }

  #plan(): void {
    if (!this.#parts.isOnline()) return
    while (this.#polling.size < POLLS_MAX) {
      const idle = this.#watched().filter(({ id }) => !this.#polling.has(id))
      const next = nextPoll(idle, this.#parts.pollingMode())
      if (!next) return
      if (next.delayMs > 0) {
        this.#planWithin(next.delayMs)
        return
      }
      // Never rejects; a failure is noted and waits its time.
      void this.#poll(next.id)
    }
  }

  #watched(): WatchedFolder[] {
    const { tree, clock } = this.#parts
    const nowMs = this.#nowMs()
    const watched: WatchedFolder[] = []
    for (const [id, folder] of this.#folders) {
      const row = tree.nodes.byId(id)
      if (!row) this.#folders.delete(id)
      if (!row || row.listedMs === 0 || row.remoteKey === null) continue
      const sinceListedMs = clock.nowMs() - row.listedMs
      const ageMs = sinceListedMs >= 0 ? sinceListedMs : Number.POSITIVE_INFINITY
      watched.push({
        id,
        // A clock that jumps must not make a folder due over and over again.
        ageMs: Math.min(ageMs, nowMs - folder.polledMs),
        idleMs: nowMs - folder.lastUseMs,
        usedForMs: folder.lastUseMs - folder.firstUseMs,
        holders: folder.holders,
        isShown: folder.isShown,
        unchangedMs: nowMs - folder.changedMs,
        failedAgoMs: nowMs - folder.failedMs,
        pages: folder.pages,
      })
    }
    return watched
  }

  async #poll(id: number): Promise<void> {
    const { listings, log, signal } = this.#parts
    this.#polling.add(id)
    let pages = 0
    try {
      pages = await listings.poll(id, signal)
    } catch (thrown) {
      log.write('debug', 'poll/failed', { folder: id, code: PailError.from(thrown).code })
    }
    this.#polling.delete(id)
    const folder = this.#folders.get(id)
    if (folder) {
      folder.polledMs = this.#nowMs()
      folder.failedMs = pages === 0 ? this.#nowMs() : NEVER
      folder.pages = Math.max(1, pages)
    }
    this.#planWithin(0)
  }
}
