/**
 * Goal: whatever programs do, whatever fails, and whenever the engine is killed, the folder and
 *       the bucket hold what a plain file system would hold.
 * Method: random histories against a reference tree; after each history everything is flushed and
 *         folder and bucket are compared byte by byte. A failing seed is printed and shrunk.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { historyOf, runHistory } from './history.ts'

const RUNS = Number(process.env.PAIL_MODEL_RUNS ?? 120)
const SEED = Number(process.env.PAIL_MODEL_SEED ?? Date.now() % 1_000_000)

describe('A mount over a bucket', () => {
  test('holds what a plain file system would hold', async () => {
    console.log(`model seed ${SEED}, ${RUNS} runs`)
    await fc.assert(
      fc.asyncProperty(historyOf('calm'), (history) => runHistory(history)),
      { seed: SEED, numRuns: RUNS, endOnFailure: false },
    )
    expect(RUNS).toBeGreaterThan(0)
  })

  test('holds it when the engine is killed at any moment, and when requests fail', async () => {
    console.log(`model seed ${SEED + 1}, ${RUNS} runs`)
    await fc.assert(
      fc.asyncProperty(historyOf('stormy'), (history) => runHistory(history)),
      { seed: SEED + 1, numRuns: RUNS, endOnFailure: false },
    )
    expect(RUNS).toBeGreaterThan(0)
  })
})
