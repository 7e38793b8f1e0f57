/**
 * Goal: a folder that cannot be listed keeps a program waiting once, and what is known not at all.
 * Method: listings fail or are never answered, on a clock that stands still between events.
 */
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { FlakyObjectStore } from '../../engine/s3/flaky-object-store.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import type { ListPage, ListRequest } from '../../engine/s3/object-store.ts'
import { BareEngine } from '../support/bare-engine.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** What a program may wait for a network that makes no progress. */
const WAIT_MS_MAX = 10_000
/** Siblings; more than may be listed at once. */
const WIDE = 100
const NAMES = ['read', 'list', 'stat', 'write', 'over', 'move', 'dir', 'tree']

async function start() {
  const clock = new FakeClock(1_800_000_000_000, 12)
  const bucket = new MemoryObjectStore({ clock })
  for (const name of NAMES) bucket.putDirect(`fresh/${name}/file`, 'content')
  for (let at = 0; at < 12; at++) bucket.putDirect(`known/${'deeper/'.repeat(at)}file`, 'content')
  for (let at = 0; at < WIDE; at++) bucket.putDirect(`wide/folder ${at}/sub/file`, 'content')
  const random = new SeededRandom(1)
  const store = new FlakyObjectStore(bucket, { clock, random })
  const engine = await BareEngine.start({ store, clock, random })
  const { vfs } = engine
  const find = async (directory: number, name: string) =>
    (await vfs.lookup(engine.context(), directory, name)).attributes.id
  const timed = async (work: () => Promise<unknown>) => {
    const beganMs = clock.monotonicMs()
    const end = await clock.until(
      work().then(
        () => 'ok',
        (thrown) => thrown.code,
      ),
    )
    return { end, ms: clock.monotonicMs() - beganMs }
  }
  return { clock, bucket, store, engine, vfs, find, timed }
}

describe('A folder that was never listed and cannot be', () => {
  test.each([
    ['is not answered', { kind: 'hang' }],
    ['fails', { kind: 'error', code: 's3/server' }],
    ['is no listing', { kind: 'error', code: 's3/bad-reply' }],
  ] as const)('is one wait for all who look into it, when its listing %s', async (_, fault) => {
    const { clock, store, engine, vfs, find, timed } = await start()
    const fresh = await clock.until(find(vfs.root, 'fresh'))
    store.setScript([{ operation: 'list', fault }])
    const first = await Promise.all(NAMES.map((name) => timed(() => find(fresh, name))))
    for (const { end, ms } of first) {
      expect(end).not.toBe('ok')
      expect(ms).toBeLessThanOrEqual(WAIT_MS_MAX)
    }
    await clock.advance(60)
    expect((await timed(() => find(fresh, 'stat'))).ms).toBeLessThanOrEqual(50)
    for (let rounds = 0; rounds < 3; rounds++) {
      await clock.advance(6_000)
      expect((await timed(() => find(fresh, 'stat'))).ms).toBeLessThanOrEqual(1_000)
    }
    store.setScript([])
    await clock.advance(60_000)
    expect(await timed(() => find(fresh, 'stat'))).toMatchObject({ end: 'ok' })
    await engine.close()
  })
})

describe('Folders beside one whose listing failed after a long wait', () => {
  test('are no long wait of their own, and are there when listings end again', async () => {
    const { clock, store, engine, vfs, find, timed } = await start()
    const fresh = await clock.until(find(vfs.root, 'fresh'))
    const ids = await Promise.all(NAMES.slice(0, 3).map((name) => clock.until(find(fresh, name))))
    const [first = 0, second = 0, third = 0] = ids
    store.setScript([{ operation: 'list', fault: { kind: 'error', code: 's3/bad-reply' } }])
    const long = await timed(() => find(first, 'file'))
    expect(long.end).not.toBe('ok')
    expect(long.ms).toBeGreaterThan(4_000)
    const short = await timed(() => find(second, 'file'))
    expect(short.end).not.toBe('ok')
    expect(short.ms).toBeLessThanOrEqual(1_000)
    store.setScript([])
    expect(await timed(() => find(third, 'file'))).toMatchObject({ end: 'ok' })
    await engine.close()
  })
})

