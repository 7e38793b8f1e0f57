import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RestoreRow } from '../../../engine/store/restore-table.ts'
import {
  archivedSentence,
  archivedState,
  LOOK_MS_MAX,
  LOOK_MS_MIN,
  nextLookMs,
  REFUSED_MS,
} from '../../../engine/sync/restore-plan.ts'

const NOW_MS = 1_800_000_000_000
const HOUR_MS = 3_600_000
const COLD = { etag: '"a"', storageClass: 'GLACIER' }
const WARM = { etag: '"a"', storageClass: null }

const row = (facts: Partial<RestoreRow>): RestoreRow => ({
  ...{ node: 1, etag: '"a"', state: 'restoring', days: 7, tier: undefined },
  ...{ askedMs: NOW_MS, nextMs: NOW_MS, untilMs: undefined, errorCode: undefined },
  ...facts,
})

describe('What an archived file is', () => {
  test('its class says it, until a restore of this very version says more', () => {
    expect(archivedState(WARM, undefined, NOW_MS)).toBeUndefined()
    expect(archivedState(COLD, undefined, NOW_MS)?.state).toBe('archived')
    expect(archivedState(COLD, row({}), NOW_MS)?.state).toBe('restoring')
    expect(archivedState(COLD, row({ etag: '"older"' }), NOW_MS)?.state).toBe('archived')
    expect(archivedState(WARM, row({ etag: '"older"' }), NOW_MS)).toBeUndefined()
  })

  test('a copy can be read up to its last moment, and is archived from then on', () => {
    const copy = row({ state: 'readable', untilMs: NOW_MS + 1 })
    expect(archivedState(COLD, copy, NOW_MS)?.state).toBe('readable')
    expect(archivedState(COLD, copy, NOW_MS + 1)?.state).toBe('archived')
  })

  test('a refused read is believed for an hour where the listing says otherwise', () => {
    const refused = row({ state: 'refused' })
    expect(archivedState(WARM, refused, NOW_MS + REFUSED_MS - 1)?.state).toBe('archived')
    expect(archivedState(WARM, refused, NOW_MS + REFUSED_MS)).toBeUndefined()
  })

  test('each state is told in a sentence with what to do, or how long it takes', () => {
    const words = (facts: Partial<RestoreRow>) => {
      const state = archivedState(COLD, row(facts), NOW_MS)
      return state ? archivedSentence(state, 'up to 12 h') : ''
    }
    expect(words({ etag: 'other' })).toMatch(/Restore it.*up to 12 h\.$/)
    expect(words({ state: 'asked' })).toContain('as soon as')
    expect(words({ state: 'restoring' })).toContain('up to 12 h')
    expect(words({ state: 'readable', untilMs: NOW_MS + HOUR_MS })).toContain('2027-01-15')
    expect(words({ state: 'denied', errorCode: 'auth/denied' })).toContain('policy refuses it')
  })
})

describe('The looks at a restore', () => {
  test('are never more than one a minute, and never more than half an hour apart for one file', () => {
    fc.assert(
      fc.property(fc.integer({ min: -HOUR_MS, max: 72 * HOUR_MS }), (sinceAskedMs) => {
        const waitMs = nextLookMs({ sinceAskedMs, waiting: 1, mode: 'normal' })
        expect(waitMs).toBeGreaterThanOrEqual(LOOK_MS_MIN)
        expect(waitMs).toBeLessThanOrEqual(LOOK_MS_MAX)
      }),
    )
  })

  test('at a restore of twelve hours are some forty', () => {
    let looks = 0
    for (let sinceAskedMs = LOOK_MS_MIN; sinceAskedMs < 12 * HOUR_MS; looks++) {
      sinceAskedMs += nextLookMs({ sinceAskedMs, waiting: 1, mode: 'normal' })
    }
    expect(looks).toBeGreaterThan(20)
    expect(looks).toBeLessThan(50)
  })

  test('at a thousand restores are as many in an hour as at a few, and fewer when saving', () => {
    const facts = { sinceAskedMs: HOUR_MS, waiting: 1_000 }
    const waitMs = nextLookMs({ ...facts, mode: 'normal' })
    expect((1_000 * HOUR_MS) / waitMs).toBeLessThanOrEqual(240)
    expect(nextLookMs({ ...facts, mode: 'saving' })).toBeGreaterThan(2 * waitMs)
  })
})
