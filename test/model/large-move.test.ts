/**
 * Goal: a copy in parts never leaves an upload open for which the bucket's owner pays.
 * Method: a rename of an object that is believed to be larger than one copy may be, over a bucket
 *         that opens uploads and loses the answers, with a kill in between.
 */
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { FlakyObjectStore, type ScriptedFault } from '../../engine/s3/flaky-object-store.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import { BareEngine } from '../support/bare-engine.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { Paths } from '../support/paths.ts'

const SIX_GIB = 6 * 1024 ** 3
const AN_HOUR_MS = 3_600_000

async function renamed(script: readonly ScriptedFault[]) {
  const clock = new FakeClock(1_800_000_000_000, 12)
  const bucket = new MemoryObjectStore({ clock, conditionalPut: true, uploadPartCopy: true })
  bucket.putDirect('folder/large', 'not as large as it is believed to be')
  const random = new SeededRandom(3)
  const store = new FlakyObjectStore(bucket, { clock, random })
  const engine = await BareEngine.start({ store, clock, random })
  const paths = new Paths(engine, (work) => clock.until(work))
  await paths.write('other', 0, new TextEncoder().encode('the probe is over'), true)
  await engine.flush()
  await paths.names('folder')
  const { tree } = engine.volume
  const [node] = tree.nodes.byRemoteKey(tree.volume, 'folder/large')
  if (!node) throw new Error('the object is not listed')
  tree.database.writeNow(() => tree.nodes.update(node.id, { remoteSize: SIX_GIB }))
  store.setScript(script)
  await paths.rename('folder/large', 'folder/renamed')
  return { clock, bucket, store, engine }
}

describe('A rename that copies in parts', () => {
  test('leaves no upload open when the answer that named it was lost', async () => {
    const { clock, bucket, store, engine } = await renamed([
      { operation: 'createMultipart', nth: 1, fault: { kind: 'lost-reply' } },
    ])
    await clock.advance(5_000)
    expect(store.calls.filter((call) => call.startsWith('createMultipart')).length).toBeGreaterThan(
      1,
    )
    await clock.advance(AN_HOUR_MS)
    store.setScript([{ operation: 'createMultipart', fault: { kind: 'error', code: 's3/server' } }])
    await clock.advance(AN_HOUR_MS)
    expect(bucket.openUploads()).toBe(0)
    expect(bucket.keys()).toContain('folder/large')
    await engine.close()
  })

  test('leaves no upload open when the engine is killed before the answer', async () => {
    const { clock, bucket, store, engine } = await renamed([
      { operation: 'createMultipart', fault: { kind: 'lost-reply' } },
    ])
    await clock.advance(1_500)
    expect(bucket.openUploads()).toBeGreaterThan(0)
    const next = await engine.killed()
    store.setScript([{ operation: 'createMultipart', fault: { kind: 'error', code: 's3/server' } }])
    await clock.advance(AN_HOUR_MS)
    expect(bucket.openUploads()).toBe(0)
    await next.close()
  })

  test('asks now and then, not all the time, when the server refuses to abort', async () => {
    const { clock, store, engine } = await renamed([
      { operation: 'createMultipart', nth: 1, fault: { kind: 'lost-reply' } },
      { operation: 'createMultipart', fault: { kind: 'error', code: 'auth/denied' } },
      { operation: 'abortMultipart', fault: { kind: 'error', code: 'auth/denied' } },
    ])
    await clock.advance(AN_HOUR_MS)
    const aborts = store.calls.filter((call) => call.startsWith('abortMultipart'))
    expect(aborts.length).toBeGreaterThan(0)
    expect(aborts.length).toBeLessThan(10)
    await engine.close()
  })
})