describe('A path of folders that are known', () => {
  test('is one short wait while listings are not answered, however long it is', async () => {
    const { clock, store, engine, vfs, find, timed } = await start()
    const walk = async () => {
      let id = await find(vfs.root, 'known')
      for (let depth = 0; depth < 11; depth++) id = await find(id, 'deeper')
      return find(id, 'file')
    }
    expect(await timed(walk)).toMatchObject({ end: 'ok' })
    await clock.advance(60_000)
    store.setScript([{ operation: 'list', fault: { kind: 'hang' } }])
    const { end, ms } = await timed(walk)
    expect(end).toBe('ok')
    expect(ms).toBeLessThanOrEqual(1_100)
    expect((await timed(walk)).ms).toBeLessThanOrEqual(50)
    await engine.close()
  })
})

describe('Folders beside each other that are known', () => {
  test.each([
    ['are not answered', { kind: 'hang' }],
    ['fail', { kind: 'error', code: 's3/server' }],
  ] as const)('are one short wait together while listings %s, however many', async (_, fault) => {
    const { clock, store, engine, vfs, find, timed } = await start()
    const wide = await clock.until(find(vfs.root, 'wide'))
    const ids: number[] = []
    for (let at = 0; at < WIDE; at++) ids.push(await clock.until(find(wide, `folder ${at}`)))
    const lookThrough = async () => {
      for (const id of ids) {
        const page = await vfs.readdir(engine.context(), { id }, 0, 10)
        expect(page.entries.map(({ name }) => name)).toEqual(['sub'])
      }
    }
    expect(await timed(lookThrough)).toMatchObject({ end: 'ok' })
    await clock.advance(60_000)
    store.setScript([{ operation: 'list', fault }])
    const { end, ms } = await timed(lookThrough)
    expect(end).toBe('ok')
    expect(ms).toBeLessThanOrEqual(1_100)
    await engine.close()
  })
})

describe('More folders at once than are listed at once', () => {
  test('are all shown, each in its turn', async () => {
    const { clock, engine, vfs, find, timed } = await start()
    const wide = await clock.until(find(vfs.root, 'wide'))
    const ids: number[] = []
    for (let at = 0; at < WIDE; at++) {
      const folder = await clock.until(find(wide, `folder ${at}`))
      ids.push(await clock.until(find(folder, 'sub')))
      // So slowly that nothing is listed together with its neighbours.
      await clock.advance(11_000)
    }
    const shown = await Promise.all(
      ids.map((id) => timed(() => vfs.readdir(engine.context(), { id }, 0, 10))),
    )
    expect(shown.map(({ end }) => end)).toEqual(ids.map(() => 'ok'))
    await engine.close()
  })
})

/** Without a delimiter it shows other keys than with one. */
class LyingStore extends MemoryObjectStore {
  isLying = false

  override async list(request: ListRequest, signal?: AbortSignal): Promise<ListPage> {
    const page = await super.list(request, signal)
    if (!this.isLying || request.delimiter !== undefined) return page
    return { ...page, objects: page.objects.map((one) => ({ ...one, key: `z${one.key}` })) }
  }
}

describe('A folder that a listing of everything below its parent leaves out', () => {
  test('is listed by itself before it is shown empty', async () => {
    const clock = new FakeClock(1_800_000_000_000, 12)
    const store = new LyingStore({ clock })
    const folders = Array.from({ length: 8 }, (_, index) => `folder ${index}`)
    for (const name of folders) store.putDirect(`${name}/file`, 'content')
    const random = new SeededRandom(1)
    const engine = await BareEngine.start({ store, clock, random })
    store.isLying = true
    for (const name of folders) {
      const { vfs } = engine
      const context = engine.context()
      const { attributes } = await clock.until(vfs.lookup(context, vfs.root, name))
      const page = await clock.until(vfs.readdir(context, { id: attributes.id }, 0, 10))
      expect(page.entries.map((entry) => entry.name)).toEqual(['file'])
    }
    expect(store.requests().list, 'the flat listing was asked for').toBeGreaterThan(8)
    await engine.close()
  })
})
