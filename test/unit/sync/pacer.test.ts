import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  CONCURRENCY_MAX,
  CONCURRENCY_MIN,
  CONCURRENCY_START,
  FIRST_PACE,
  Pacer,
  paceAfterBusy,
  paceAfterSuccess,
} from '../../../engine/sync/pacer.ts'

describe('Pacer', () => {
  test('a hundred busy replies of one round trip halve the concurrency once', () => {
    const pacer = new Pacer()
    const together = Array.from({ length: 100 }, () => ({ epoch: pacer.epoch }))
    for (const request of together) pacer.noteBusy(request)
    expect(pacer.limit).toBe(CONCURRENCY_START / 2)
    pacer.noteBusy({ epoch: pacer.epoch })
    expect(pacer.limit).toBe(CONCURRENCY_START / 4)
  })

  test('a window of successes under load earns one slot, idle successes earn none', () => {
    const pacer = new Pacer()
    for (let i = 0; i < CONCURRENCY_START; i++) pacer.noteSuccess({ epoch: 0, isFull: true })
    expect(pacer.limit).toBe(CONCURRENCY_START + 1)
    for (let i = 0; i < 1000; i++) pacer.noteSuccess({ epoch: 0, isFull: false })
    expect(pacer.limit).toBe(CONCURRENCY_START + 1)
  })

  test('successes of requests that began before a halving do not raise the new limit', () => {
    const before = { epoch: FIRST_PACE.epoch, isFull: true }
    let pace = paceAfterBusy(FIRST_PACE, before)
    for (let i = 0; i < 100; i++) pace = paceAfterSuccess(pace, before)
    expect(pace.limit).toBe(CONCURRENCY_START / 2)
  })

  test('the limit stays within its bounds in every history', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ isBusy: fc.boolean(), age: fc.nat(2) }), { maxLength: 2000 }),
        (events) => {
          const pacer = new Pacer()
          for (const { isBusy, age } of events) {
            const before = pacer.limit
            const request = { epoch: pacer.epoch - age, isFull: true }
            if (isBusy) pacer.noteBusy(request)
            else pacer.noteSuccess(request)
            expect(pacer.limit).toBeGreaterThanOrEqual(CONCURRENCY_MIN)
            expect(pacer.limit).toBeLessThanOrEqual(CONCURRENCY_MAX)
            expect(pacer.limit - before).toBeLessThanOrEqual(1)
            if (age > 0) expect(pacer.limit).toBe(before)
          }
        },
      ),
    )
    const pacer = new Pacer()
    for (let i = 0; i < 10_000; i++) pacer.noteSuccess({ epoch: 0, isFull: true })
    expect(pacer.limit).toBe(CONCURRENCY_MAX)
  })
})
