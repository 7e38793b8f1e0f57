/** When pinned folders are listed anew, and when their fetching rests. Pure. */
import type { PollingMode } from './request-budget.ts'

const LIST_MS = 30 * 60_000
const LIST_ON_CREDIT_MS = 4 * 60 * 60_000
/** Programs that read one file after another leave short pauses: those are no rest. */
export const QUIET_MS = 500
/** A program that reads for hours does not keep a pin from ever getting ready. */
export const REST_MS_MAX = 5_000

/** The age at which a pinned folder is listed anew, when nobody looks at it. */
export function pinListAgeMs(mode: PollingMode): number {
  switch (mode) {
    case 'normal':
      return LIST_MS
    case 'credit':
      return LIST_ON_CREDIT_MS
    case 'saving':
      return Number.POSITIVE_INFINITY
  }
}

/** @returns how long to wait before looking again; 0: fetch now */
export function restMs(now: { sinceReadMs: number; restedMs: number }): number {
  if (now.sinceReadMs >= QUIET_MS || now.restedMs >= REST_MS_MAX) return 0
  return Math.min(QUIET_MS - now.sinceReadMs, REST_MS_MAX - now.restedMs)
}
