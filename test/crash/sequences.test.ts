/**
 * Goal: whatever two or three operations follow each other, and wherever the engine is killed, what
 *       was acknowledged is there after the restart and reaches the bucket, and nothing else does.
 * Method: all sequences of two operations on a small namespace, and a sample of three, each killed
 *         after every operation, and after the last one alone (bounded exhaustive, as CrashMonkey).
 */
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { allPairs, allThrees, failuresOf, sampleOf } from './sequences.ts'

const THREES = Number(process.env.PAIL_CRASH_THREES ?? 100)
const SEED = Number(process.env.PAIL_CRASH_SEED ?? Date.now() % 1_000_000)

describe('Short sequences of operations with a kill after each', () => {
  test('of two operations lose nothing and leave nothing behind', async () => {
    expect(await failuresOf(allPairs())).toEqual([])
  })

  test('of three operations lose nothing and leave nothing behind', async () => {
    console.log(`sequences seed ${SEED}, ${THREES} of three operations`)
    const sample = sampleOf(allThrees(), THREES, new SeededRandom(SEED))
    expect(await failuresOf(sample)).toEqual([])
  })
})
