import { describe, expect, test } from 'vitest'
import { silentLog } from '../../../engine/base/log.ts'
import { TICK_MS, WakeWatch } from '../../../engine/mounts/wake-watch.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const HOUR_MS = 3600_000

function setUp() {
  const clock = new FakeClock()
  const world = { addresses: 'wlan0 10.0.0.7', wakes: 0 }
  const watch = new WakeWatch({
    clock,
    log: silentLog,
    addresses: () => world.addresses,
    onDidWake: () => {
      world.wakes++
    },
  })
  return { clock, world, watch }
}

describe('The watch over sleep', () => {
  test('eight hours of sleep are noticed within one tick, once', async () => {
    const { clock, world } = setUp()
    await clock.advance(HOUR_MS)
    expect(world.wakes, 'time that passes is no sleep').toBe(0)
    clock.jumpWall(8 * HOUR_MS)
    await clock.advance(TICK_MS)
    expect(world.wakes).toBe(1)
    await clock.advance(HOUR_MS)
    expect(world.wakes).toBe(1)
  })

  test('a clock set by a day or by minutes, ahead or back, is noticed; a correction is not', async () => {
    for (const jumpMs of [24 * HOUR_MS, -24 * HOUR_MS, 16 * 60_000, -16 * 60_000]) {
      const { clock, world } = setUp()
      clock.jumpWall(jumpMs)
      await clock.advance(TICK_MS)
      expect(world.wakes, String(jumpMs)).toBe(1)
    }
    const { clock, world } = setUp()
    clock.jumpWall(500)
    await clock.advance(TICK_MS)
    expect(world.wakes).toBe(0)
  })

  test('another network is noticed, also when the way out is the same', async () => {
    const { clock, world, watch } = setUp()
    world.addresses = 'tun0 172.16.0.2, wlan0 10.0.0.7'
    await clock.advance(TICK_MS)
    expect(world.wakes).toBe(1)
    watch.close()
    world.addresses = ''
    await clock.advance(HOUR_MS)
    expect([world.wakes, clock.pending]).toEqual([1, 0])
  })
})
