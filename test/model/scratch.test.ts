/**
 * Goal: the objects with which Pail finds out what a server can do leave nothing in the bucket, and
 *       not more than a few of them in the journal, however often that is tried.
 * Method: a file waits for its upload while the network fails in one way for half an hour.
 */
import { describe, expect, onTestFinished, test } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { SCRATCHES_MAX } from '../../engine/mounts/scratch.ts'
import {
  type Fault,
  FlakyObjectStore,
  type ScriptedFault,
} from '../../engine/s3/flaky-object-store.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import { BareEngine } from '../support/bare-engine.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { Paths } from '../support/paths.ts'

const A_MINUTE_MS = 60_000
const MINUTES = 30

/** A file is saved on a server of which nothing is known, and on which all that changes it meets `fault`. */
function saved(fault: Fault) {
  const operations = ['put', 'createMultipart', 'delete', 'deleteBatch'] as const
  return savedOn(operations.map((operation) => ({ operation, fault })))
}

async function savedOn(script: readonly ScriptedFault[]) {
  const clock = new FakeClock(1_800_000_000_000, 12)
  const random = new SeededRandom(1)
  const bucket = new MemoryObjectStore({ clock })
  const store = new FlakyObjectStore(bucket, { clock, random })
  let engine = await BareEngine.start({ store, clock, random })
  onTestFinished(() => engine.close())
  const paths = new Paths(engine, (work) => clock.until(work))
  store.setScript(script)
  expect(await paths.write('file', 0, Buffer.from('content'), true)).toBe('ok')
  const rows = () => {
    const { tree } = engine.volume
    const all = tree.journal.scratchDeletions(tree.volume, '')
    return { all: all.length, unused: all.filter((row) => !tree.isRunning(row)).length }
  }
  const honoured = () => {
    const [row] = engine.stores.database.all(
      "SELECT value FROM endpoint_fact WHERE name = 'capabilities'",
    )
    return JSON.parse(String(row?.value))
  }
  const restart = async () => {
    engine = await engine.killed()
  }
  const flush = () => engine.flush()
  return { clock, bucket, store, rows, honoured, restart, flush }
}

function triesOf(store: FlakyObjectStore): number {
  return store.calls.filter((call) => /^(put|delete) \.pail-probe-/.test(call)).length
}

describe('What is made to find out what a server can do', () => {
  test('is not in the journal when no server was reached', async () => {
    const world = await saved({ kind: 'error', code: 'net/unreachable' })
    for (let minute = 0; minute < MINUTES; minute++) {
      await world.clock.advance(A_MINUTE_MS)
      const { all, unused } = world.rows()
      expect(unused).toBe(0)
      expect(all).toBeLessThanOrEqual(1)
    }
    expect(triesOf(world.store)).toBeGreaterThan(10)
  })

  test.for<Fault>([
    { kind: 'lost-reply', code: 'net/reset' },
    { kind: 'error', code: 'net/reset' },
    { kind: 'error', code: 's3/busy' },
    { kind: 'hang' },
  ])(
    'is in the journal a few times at most, however often it is tried ($kind $code)',
    async (fault) => {
      const world = await saved(fault)
      let most = 0
      for (let minute = 0; minute < MINUTES; minute++) {
        await world.clock.advance(A_MINUTE_MS)
        most = Math.max(most, world.rows().all)
        if (minute === MINUTES / 2) await world.restart()
      }
      expect(most).toBeGreaterThan(0)
      expect(most).toBeLessThanOrEqual(SCRATCHES_MAX)
      expect(triesOf(world.store)).toBeGreaterThan(5)
    },
  )

  test('is not taken for an answer by the next try, when it was left', async () => {
    const world = await savedOn([
      { operation: 'put', nth: 2, fault: { kind: 'lost-reply', code: 'net/reset' } },
      { operation: 'delete', nth: 1, fault: { kind: 'error', code: 'net/reset' } },
    ])
    expect((await world.flush()).files).toBe(0)
    expect(world.honoured()).toEqual({
      conditionalPut: true,
      conditionalComplete: true,
      uploadPartCopy: true,
      etagIsMd5: true,
    })
  })

  test('leaves the bucket when the server answers again, and the file is stored', async () => {
    const world = await saved({ kind: 'lost-reply', code: 'net/reset' })
    await world.clock.advance(10 * A_MINUTE_MS)
    world.store.setScript([])
    expect((await world.flush()).files).toBe(0)
    await world.clock.advance(A_MINUTE_MS)
    expect(world.bucket.keys()).toEqual(['file'])
    expect(world.bucket.openUploads()).toBe(0)
    expect(world.rows().all).toBe(0)
  })
})
