/**
 * Goal: whatever programs do, whatever fails, and whenever the engine is killed, the folder and
 *       the bucket hold what a plain file system would hold.
 * Method: random histories against a reference tree; after each history everything is flushed and
 *         folder and bucket are compared byte by byte. A failing seed is printed and shrunk.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { historyOf, type Weather } from './histories.ts'
import { runHistory } from './history.ts'

const RUNS = Number(process.env.PAIL_MODEL_RUNS ?? 120)
const SEED = Number(process.env.PAIL_MODEL_SEED ?? Date.now() % 1_000_000)
/** In the hardest weathers a run repeats known histories; `npm run soak` looks for new ones. */
const KNOWN_SEED = Number(process.env.PAIL_MODEL_SEED ?? 900_000)

async function holds(weather: Weather, seed: number): Promise<void> {
  console.log(`model seed ${seed}, ${RUNS} runs`)
  await fc.assert(
    fc.asyncProperty(historyOf(weather), (history) => runHistory(history)),
    { seed, numRuns: RUNS, endOnFailure: false },
  )
  expect(RUNS).toBeGreaterThan(0)
}

describe('A mount over a bucket', () => {
  test('holds what a plain file system would hold', () => holds('calm', SEED))

  test('holds it when the engine is killed at any moment, and when requests fail', () =>
    holds('stormy', SEED + 1))

  test('holds it when programs act between the requests of one change', () =>
    holds('slow', KNOWN_SEED + 1))

  test('holds it when the bucket does what it is asked for, and the answers are lost', () =>
    holds('lossy', KNOWN_SEED + 2))
})
