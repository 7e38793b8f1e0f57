/**
 * What an archived file is now, and when a restore is looked at next. Pure.
 */
import { isArchiveClass, type RestoreTier } from '../../shared/archive.ts'
import { ERRORS, isErrorCode } from '../../shared/errors.ts'
import type { RestoreRow } from '../store/restore-table.ts'
import type { PollingMode } from './request-budget.ts'

export type Archived =
  | { readonly state: 'archived'; readonly errorCode?: string }
  | {
      readonly state: 'restoring'
      readonly isSent: boolean
      readonly tier: RestoreTier | undefined
    }
  | { readonly state: 'readable'; readonly untilMs: number | undefined }

/** A refused read is believed for so long; a copy that another program asked for may be there then. */
export const REFUSED_MS = 3_600_000

/** @returns undefined for a file that is in no archive */
export function archivedState(
  version: { readonly etag: string | null; readonly storageClass: string | null },
  row: RestoreRow | undefined,
  nowMs: number,
): Archived | undefined {
  const listed = isArchiveClass(version.storageClass) ? { state: 'archived' as const } : undefined
  if (!row || row.etag !== version.etag) return listed
  switch (row.state) {
    case 'asked':
    case 'restoring':
      return { state: 'restoring', isSent: row.state === 'restoring', tier: row.tier }
    case 'readable': {
      const { untilMs } = row
      return untilMs !== undefined && untilMs <= nowMs ? listed : { state: 'readable', untilMs }
    }
    case 'denied':
      return { state: 'archived', ...(row.errorCode ? { errorCode: row.errorCode } : {}) }
    case 'refused':
      return row.askedMs + REFUSED_MS > nowMs ? { state: 'archived' } : listed
  }
}

/** What a person is told of it. @param wait  `up to 12 h` */
export function archivedSentence(archived: Archived, wait: string): string {
  switch (archived.state) {
    case 'archived': {
      const { errorCode } = archived
      if (errorCode !== undefined && isErrorCode(errorCode)) {
        return `It is archived, and restoring it was refused. ${ERRORS[errorCode].remedy}`
      }
      return `It is archived. Restore it to read it: that takes ${wait}.`
    }
    case 'restoring':
      return archived.isSent
        ? `It is being restored, which takes ${wait}. Pail tells when it can be read.`
        : 'It will be restored: the bucket is asked as soon as it can be reached.'
    case 'readable':
      return archived.untilMs === undefined
        ? 'It can be read.'
        : `A restored copy of it can be read until ${dayOf(archived.untilMs)}.`
  }
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 'yyyy-mm-dd'.length)
}

/** The first look: what takes hours is not over before, and what takes minutes is soon after. */
export const LOOK_MS_MIN = 60_000
export const LOOK_MS_MAX = 30 * 60_000
/** The wait grows with what has passed: twelve hours are about forty looks. */
const LOOK_SHARE = 1 / 4
/** Many restores share their looks: so far apart, on average, is one from the next. */
export const LOOK_SPACING_MS = 15_000
/** With the month's requests used up. */
const SAVING_FACTOR = 4

/**
 * How long after a look that found nothing new comes the next.
 * @param waiting  restores that are under way in the bucket
 */
export function nextLookMs(facts: {
  readonly sinceAskedMs: number
  readonly waiting: number
  readonly mode: PollingMode
}): number {
  const grown = Math.max(0, facts.sinceAskedMs) * LOOK_SHARE
  const own = Math.min(LOOK_MS_MAX, Math.max(LOOK_MS_MIN, grown))
  const shared = Math.max(own, facts.waiting * LOOK_SPACING_MS)
  return facts.mode === 'saving' ? shared * SAVING_FACTOR : shared
}
