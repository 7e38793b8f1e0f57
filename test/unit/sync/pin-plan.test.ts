import { expect, test } from 'vitest'
import { pinListAgeMs, QUIET_MS, REST_MS_MAX, restMs } from '../../../engine/sync/pin-plan.ts'

test('a pin rests while programs read, and yet comes forward a little', () => {
  expect(restMs({ sinceReadMs: Number.POSITIVE_INFINITY, restedMs: 0 })).toBe(0)
  expect(restMs({ sinceReadMs: QUIET_MS, restedMs: 0 })).toBe(0)
  expect(restMs({ sinceReadMs: 100, restedMs: 0 })).toBe(QUIET_MS - 100)
  expect(restMs({ sinceReadMs: 0, restedMs: REST_MS_MAX })).toBe(0)
  expect(restMs({ sinceReadMs: 0, restedMs: REST_MS_MAX - 1 })).toBe(1)
})

test('pinned folders alone use less than the budget of a month, and nothing of what is not there', () => {
  const looksPerMonth = (30 * 24 * 3600_000) / pinListAgeMs('normal')
  expect(looksPerMonth).toBeLessThan(2_000)
  expect(pinListAgeMs('credit')).toBeGreaterThan(pinListAgeMs('normal'))
  expect(pinListAgeMs('saving')).toBe(Number.POSITIVE_INFINITY)
})
