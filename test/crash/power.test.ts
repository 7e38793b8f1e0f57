/**
 * Goal: what a program synced survives lost power, whole; a file that was only closed is old, new
 *       or named as damaged, and never holds bytes that nobody wrote; the engine starts again.
 * Method: random histories, cut at a random turn of the loop; of what was not synced the disk
 *         keeps any part in any order, torn at sectors, and the database a torn part of its log.
 */
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { runPowerHistory } from './power-run.ts'

const RUNS = Number(process.env.PAIL_CRASH_POWER ?? 500)
const SEED = Number(process.env.PAIL_CRASH_SEED ?? Date.now() % 1_000_000)
const FAILURES_SHOWN = 10

describe('Lost power', () => {
  test('takes nothing that was synced, and never leaves bytes that nobody wrote', async () => {
    console.log(`power seed ${SEED}, ${RUNS} histories`)
    const seeds = new SeededRandom(SEED)
    const failures: string[] = []
    for (let run = 0; run < RUNS && failures.length < FAILURES_SHOWN; run++) {
      const seed = Math.floor(seeds.next() * 2 ** 31)
      const { problems, operations } = await runPowerHistory(seed)
      if (problems.length > 0) failures.push(`seed ${seed} [${operations.join('; ')}]: ${problems}`)
    }
    expect(failures).toEqual([])
  })
})
