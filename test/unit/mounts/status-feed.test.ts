import { describe, expect, test } from 'vitest'
import { STATUS_INTERVAL_MS, StatusFeed } from '../../../engine/mounts/status-feed.ts'
import type { StatusView } from '../../../shared/model.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { syncView } from '../../support/sync-view.ts'

/** Its time also moves by work that takes time. */
class WorkingClock extends FakeClock {
  workedMs = 0

  override monotonicMs(): number {
    return super.monotonicMs() + this.workedMs
  }
}

const STATUS: StatusView = {
  engine: { pid: 1, version: '1', startedMs: 0, dataDir: '/data', residentBytes: 0 },
  mounts: [],
  sync: syncView(),
}

/** @returns how often the status was told within `seconds` of a change every millisecond */
async function toldWithin(seconds: number, workMs: number): Promise<number> {
  const clock = new WorkingClock()
  const feed = new StatusFeed(clock, () => {
    clock.workedMs += workMs
    return STATUS
  })
  let told = 0
  feed.subscribe(() => told++)
  for (let ms = 0; ms < seconds * 1000; ms++) {
    feed.change()
    await clock.advance(1)
  }
  feed.close()
  return told
}

describe('The status feed', () => {
  test('tells at once, and then ten times a second what is quickly made', async () => {
    expect(await toldWithin(3, 0)).toBe(1 + 3 * (1000 / STATUS_INTERVAL_MS))
  })

  test('takes a thirtieth of the time for what is slowly made, and still tells each second', async () => {
    expect(await toldWithin(3, 10), '10 ms each').toBe(1 + 10)
    expect(await toldWithin(3, 200), '200 ms each').toBe(1 + 3)
  })

  test('makes no status when nobody listens', async () => {
    const clock = new FakeClock()
    let made = 0
    const feed = new StatusFeed(clock, () => {
      made++
      return STATUS
    })
    feed.change()
    await clock.advance(1000)
    expect([made, clock.pending]).toEqual([0, 0])
  })
})
