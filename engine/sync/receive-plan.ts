/**
 * What is done next about a folder that receives: look, fetch, or tell. Pure.
 *
 * Keeps: a batch is told once, when everything of it is here, or could not be had, and nothing more
 *        came for a while.
 */
import type { PollingMode } from './request-budget.ts'

/** How old the listing of a receive folder may become. One LIST tells of a thousand files. */
const LIST_AGE_MS: Readonly<Record<PollingMode, number>> = {
  normal: 15_000,
  credit: 60_000,
  saving: 600_000,
}

export type ReceiveFacts = {
  /** Since the last complete listing; undefined: none yet. */
  readonly listedAgoMs: number | undefined
  readonly polling: PollingMode
  readonly isOnline: boolean
  /** Files of the open batch, and how many of them are still to be fetched. */
  readonly files: number
  readonly missing: number
  /** Since the last file arrived. */
  readonly quietForMs: number
  readonly quietMs: number
}

export type ReceiveStep =
  | { readonly kind: 'list' | 'fetch' | 'tell' }
  | { readonly kind: 'wait'; readonly delayMs: number }

export function planReceive(facts: ReceiveFacts): ReceiveStep {
  if (facts.missing > 0 && facts.isOnline) return { kind: 'fetch' }
  const ageMs = facts.listedAgoMs ?? Number.POSITIVE_INFINITY
  const limitMs = LIST_AGE_MS[facts.polling]
  if (facts.isOnline && ageMs >= limitMs) return { kind: 'list' }
  const toListMs = facts.isOnline ? limitMs - ageMs : OFFLINE_LOOK_MS
  if (facts.files === 0) return { kind: 'wait', delayMs: toListMs }
  if (facts.missing > 0) return { kind: 'wait', delayMs: toListMs }
  const toTellMs = facts.quietMs - facts.quietForMs
  return toTellMs <= 0 ? { kind: 'tell' } : { kind: 'wait', delayMs: Math.min(toTellMs, toListMs) }
}

/** Without network there is nothing to look at: something else wakes the loop. */
const OFFLINE_LOOK_MS = 30_000

/** The newest first: what somebody waits for is most often what was made last. */
export function newestFirst<T extends { readonly mtime: bigint; readonly id: number }>(
  rows: readonly T[],
): T[] {
  return [...rows].sort((a, b) => (a.mtime === b.mtime ? b.id - a.id : a.mtime < b.mtime ? 1 : -1))
}
