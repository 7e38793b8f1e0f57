/**
 * Goal: what others store in a receive folder is on this computer, the newest first, and is told
 *       once for each batch.
 * Method: a bare engine over a bucket in memory, into which somebody else writes.
 */
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { FlakyObjectStore } from '../../engine/s3/flaky-object-store.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import { FolderOptions } from '../../shared/folder-roles.ts'
import { BareEngine } from '../support/bare-engine.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { Paths } from '../support/paths.ts'

const OPTIONS = FolderOptions.parse({ quietMs: 5_000 })
/** A look, the fetches and the quiet time. */
const BATCH_MS = 40_000

async function receiving() {
  const clock = new FakeClock()
  const random = new SeededRandom(1)
  const bucket = new MemoryObjectStore({ clock })
  const line = new FlakyObjectStore(bucket, { clock, random })
  const told: string[][] = []
  const made: { engine?: BareEngine } = {}
  const options = {
    store: line,
    clock,
    random,
    onDidReceive: ({ ids }: { ids: readonly number[] }) => {
      told.push(ids.map((id) => made.engine?.volume.tree.nodes.byId(id)?.name ?? 'gone'))
    },
  }
  bucket.putDirect('out/old', 'was here before')
  const engine = await BareEngine.start(options)
  made.engine = engine
  const paths = new Paths(engine, (work) => clock.until(work))
  const node = await clock.until(paths.find('out'))
  const { tree, receives } = engine.volume
  await clock.until(receives.learn(node, new AbortController().signal))
  const role = { node, volume: tree.volume, role: 'receive' as const, options: OPTIONS }
  tree.database.writeNow(() => engine.stores.roles.set({ ...role, sinceMs: clock.nowMs() }))
  receives.reload()
  return { clock, bucket, line, told, paths, engine, made, options }
}

describe('A receive folder', () => {
  test('fetches what others store, the newest first, and tells of it once', async () => {
    const { clock, bucket, line, told, paths, engine } = await receiving()
    try {
      line.setScript([])
      for (const name of ['a', 'deep/b', 'deep/er/c', 'd', 'e', 'f']) {
        bucket.putDirect(`out/${name}`, `content of ${name}`)
        await clock.advance(1_000)
      }
      await clock.advance(BATCH_MS)
      expect(told).toEqual([['f', 'e', 'd', 'c', 'b', 'a']])
      const fetched = line.calls.filter((call) => call.startsWith('get '))
      expect(fetched).toHaveLength(6)
      expect(fetched.slice(0, 4).sort()).toEqual(
        ['out/d', 'out/deep/er/c', 'out/e', 'out/f'].map((key) => `get ${key}`),
      )
      line.setOffline(true)
      expect(Buffer.from(await paths.read('out/deep/er/c')).toString()).toBe('content of deep/er/c')
      await clock.advance(BATCH_MS)
      expect(told).toHaveLength(1)
    } finally {
      await engine.close()
    }
  })

  test('makes another batch of what comes later, and of new versions', async () => {
    const { clock, bucket, told, engine } = await receiving()
    try {
      bucket.putDirect('out/a', 'one')
      await clock.advance(BATCH_MS)
      bucket.putDirect('out/a', 'another')
      bucket.putDirect('out/b', 'two')
      await clock.advance(BATCH_MS)
      expect(told.map((names) => names.sort())).toEqual([['a'], ['a', 'b']])
    } finally {
      await engine.close()
    }
  })

  test('tells of what came while the engine was away, and of nothing twice', async () => {
    const { clock, bucket, told, engine, made } = await receiving()
    let again: BareEngine | undefined
    try {
      bucket.putDirect('out/a', 'one')
      await clock.advance(BATCH_MS)
      again = await engine.killed()
      made.engine = again
      bucket.putDirect('out/b', 'two')
      await clock.advance(BATCH_MS)
      expect(told).toEqual([['a'], ['b']])
    } finally {
      await again?.close()
    }
  })

  test('waits with its batch for the network', async () => {
    const { clock, bucket, line, told, paths, engine } = await receiving()
    try {
      bucket.putDirect('out/a', 'one')
      line.setScript([{ operation: 'get', fault: { kind: 'error', code: 'net/unreachable' } }])
      await clock.advance(BATCH_MS)
      expect(told).toEqual([])
      line.setScript([])
      await clock.advance(3 * BATCH_MS)
      expect(told).toEqual([['a']])
      line.setOffline(true)
      expect(Buffer.from(await paths.read('out/a')).toString()).toBe('one')
    } finally {
      await engine.close()
    }
  })
})
