/**
 * Goal: what a program synced survives lost power, whole; a file that was only closed is old, new
 *       or named as damaged, and never holds bytes that nobody wrote; the engine starts again.
 * Method: random histories, cut at a random turn of the loop; of what was not synced the disk
 *         keeps any part in any order, torn at sectors, and the database a torn part of its log.
 */
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { bytesFor } from './operations.ts'
import { PowerHistory } from './power-history.ts'
import { cutAtEachBoundary, runPowerHistory } from './power-run.ts'
import { Simulation } from './simulation.ts'

const RUNS = Number(process.env.PAIL_CRASH_POWER ?? 500)
const SEED = Number(process.env.PAIL_CRASH_SEED ?? Date.now() % 1_000_000)
const FAILURES_SHOWN = 10
/** Histories of many kinds of operations, with syncs between them, that are cut at each boundary. */
const BOUNDARY_SEEDS = [4, 36, 109]
/** And so many others. */
const BOUNDARY_HISTORIES = Number(process.env.PAIL_CRASH_BOUNDARIES ?? 1)
/** Histories that once went wrong: cut, uploaded, and the record of the upload lost. */
const SEEDS = [2135089865, 1944482428, 41729926, 371320961, 878869188]
const CUTS = 24

describe('Lost power', () => {
  test.each(SEEDS)('takes nothing in the history of seed %i', async (seed) => {
    expect((await runPowerHistory(seed)).problems).toEqual([])
  })

  test('leaves a file that was cut and uploaded readable, whatever is left of the records', async () => {
    await cutOften(async ({ paths, engine }) => {
      expect(await paths.truncate('a', 500)).toBe('ok')
      await engine.flush()
      return 'a'
    })
  })

  test('leaves a file readable that was renamed before the answer to its upload came', async () => {
    await cutOften(async (simulation) => {
      const { paths } = simulation
      expect(await paths.truncate('a', 500)).toBe('ok')
      simulation.setScript([{ operation: 'put', fault: { kind: 'lost-reply' } }])
      await simulation.flushUntil(() => simulation.calls.some((call) => call.startsWith('put')))
      expect(await paths.rename('a', 'b')).toBe('ok')
      expect(await paths.sync('other')).toBe('ok')
      return 'b'
    })
  })

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

describe('Power that goes right before a change or a sync of disk and database', () => {
  const random = new SeededRandom(SEED)
  const others = Array.from({ length: BOUNDARY_HISTORIES }, () =>
    Math.floor(random.next() * 2 ** 31),
  )
  const seeds = [...BOUNDARY_SEEDS, ...others]

  test.each(seeds)('takes nothing, at each of them in the history of seed %i', async (seed) => {
    const { boundaries, failures } = await cutAtEachBoundary(seed)
    console.log(`history ${seed}: ${boundaries} boundaries`)
    expect(failures).toEqual([])
    expect(boundaries).toBeGreaterThan(3)
  })
})

/** Cuts a file of the bucket short by `work`, which says where it is then; and power, each time elsewhere. */
async function cutOften(work: (simulation: Simulation) => Promise<string>): Promise<void> {
  const bytes = bytesFor(1, 9000)
  for (let seed = 1; seed <= CUTS; seed++) {
    const simulation = await Simulation.start({ seed, objects: { a: bytes, other: bytes } })
    try {
      const path = await work(simulation)
      await simulation.cutPower()
      const left = await simulation.paths.read(path)
      expect(Buffer.compare(left, bytes.subarray(0, 500)), `seed ${seed}`).toBe(0)
    } finally {
      await simulation.close()
    }
  }
}

describe('What the history of a disk allows', () => {
  const synced = bytesFor(1, 3000)
  const changed = Uint8Array.from([...synced.subarray(0, 1024), ...bytesFor(2, 1976)])
  const mixed = Uint8Array.from([...synced.subarray(0, 2048), ...changed.subarray(2048)])

  /** `a` is written, perhaps synced, becomes `b`, and is changed in part there. */
  function renamedAndChanged(isSynced: boolean): PowerHistory {
    const history = new PowerHistory()
    const { tree } = history
    history.begin()
    tree.write('a', 0, synced, true)
    history.note('a', undefined, false)
    if (isSynced) history.synced('a')
    const before = history.contentAt('a')
    tree.rename('a', 'b')
    history.note('a', before, false)
    tree.write('b', 1024, changed.subarray(1024), false)
    history.note('b', before, true)
    return history
  }

  test('is a synced file that lost its later name and kept a part of its later change', () => {
    expect(renamedAndChanged(true).verdict('a', mixed)).toBeUndefined()
  })

  test('is not that of a file that nobody synced, nor one with bytes of nobody, nor a shorter one', () => {
    const history = renamedAndChanged(true)
    const strange = mixed.with(2500, 0)
    const verdicts = [
      renamedAndChanged(false).verdict('a', mixed),
      history.verdict('a', strange),
      history.verdict('a', mixed.subarray(0, 2900)),
    ]
    expect(verdicts).toEqual(verdicts.map(() => expect.stringContaining('nobody wrote')))
  })
})
