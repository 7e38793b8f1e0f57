import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../../engine/base/clock.ts'
import { isRetried, nextDelayMs, RETRY_BASE_MS, RETRY_CAP_MS } from '../../../engine/sync/retry.ts'
import { ERRORS, type ErrorCode, PailError } from '../../../shared/errors.ts'

const codes = Object.keys(ERRORS) as ErrorCode[]

describe('Retry', () => {
  test('the delay lies anywhere in a window that doubles up to its cap', () => {
    const random = fc.integer({ min: 0, max: 2 ** 31 })
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000 }), random, (attempt, seed) => {
        const delayMs = nextDelayMs(attempt, new SeededRandom(seed))
        expect(delayMs).toBeGreaterThanOrEqual(0)
        expect(delayMs).toBeLessThanOrEqual(
          Math.min(RETRY_CAP_MS, RETRY_BASE_MS * 2 ** Math.min(attempt, 40)),
        )
      }),
    )
    const almostOne = { next: () => 0.999999 }
    expect(nextDelayMs(0, almostOne)).toBeCloseTo(200, 0)
    expect(nextDelayMs(3, almostOne)).toBeCloseTo(1600, 0)
    expect(nextDelayMs(100, almostOne)).toBeCloseTo(30_000, -1)
    expect(nextDelayMs(5, { next: () => 0 })).toBe(0)
  })

  test('the error table alone says what is tried again', () => {
    for (const code of codes) {
      expect(isRetried(new PailError(code, ''))).toBe(ERRORS[code].retry !== 'never')
    }
  })
})
