/**
 * Decides which neighbours of files read one after another are worth fetching ahead. Pure.
 *
 * How to use it: when a program has read a small file to its end, call `noteRead` with the
 * directory and the file's position in the order in which programs see the directory (its listing).
 * The answer is a run of positions; take those that are files of at most SIBLING_FILE_BYTES_MAX,
 * and hand their versions to `Fetcher.prefetch` with SIBLING_BUDGET_BYTES. Files of which only the
 * head is read (previews of pictures) must not be noted: they would have everything downloaded.
 *
 * Keeps: nothing is suggested before READS_MIN files in a row; then four times as many as were
 *        read,
 *        so that a wrong guess costs a bounded share.
 */

/** Larger files have read-ahead of their own. */
export const SIBLING_FILE_BYTES_MAX = 1024 * 1024
/** Bytes that one suggestion may fetch. */
export const SIBLING_BUDGET_BYTES = 16 * 1024 * 1024
const READS_MIN = 2
const AHEAD_MAX = 64
/** Positions a reader may skip or swap: subfolders, large files, parallel workers. */
const SLACK = 8
const DIRECTORIES_MAX = 64

export type SiblingRun = { readonly first: number; readonly count: number }

type Progress = {
  readonly position: number
  readonly step: 1 | -1
  readonly reads: number
  /** Positions suggested so far, in the direction of `step`. */
  readonly planned: number
}

export class SiblingPattern {
  /** By directory, least recently used first. */
  readonly #directories = new Map<number, Progress>()

  /** @returns positions to fetch next, in that order or none */
  noteRead(directory: number, position: number): SiblingRun | undefined {
    const before = this.#directories.get(directory)
    const next = follow(before, position)
    const plan = planAhead(next)
    this.#directories.delete(directory)
    this.#directories.set(directory, plan.progress)
    if (this.#directories.size > DIRECTORIES_MAX) this.#forgetOldest()
    return plan.run
  }

  /** The directory was listed anew: positions mean something else now. */
  forget(directory: number): void {
    this.#directories.delete(directory)
  }

  #forgetOldest(): void {
    const oldest = this.#directories.keys().next().value
    if (oldest !== undefined) this.#directories.delete(oldest)
  }
}

function follow(before: Progress | undefined, position: number): Progress {
  const fresh: Progress = { position, step: 1, reads: 1, planned: position }
  if (!before) return fresh
  const distance = position - before.position
  const step = before.reads > 1 ? before.step : distance < 0 ? -1 : 1
  if (distance === 0) return before
  if (Math.abs(distance) > SLACK) return fresh
  if (distance * step < 0) return before.reads > READS_MIN ? before : { ...fresh, reads: 1 }
  const planned = before.reads > 1 ? before.planned : position
  return { position, step, reads: before.reads + 1, planned }
}

function planAhead(progress: Progress): { progress: Progress; run?: SiblingRun } {
  const { position, step, reads } = progress
  if (reads < READS_MIN) return { progress }
  const window = Math.min(AHEAD_MAX, 4 * reads)
  const target = position + step * window
  const planned =
    step > 0 ? Math.max(progress.planned, position) : Math.min(progress.planned, position)
  // Planned again when half of the window is used up, so that fetches go side by side.
  if ((planned - position) * step > window / 2) return { progress }
  const count = (target - planned) * step
  if (count <= 0) return { progress }
  const first = step > 0 ? planned + 1 : Math.max(0, target)
  const length = step > 0 ? count : Math.max(0, planned - first)
  const next = { ...progress, planned: target }
  return length > 0 ? { progress: next, run: { first, count: length } } : { progress: next }
}
