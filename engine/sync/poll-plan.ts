/**
 * Which folder is listed anew by itself, and when. Pure.
 *
 * Keeps: a folder that somebody works in, or looks at, is never older than IN_USE_MS; one that
 *        nobody has used for a while is asked for less and less, then not at all.
 * Keeps: a folder of many pages is polled as much less often as it costs more.
 */
import type { PollingMode } from './request-budget.ts'

/** A change is then seen within 15 s: this, the listing itself, and its way to the kernel. */
export const IN_USE_MS = 10_000
/** Outputs come one after another: the next one is looked for sooner. */
export const AFTER_CHANGE_MS = 5_000
const CHANGING_MS = 30_000
/** In use is what a program came back to within this time... */
export const USED_LATELY_MS = 60_000
/** ...after so long: one look, as of a walk through all folders, is not work in a folder... */
export const CAME_BACK_MS = 5_000
/** ...or what it holds open, and asked something of within this time. */
export const HELD_LATELY_MS = 5 * 60_000
/** Held open without any use: a window left behind, the working directory of a shell. */
const HELD_MS_MIN = 30_000
const HELD_MS_MAX = 30 * 60_000
/** Neither held nor used: looked at less and less, and then no more. */
const LEFT_MS_MIN = 30_000
export const LEFT_MS_MAX = 10 * 60_000
/** Folders polled that nobody holds: a walk leaves hundreds behind. */
export const LEFT_MAX = 8
/** The month's requests are used up: even what is in use waits. */
const SAVING_MS = 60_000
const FAILED_MS = 30_000

export type WatchedFolder = {
  readonly id: number
  /** Since its last listing; infinite when it has none. */
  readonly ageMs: number
  /** Since a program last asked something of it. */
  readonly idleMs: number
  /** From the first to the last thing asked, without a long pause between. */
  readonly usedForMs: number
  readonly holders: number
  /** A window in the foreground shows it. */
  readonly isShown: boolean
  /** Since its last listing that brought a change; infinite when none did. */
  readonly unchangedMs: number
  /** Since its last poll failed; infinite when the last one did not. */
  readonly failedAgoMs: number
  /** LIST requests that one look at it takes. */
  readonly pages: number
}

export type Poll = { readonly id: number; readonly delayMs: number }

/** Why a folder is listed as often as it is. */
export type PollWhy = 'changing' | 'in-use' | 'held' | 'left' | 'saving'

type Cadence = { readonly ageMs: number; readonly why: PollWhy }

/** The age at which the folder is listed anew; undefined: not by itself. */
export function pollAgeMs(folder: WatchedFolder, mode: PollingMode): number | undefined {
  return cadence(folder, mode)?.ageMs
}

function cadence(folder: WatchedFolder, mode: PollingMode): Cadence | undefined {
  if (folder.isShown) return inUse(folder)
  const { idleMs } = folder
  const isHeld = folder.holders > 0
  if (isInUse(folder)) {
    const wanted = inUse(folder)
    if (mode !== 'saving' || wanted.ageMs >= SAVING_MS) return wanted
    return { ageMs: SAVING_MS, why: 'saving' }
  }
  if (mode !== 'normal') return undefined
  if (isHeld) {
    return { ageMs: scaled(folder, clamp(idleMs / 5, HELD_MS_MIN, HELD_MS_MAX)), why: 'held' }
  }
  if (idleMs >= LEFT_MS_MAX) return undefined
  return { ageMs: scaled(folder, Math.max(LEFT_MS_MIN, idleMs / 2)), why: 'left' }
}

/** How many folders are looked at, and how often the one that is looked at most, for a person. */
export type PollPace = {
  readonly folders: number
  readonly everyMs: number
  readonly why: PollWhy
  readonly pages: number
}

/** Undefined: none is listed by itself. */
export function pollPace(
  watched: readonly WatchedFolder[],
  mode: PollingMode,
): PollPace | undefined {
  let pace: PollPace | undefined
  let folders = 0
  for (const folder of looked(watched)) {
    const planned = cadence(folder, mode)
    if (!planned) continue
    folders++
    const isMoreOften = !pace || planned.ageMs < pace.everyMs
    if (isMoreOften) {
      pace = { folders, everyMs: planned.ageMs, why: planned.why, pages: folder.pages }
    }
  }
  return pace && { ...pace, folders }
}

/** The folder that is due next; undefined when nobody looks at any. */
export function nextPoll(folders: readonly WatchedFolder[], mode: PollingMode): Poll | undefined {
  let next: Poll | undefined
  for (const folder of looked(folders)) {
    const dueAgeMs = pollAgeMs(folder, mode)
    if (dueAgeMs === undefined) continue
    const afterFailureMs = FAILED_MS - folder.failedAgoMs
    const delayMs = Math.max(0, dueAgeMs - folder.ageMs, afterFailureMs)
    if (!next || delayMs < next.delayMs) next = { id: folder.id, delayMs }
  }
  return next
}

function isInUse({ idleMs, usedForMs, holders }: WatchedFolder): boolean {
  if (holders > 0) return idleMs < HELD_LATELY_MS
  return idleMs < USED_LATELY_MS && usedForMs >= CAME_BACK_MS
}

function looked(folders: readonly WatchedFolder[]): WatchedFolder[] {
  const isLookedAt = (folder: WatchedFolder) => folder.isShown || folder.holders > 0
  const left = folders.filter((folder) => !isLookedAt(folder))
  left.sort((a, b) => a.idleMs - b.idleMs)
  return [...folders.filter(isLookedAt), ...left.slice(0, LEFT_MAX)]
}

function inUse(folder: WatchedFolder): Cadence {
  const isChanging = folder.unchangedMs < CHANGING_MS
  return isChanging
    ? { ageMs: scaled(folder, AFTER_CHANGE_MS), why: 'changing' }
    : { ageMs: scaled(folder, IN_USE_MS), why: 'in-use' }
}

function scaled(folder: WatchedFolder, ageMs: number): number {
  return ageMs * Math.max(1, folder.pages)
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value))
}
