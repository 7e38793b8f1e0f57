/**
 * Goal: nothing whose place or content is not in the bucket yet is shown as if it were, and nothing is
 *       said to be on its way while the network is away.
 */
import { afterEach, expect, test } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { stateOfFile, stateOfFolder } from '../../engine/mounts/node-state.ts'
import { FlakyObjectStore } from '../../engine/s3/flaky-object-store.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import { ERRORS } from '../../shared/errors.ts'
import { BareEngine } from '../support/bare-engine.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { Paths } from '../support/paths.ts'

const HOUR_MS = 3_600_000

let engine: BareEngine | undefined
afterEach(async () => {
  await engine?.close()
  engine = undefined
})

async function start(objects: Readonly<Record<string, string>>) {
  const clock = new FakeClock(1_800_000_000_000, 12)
  const bucket = new MemoryObjectStore({ clock })
  for (const [key, content] of Object.entries(objects)) bucket.putDirect(key, content)
  const random = new SeededRandom(3)
  const store = new FlakyObjectStore(bucket, { clock, random })
  const started = await BareEngine.start({ store, clock, random })
  engine = started
  const { volume, stores } = started
  const paths = new Paths(started, (work) => clock.until(work))
  const node = async (path: string) => {
    const id = path === '' ? started.vfs.root : await clock.until(paths.find(path))
    return volume.tree.node(id)
  }
  const parts = { stores, isPaused: () => false }
  return {
    ...{ clock, bucket, store, paths, volume },
    file: async (path: string) => stateOfFile(parts, volume, await node(path)),
    folder: async (path: string) => stateOfFolder(parts, volume, await node(path)),
  }
}

test('A file in a renamed folder waits with its folder, until the bucket has it there', async () => {
  const { clock, paths, volume, file, folder } = await start({ 'old/deep/a': 'a', 'other/b': 'b' })
  expect(Buffer.from(await paths.read('old/deep/a')).toString()).toBe('a')
  expect(await file('old/deep/a')).toMatchObject({ change: { value: 'clean' } })
  volume.connectivity.workOffline(true)
  expect(await paths.rename('old', 'new')).toBe('ok')
  const waiting = await file('new/deep/a')
  expect(waiting).toMatchObject({ change: { value: 'queued' }, badge: 'waiting' })
  expect(waiting.reason).toBeDefined()
  for (const path of ['new', 'new/deep', '']) {
    expect(await folder(path), path).toMatchObject({ badge: 'waiting', counts: { waiting: 1 } })
  }
  expect((await folder('other')).counts.waiting).toBe(0)
  volume.connectivity.workOffline(false)
  await clock.advance(5_000)
  expect((await engine?.flush())?.files).toBe(0)
  expect(await file('new/deep/a')).toMatchObject({ change: { value: 'clean' } })
  expect((await folder('new')).counts.waiting).toBe(0)
})

test('A folder waits for a file that was renamed into it', async () => {
  const { paths, volume, folder } = await start({ 'from/a': 'a', 'to/b': 'b' })
  await paths.names('from')
  await paths.names('to')
  volume.connectivity.workOffline(true)
  expect(await paths.rename('from/a', 'to/a')).toBe('ok')
  expect(await folder('to')).toMatchObject({ badge: 'waiting', counts: { waiting: 1 } })
})

test('Nothing is on its way while the network is away', async () => {
  const { clock, store, paths, volume, file, folder } = await start({ 'd/b': 'b' })
  await paths.names('d')
  store.setScript([{ operation: 'put', fault: { kind: 'hang' } }])
  expect(await paths.write('d/a', 0, Buffer.from('content'), true)).toBe('ok')
  await clock.advance(3_000)
  expect(await folder('d')).toMatchObject({ badge: 'uploading', counts: { uploading: 1 } })
  volume.connectivity.workOffline(true)
  await clock.advance(1_000)
  expect(await folder('d')).toMatchObject({
    badge: 'waiting',
    counts: { uploading: 0, waiting: 1 },
  })
  expect(await file('d/a')).toMatchObject({ badge: 'waiting' })
  expect(engine?.lists.counts(undefined)).toMatchObject({ uploading: 0, pendingFiles: 1 })
})

test.each(['s3/server', 's3/busy', 's3/bad-reply'] as const)(
  'A file is tried for an hour and on, with a reason that is told, while the server answers %s',
  async (code) => {
    const { clock, bucket, store, paths, file } = await start({ 'd/b': 'b' })
    await paths.names('d')
    store.setScript([{ operation: 'put', fault: { kind: 'error', code } }])
    expect(await paths.write('d/a', 0, Buffer.from('content'), true)).toBe('ok')
    await clock.advance(HOUR_MS)
    const before = store.calls.filter((call) => call.startsWith('put')).length
    expect(before).toBeGreaterThan(50)
    const state = await file('d/a')
    expect(state).toMatchObject({ badge: 'waiting', reason: ERRORS[code].remedy })
    expect(state.nextTry).toBeDefined()
    await clock.advance(HOUR_MS / 4)
    const after = store.calls.filter((call) => call.startsWith('put')).length
    expect(after, 'never given up').toBeGreaterThan(before + 10)
    store.setScript([])
    await clock.advance(2 * 60_000)
    expect(Buffer.from(bucket.bytesOf('d/a') ?? []).toString()).toBe('content')
    expect(await file('d/a')).toMatchObject({ change: { value: 'clean' } })
  },
)
