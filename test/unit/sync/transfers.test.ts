import { describe, expect, test } from 'vitest'
import { Transfers } from '../../../engine/sync/transfers.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const ROW = { seq: 1, node: 7, key: 'runs/a.h5', bytes: 16_000_000 }

function begun() {
  const clock = new FakeClock()
  const told: number[] = []
  const transfers = new Transfers(clock, () => told.push(transfers.bySeq(1)?.doneBytes ?? -1))
  transfers.begin(ROW)
  const sent = (doneBytes: number) => transfers.progress(1, { doneBytes, totalBytes: ROW.bytes })
  return { clock, told, transfers, sent }
}

describe('A transfer', () => {
  test('moves with every piece, and tells of it four times a second', async () => {
    const { clock, told, transfers, sent } = begun()
    for (let at = 1; at <= 40; at++) {
      await clock.advance(50)
      sent(at * 100_000)
      expect(transfers.bySeq(1)?.doneBytes).toBe(at * 100_000)
    }
    expect(told.length).toBeGreaterThanOrEqual(7)
    expect(told.length).toBeLessThanOrEqual(9)
  })

  test('tells of each part at once', async () => {
    const { told, transfers } = begun()
    for (const partsDone of [1, 2, 3]) {
      transfers.progress(1, { doneBytes: partsDone, totalBytes: 9, partsDone, partsTotal: 3 })
    }
    expect(told).toEqual([1, 2, 3])
  })

  test('has no rate before a second is over: at first the system swallows what comes', async () => {
    const { clock, transfers, sent } = begun()
    await clock.advance(5)
    sent(2_500_000)
    expect(transfers.bySeq(1)?.bytesPerSecond).toBe(0)
    await clock.advance(1_995)
    sent(4_000_000)
    expect(transfers.bySeq(1)?.bytesPerSecond).toBe(2_000_000)
    await clock.advance(1_000)
    sent(4_100_000)
    expect(transfers.bySeq(1)?.bytesPerSecond).toBe(2_000_000)
    await clock.advance(2_000)
    sent(4_300_000)
    expect(transfers.bySeq(1)?.bytesPerSecond).toBe(100_000)
  })
})
