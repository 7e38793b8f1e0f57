/**
 * Notices when programs remove so much at once that a person is asked before the bucket loses it.
 *
 * Owns:  what was removed lately below each mounted directory. Runs in: engine process.
 * Keeps: an ordinary `rm -r` is not touched. What is held is gone from the folder and still in the
 *        bucket, until a person lets it go or takes it back.
 */
import { PailError } from '../../shared/errors.ts'
import type { Clock } from '../base/clock.ts'
import type { Journal } from '../store/journal.ts'
import type { Nodes } from '../store/nodes.ts'

/** Removals that count together. */
export const MASS_WINDOW_MS = 60_000
/** More objects than this are asked for. */
export const MASS_OBJECTS_MAX = 1_000
/** So few are never asked for... */
export const MASS_OBJECTS_MIN = 100
/** ...and from there on those that are more than this share of everything in the folder. */
const MASS_SHARE = 0.5

export type Removals = {
  /** Objects removed within MASS_WINDOW_MS. */
  readonly count: number
  /** Files in the folder before; undefined: not all of it was ever listed. */
  readonly filesBefore: number | undefined
}

/** Is a person to be asked? Pure. */
export function isMassDeletion({ count, filesBefore }: Removals): boolean {
  if (count > MASS_OBJECTS_MAX) return true
  if (count < MASS_OBJECTS_MIN || filesBefore === undefined) return false
  return count > filesBefore * MASS_SHARE
}

/** What is looked at and changed of a tree. */
type Removing = {
  readonly clock: Clock
  readonly nodes: Pick<Nodes, 'filesBelow'>
  readonly journal: Pick<Journal, 'bySeq' | 'noteFailure'>
  readonly running: ReadonlySet<number>
}

type Window = {
  removed: Array<{ readonly seq: number; readonly atMs: number }>
  filesBefore: number | undefined
  isHolding: boolean
}

export class DeletionWatch {
  readonly #windows = new Map<number, Window>()

  /** A person has answered: what is removed next counts anew. */
  reset(root: number): void {
    this.#windows.delete(root)
  }

  /**
   * One object below `root` was removed by a program; its deletion is row `seq`. Call it in the
   * transaction of the removal.
   */
  note(tree: Removing, root: number, seq: number): void {
    const nowMs = tree.clock.monotonicMs()
    const window = this.#window(root, nowMs)
    window.removed.push({ seq, atMs: nowMs })
    const count = window.removed.length
    if (count === MASS_OBJECTS_MIN) {
      const files = tree.nodes.filesBelow(root)
      window.filesBefore = files === undefined ? undefined : files + count
    }
    window.isHolding ||= isMassDeletion({ count, filesBefore: window.filesBefore })
    if (!window.isHolding) return
    for (const row of window.removed) if (!tree.running.has(row.seq)) hold(tree, row.seq)
    // Only the newest matters from here on: it says when the removing ended.
    window.removed = window.removed.slice(-1)
  }

  #window(root: number, nowMs: number): Window {
    const known = this.#windows.get(root)
    const newestMs = known?.removed.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY
    if (!known || nowMs - newestMs >= MASS_WINDOW_MS) {
      const fresh = { removed: [], filesBefore: undefined, isHolding: false }
      this.#windows.set(root, fresh)
      return fresh
    }
    if (!known.isHolding) {
      const first = known.removed.findIndex(({ atMs }) => nowMs - atMs < MASS_WINDOW_MS)
      if (first > 0) known.removed.splice(0, first)
    }
    return known
  }
}

function hold(tree: Removing, seq: number): void {
  const error = new PailError('mount/deletes-held', 'many objects were removed at once')
  const row = tree.journal.bySeq(seq)
  if (row?.state !== 'waiting' || row.errorCode === error.code) return
  tree.journal.noteFailure(seq, error, 'never', tree.clock.nowMs())
}
