/** Restores of archived files over days, on a clock that the test moves. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import { BareEngine } from '../support/bare-engine.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { Paths } from '../support/paths.ts'

const HOUR_MS = 3_600_000
const COLD = { storageClass: 'GLACIER' }
const WEEK = { days: 7, tier: undefined }

async function start(keys: readonly string[]) {
  const clock = new FakeClock(1_800_000_000_000, 12)
  const bucket = new MemoryObjectStore({ clock })
  for (const key of keys) bucket.putDirect(key, `bytes of ${key}`, COLD)
  const engine = await BareEngine.start({ store: bucket, clock, random: new SeededRandom(1) })
  let last = engine
  onTestFinished(() => last.close())
  const goOnWith = (next: BareEngine) => {
    last = next
    return next
  }
  const paths = new Paths(engine, (work) => clock.until(work))
  const rowOf = async (path: string) => engine.volume.tree.node(await clock.until(paths.find(path)))
  return { clock, bucket, engine, paths, rowOf, goOnWith }
}

describe('A restore', () => {
  test('is asked for once, looked at now and then, and over when the copy goes', async () => {
    const { clock, bucket, engine, rowOf } = await start(['a'])
    const { restores } = engine.volume
    const row = await rowOf('a')
    expect(restores.stateOf(row)?.state).toBe('archived')
    bucket.resetRequests()
    await clock.until(restores.ask([row], WEEK))
    await clock.advance(12 * HOUR_MS)
    const { restore, head = 0, get } = bucket.requests()
    expect({ restore, get }).toEqual({ restore: 1, get: undefined })
    expect(head).toBeGreaterThan(10)
    expect(head).toBeLessThan(50)
    bucket.finishRestore('a')
    await clock.advance(HOUR_MS)
    expect(restores.stateOf(row)?.state).toBe('readable')
    bucket.resetRequests()
    await clock.advance(7 * 24 * HOUR_MS)
    expect(restores.stateOf(row)?.state).toBe('archived')
    expect(bucket.requests()).toEqual({})
  })

  test('of many files is told of all of them soon after the first is found', async () => {
    const keys = Array.from({ length: 100 }, (_, at) => `d/${at}`)
    const { clock, bucket, engine, rowOf } = await start(keys)
    const { restores } = engine.volume
    for (const key of keys) await rowOf(key)
    const wished = await clock.until(restores.ask([await rowOf('d')], WEEK))
    expect(wished.asked).toBe(100)
    await clock.advance(5 * HOUR_MS)
    expect(bucket.requests().restore).toBe(100)
    const looksWhileWaiting = bucket.requests().head ?? 0
    expect(looksWhileWaiting).toBeLessThan(5 * 240)
    for (const key of keys) bucket.finishRestore(key)
    await clock.advance(HOUR_MS / 2)
    const states = new Set(
      await Promise.all(keys.map(async (key) => restores.stateOf(await rowOf(key))?.state)),
    )
    expect([...states]).toEqual(['readable'])
  })

  test('of which the bucket knows nothing any more is over, and can be asked for again', async () => {
    const { clock, bucket, engine, rowOf } = await start(['a'])
    const { restores } = engine.volume
    const row = await rowOf('a')
    await clock.until(restores.ask([row], WEEK))
    await clock.advance(HOUR_MS)
    expect(restores.stateOf(row)?.state).toBe('restoring')
    bucket.forgetRestore('a')
    await clock.advance(2 * HOUR_MS)
    expect(restores.stateOf(row)?.state).toBe('archived')
    const wished = await clock.until(restores.ask([row], WEEK))
    expect(wished.asked).toBe(1)
  })

  test('that could not be sent goes out when the network is back', async () => {
    const { clock, bucket, engine, rowOf } = await start(['a'])
    const { restores, connectivity } = engine.volume
    const row = await rowOf('a')
    connectivity.workOffline(true)
    await clock.until(restores.ask([row], WEEK))
    await clock.advance(HOUR_MS)
    expect(bucket.requests().restore).toBeUndefined()
    expect(restores.stateOf(row)).toMatchObject({ state: 'restoring', isSent: false })
    connectivity.workOffline(false)
    await clock.advance(5_000)
    expect(bucket.requests().restore).toBe(1)
    expect(restores.stateOf(row)).toMatchObject({ isSent: true })
  })

  test('survives a crash between the wish and the request', async () => {
    const { clock, bucket, engine, rowOf, goOnWith } = await start(['a'])
    const row = await rowOf('a')
    await clock.until(engine.volume.restores.ask([row], WEEK))
    const next = goOnWith(await engine.killed())
    await clock.advance(HOUR_MS)
    expect(bucket.requests().restore).toBeGreaterThan(0)
    expect(next.volume.restores.stateOf(row)?.state).toBe('restoring')
  })
})

describe('A renamed folder with an archived file that was not known to be one', () => {
  test('loses nothing, says why it waits, and goes on when the file can be read', async () => {
    const { clock, bucket, engine, paths, rowOf } = await start(['d/a'])
    bucket.putDirect('d/b', 'warm')
    expect(await paths.rename('d', 'e')).toBe('ok')
    await engine.flush()
    const { tree, restores } = engine.volume
    const [failed] = tree.journal.failed(tree.volume, 10)
    expect(failed?.errorCode).toBe('s3/archived')
    expect(bucket.keys()).toContain('d/a')
    const told = { cause: 's3/archived', entries: [{ path: 'd', pathNow: 'e' }] }
    expect(engine.lists.attention(undefined, 10).entries).toMatchObject([told])
    expect(await clock.until(restores.ask([await rowOf('e')], WEEK))).toMatchObject({ asked: 1 })
    await clock.advance(HOUR_MS)
    bucket.finishRestore('d/a')
    await clock.advance(HOUR_MS)
    await engine.flush()
    expect(bucket.keys()).toEqual(['e/a', 'e/b'])
    expect(restores.stateOf(await rowOf('e/a'))).toBeUndefined()
  })
})
