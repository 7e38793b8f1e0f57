/**
 * Goal: a failure that was found once can be looked at again: one seed, one history.
 * Method: the same operations and kills twice; every request to the bucket, in order, must be the same.
 */
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { OBJECTS, OPERATIONS } from './operations.ts'
import { Simulation } from './simulation.ts'

const OPERATION_COUNT = 40

async function traceOf(seed: number): Promise<readonly string[]> {
  const simulation = await Simulation.start({ seed, objects: OBJECTS, capabilities: 'unknown' })
  const dice = new SeededRandom(seed)
  try {
    for (let count = 0; count < OPERATION_COUNT; count++) {
      const operation = OPERATIONS[Math.floor(dice.next() * OPERATIONS.length)]
      if (operation) await simulation.run(operation)
      if (dice.next() < 0.1) await simulation.kill()
      await simulation.clock.advance(Math.floor(dice.next() * 2000))
    }
    await simulation.drain(`seed ${seed}`)
  } finally {
    await simulation.close()
  }
  return simulation.trace
}

describe('A history', () => {
  test('of one seed asks the bucket the same requests in the same order, twice', async () => {
    for (const seed of [1, 2, 3]) {
      const first = await traceOf(seed)
      expect(first.length).toBeGreaterThan(OPERATION_COUNT)
      expect(await traceOf(seed)).toEqual(first)
    }
    expect(await traceOf(4)).not.toEqual(await traceOf(5))
  })
})
