/**
 * Goal: no acknowledged write vanishes, whoever else works on the same bucket meanwhile: it is the
 *       file, a conflict copy, or was replaced by somebody who had seen it.
 * Method: random histories of two engines and a plain S3 client, with offline times and kills,
 *         judged in the end by the bucket's content. A failing seed is printed and shrunk.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runSharedHistory, type SharedStep, sharedHistory } from './shared-bucket.ts'

const RUNS = Number(process.env.PAIL_SHARED_RUNS ?? 80)
/** The same histories each time; `npm run soak` looks for new ones. */
const SEED = Number(process.env.PAIL_MODEL_SEED ?? 713_631)

/** Histories that once went wrong, shrunk. */
const HISTORIES: ReadonlyArray<readonly [string, readonly SharedStep[]]> = [
  [
    'an upload of another client was copied over ours when its folder was renamed here',
    [
      { who: 1, op: 'write', path: 'd/b', sizeBytes: 20 },
      { op: 'put', path: 'd/b', sizeBytes: 20 },
      { who: 1, op: 'rename', path: 'd', to: 'e' },
    ],
  ],
  [
    'a rename took a newer version along, and a change made before replaced it',
    [
      { who: 0, op: 'write', path: 'd/a', sizeBytes: 5000 },
      { who: 1, op: 'rename', path: 'd', to: 'e' },
      { who: 1, op: 'write', path: 'e/a', sizeBytes: 0 },
    ],
  ],
  [
    'a file that left a folder which was renamed elsewhere hid what is new under the old name',
    [
      { who: 0, op: 'rename', path: 'd/a', to: 'd/b' },
      { who: 1, op: 'look', path: 'd' },
      { op: 'wait', ms: 4000 },
      { who: 0, op: 'write', path: 'd/b', sizeBytes: 0 },
      { who: 1, op: 'rename', path: 'd', to: 'f' },
    ],
  ],
  [
    'a new file never left because the one that had its name was removed by another client',
    [
      { who: 1, op: 'rename', path: 'a', to: 'd/b' },
      { who: 1, op: 'append', path: 'd/b' },
      { op: 'delete', path: 'a' },
      { who: 1, op: 'write', path: 'a', sizeBytes: 20 },
    ],
  ],
  [
    'a rename over a file that another client removed was tried for ever',
    [
      { op: 'wait', ms: 100 },
      { op: 'put', path: 'd/b', sizeBytes: 1_100_000 },
      { who: 0, op: 'rename', path: 'a', to: 'd/a' },
      { op: 'delete', path: 'd/b' },
      { who: 0, op: 'append', path: 'a' },
      { op: 'delete', path: 'd/a' },
    ],
  ],
  [
    'a file that was renamed over another and changed in part was tried for ever without its object',
    [
      { who: 0, op: 'look', path: 'd' },
      { who: 0, op: 'offline' },
      { who: 0, op: 'rename', path: 'a', to: 'd/a' },
      { op: 'delete', path: 'a' },
      { who: 0, op: 'append', path: 'd/a' },
    ],
  ],
]

describe('Two computers and a plain client on one bucket', () => {
  test('lose no acknowledged write', async () => {
    console.log(`shared bucket seed ${SEED}, ${RUNS} runs`)
    await fc.assert(
      fc.asyncProperty(sharedHistory, (history) => runSharedHistory(history)),
      { seed: SEED, numRuns: RUNS, endOnFailure: false },
    )
    expect(RUNS).toBeGreaterThan(0)
  })

  test.each(HISTORIES)('regression: %s', async (_, steps) => {
    await runSharedHistory({ seed: 1, steps })
  })
})
