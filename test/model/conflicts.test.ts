/**
 * Goal: two versions of one file are both there until a person decides, and what is decided happens.
 * Method: another client changes the bucket directly while a program changes the same file here;
 *         names, contents, the record of the conflict and the bucket are compared afterwards.
 */
import { afterEach, describe, expect, test } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { FlakyObjectStore } from '../../engine/s3/flaky-object-store.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import { type Resolution, resolveConflict } from '../../engine/sync/conflict-resolve.ts'
import { BareEngine } from '../support/bare-engine.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { Paths } from '../support/paths.ts'

const COPY = /^report \(conflict host \d{4}-\d\d-\d\d \d{4}\)\.csv$/
const LISTING_OLD_MS = 12_000

const bytes = (text: string) => Buffer.from(text)

class World {
  readonly clock = new FakeClock(1_800_000_000_000, 12)
  readonly bucket = new MemoryObjectStore({ clock: this.clock })
  readonly random = new SeededRandom(7)
  readonly store = new FlakyObjectStore(this.bucket, { clock: this.clock, random: this.random })
  #engine: BareEngine | undefined

  async start(): Promise<void> {
    const { store, clock, random } = this
    this.#engine = await BareEngine.start({ store, clock, random })
  }

  get engine(): BareEngine {
    if (!this.#engine) throw new Error('not started')
    return this.#engine
  }

  get paths(): Paths {
    return new Paths(this.engine, (work) => this.clock.until(work))
  }

  async kill(): Promise<void> {
    this.#engine = await this.engine.killed()
  }

  async close(): Promise<void> {
    await this.#engine?.close()
  }

  async text(path: string): Promise<string> {
    return Buffer.from(await this.paths.read(path)).toString()
  }

  async names(): Promise<string[]> {
    await this.clock.advance(LISTING_OLD_MS)
    return (await this.paths.names('')).map(({ name }) => name)
  }

  inBucket(): Record<string, string> {
    const text = (key: string) => Buffer.from(this.bucket.bytesOf(key) ?? []).toString()
    return Object.fromEntries(this.bucket.keys().map((key) => [key, text(key)]))
  }

  get conflicts() {
    return this.engine.stores.conflicts.list(this.engine.volume.id, '', 100)
  }

  get events() {
    return this.engine.stores.recent.list(100).map(({ kind }) => kind)
  }

  /** Known here, and whole in the cache where a program has read it. */
  async have(key: string, content: string, isRead = true): Promise<void> {
    this.bucket.putDirect(key, content)
    await this.clock.advance(LISTING_OLD_MS)
    if (isRead) expect(await this.text(key)).toBe(content)
    else await this.paths.names('')
  }

  /** Both change `report.csv` while neither sees the other. @returns the name of our copy */
  async makeConflict(): Promise<string> {
    await this.have('report.csv', 'base')
    await this.paths.write('report.csv', 0, bytes('ours'), true)
    this.bucket.putDirect('report.csv', 'theirs')
    expect((await this.engine.flush()).files).toBe(0)
    const copy = (await this.names()).find((name) => COPY.test(name))
    expect(copy).toBeDefined()
    return copy ?? ''
  }

  async resolve(keep: Resolution): Promise<void> {
    const [conflict] = this.conflicts
    if (!conflict) throw new Error('there is no conflict')
    const { stores, volume } = this.engine
    const resolved = resolveConflict({ ...stores, tree: volume.tree }, conflict, { keep })
    await this.clock.until(resolved)
    await this.engine.flush()
  }
}

let world: World
async function start(): Promise<World> {
  world = new World()
  await world.start()
  return world
}
afterEach(() => world.close())

describe('A file that was changed here and in the bucket', () => {
  test('is kept in both versions, and the conflict is on record across a crash', async () => {
    const w = await start()
    const copy = await w.makeConflict()
    expect(await w.text('report.csv')).toBe('theirs')
    expect(await w.text(copy)).toBe('ours')
    expect(w.inBucket()).toEqual({ 'report.csv': 'theirs', [copy]: 'ours' })
    await w.kill()
    const [conflict, ...others] = w.conflicts
    expect(others).toEqual([])
    expect(conflict).toMatchObject({ key: 'report.csv', host: 'host', theirsSizeBytes: 6 })
    expect(conflict?.theirs).toBe(await w.paths.find('report.csv'))
    expect(conflict?.ours).toBe(await w.paths.find(copy))
    expect(w.events).toContain('conflict')
  })

  test('is ours alone after keep mine', async () => {
    const w = await start()
    const copy = await w.makeConflict()
    await w.resolve('mine')
    expect(await w.names()).toEqual(['report.csv'])
    expect(await w.text('report.csv')).toBe('ours')
    expect(w.inBucket()).toEqual({ 'report.csv': 'ours' })
    expect(w.conflicts).toEqual([])
    expect(w.events).not.toContain(copy)
  })

  test('is theirs alone after keep theirs', async () => {
    const w = await start()
    await w.makeConflict()
    await w.resolve('theirs')
    expect(await w.names()).toEqual(['report.csv'])
    expect(w.inBucket()).toEqual({ 'report.csv': 'theirs' })
    expect(w.conflicts).toEqual([])
  })

  test('is two files after keep both', async () => {
    const w = await start()
    const copy = await w.makeConflict()
    await w.resolve('both')
    expect(w.inBucket()).toEqual({ 'report.csv': 'theirs', [copy]: 'ours' })
    expect(w.conflicts).toEqual([])
  })

  test('is a conflict again when the bucket changes between the decision and the upload', async () => {
    const w = await start()
    await w.makeConflict()
    const [conflict] = w.conflicts
    if (!conflict) throw new Error('there is no conflict')
    const { stores, volume } = w.engine
    const resolving = resolveConflict({ ...stores, tree: volume.tree }, conflict, { keep: 'mine' })
    await w.clock.until(resolving)
    w.bucket.putDirect('report.csv', 'newer')
    await w.engine.flush()
    const copies = Object.entries(w.inBucket()).filter(([key]) => COPY.test(key))
    expect(w.inBucket()['report.csv']).toBe('newer')
    expect(copies.map(([, text]) => text)).toEqual(['ours'])
    expect(w.conflicts).toHaveLength(1)
  })

  test('is not decided about by an old view: another ETag than the one shown is refused', async () => {
    const w = await start()
    await w.makeConflict()
    const [conflict] = w.conflicts
    if (!conflict) throw new Error('there is no conflict')
    const { stores, volume } = w.engine
    const parts = { ...stores, tree: volume.tree }
    const resolving = resolveConflict(parts, conflict, { keep: 'mine', theirsEtag: '"other"' })
    await expect(w.clock.until(resolving)).rejects.toThrow('conflict/over')
    expect(w.conflicts).toHaveLength(1)
  })

  test('is no conflict any more when a program removes one of the two', async () => {
    for (const victim of ['copy', 'original'] as const) {
      const w = await start()
      const copy = await w.makeConflict()
      await w.paths.unlink(victim === 'copy' ? copy : 'report.csv')
      expect(w.conflicts, victim).toEqual([])
      await w.close()
    }
    await start()
  })

  test('is no conflict when the bytes are equal', async () => {
    const w = await start()
    await w.have('report.csv', 'base')
    await w.paths.write('report.csv', 0, bytes('same'), true)
    w.bucket.putDirect('report.csv', 'same')
    expect((await w.engine.flush()).files).toBe(0)
    expect(await w.names()).toEqual(['report.csv'])
    expect(w.conflicts).toEqual([])
  })

  test('keeps both when only a part was changed, as far as the rest is on this disk', async () => {
    const w = await start()
    await w.have('report.csv', 'base base base')
    await w.paths.write('report.csv', 5, bytes('OURS'), false)
    w.bucket.putDirect('report.csv', 'theirs')
    expect((await w.engine.flush()).files).toBe(0)
    const copy = (await w.names()).find((name) => COPY.test(name)) ?? ''
    expect(await w.text(copy)).toBe('base OURS base')
    expect(await w.text('report.csv')).toBe('theirs')
  })

  test('waits for a person, and is never dropped, when parts of it are nowhere any more', async () => {
    const w = await start()
    await w.have('report.csv', 'base '.repeat(600_000), false)
    // Written without being read: nothing of the base is on this disk.
    await w.paths.write('report.csv', 5, bytes('OURS'), false)
    w.bucket.putDirect('report.csv', 'theirs')
    expect((await w.engine.flush()).files).toBe(1)
    const { journal } = w.engine.stores
    const [row] = journal.needingPerson(w.engine.volume.id, '', 10)
    expect(row?.errorCode).toBe('sync/base-gone')
    expect(w.inBucket()).toEqual({ 'report.csv': 'theirs' })
  })

  test('regression: renamed over another, its object removed, it was tried for ever', async () => {
    const w = await start()
    await w.have('report.csv', 'old report')
    await w.have('draft.csv', 'base '.repeat(600_000), false)
    w.store.setOffline(true)
    await w.paths.rename('draft.csv', 'report.csv')
    await w.paths.write('report.csv', 5, bytes('OURS'), false)
    w.bucket.deleteDirect('draft.csv')
    w.store.setOffline(false)
    // Neither the change nor what it replaces goes anywhere: a flush ends, and says so.
    const startedMs = w.clock.monotonicMs()
    expect((await w.engine.flush()).files).toBe(2)
    expect(w.clock.monotonicMs() - startedMs).toBeLessThan(60_000)
    const { journal } = w.engine.stores
    const rows = journal.needingPerson(w.engine.volume.id, '', 10)
    expect(rows.map(({ op, errorCode }) => [op, errorCode])).toEqual([['put', 'sync/base-gone']])
    expect(w.inBucket()).toEqual({ 'report.csv': 'old report' })
    // Saved anew, it takes the place.
    await w.paths.write('report.csv', 0, bytes('ours'), true)
    expect((await w.engine.flush()).files).toBe(0)
    expect(w.inBucket()).toEqual({ 'report.csv': 'ours' })
  })

  test('renamed over another and its object removed, it is uploaded when the rest is here', async () => {
    const w = await start()
    await w.have('report.csv', 'old report')
    await w.have('draft.csv', 'base base base')
    w.store.setOffline(true)
    await w.paths.rename('draft.csv', 'report.csv')
    await w.paths.write('report.csv', 5, bytes('OURS'), false)
    w.bucket.deleteDirect('draft.csv')
    w.store.setOffline(false)
    expect((await w.engine.flush()).files).toBe(0)
    expect(w.inBucket()).toEqual({ 'report.csv': 'base OURS base' })
  })
})

describe('A file that is gone on one side and changed on the other', () => {
  test('removed in the bucket, changed here: the change is uploaded', async () => {
    const w = await start()
    await w.have('report.csv', 'base base base')
    await w.paths.write('report.csv', 5, bytes('OURS'), false)
    w.bucket.deleteDirect('report.csv')
    expect((await w.engine.flush()).files).toBe(0)
    expect(w.inBucket()).toEqual({ 'report.csv': 'base OURS base' })
    expect(w.events).toContain('kept-local')
  })

  test('removed here, changed in the bucket: the change stays, comes back, and it is said', async () => {
    const w = await start()
    await w.have('report.csv', 'base')
    await w.paths.unlink('report.csv')
    w.bucket.putDirect('report.csv', 'theirs')
    expect((await w.engine.flush()).files).toBe(0)
    expect(w.inBucket()).toEqual({ 'report.csv': 'theirs' })
    expect((await w.paths.names('')).map(({ name }) => name)).toEqual(['report.csv'])
    expect(w.events).toContain('kept-remote')
  })

  test('of a thousand files removed here, exactly the changed ones stay', async () => {
    const w = await start()
    const name = (index: number) => `runs/${index % 7}/f-${index}`
    for (let index = 0; index < 1_000; index++) w.bucket.putDirect(name(index), `base ${index}`)
    await w.clock.advance(LISTING_OLD_MS)
    for (let folder = 0; folder < 7; folder++) await w.paths.names(`runs/${folder}`)
    for (let index = 0; index < 1_000; index++) await w.paths.unlink(name(index))
    const changed = [3, 500, 999].map(name)
    for (const key of changed) w.bucket.putDirect(key, 'theirs')
    w.bucket.resetRequests()
    expect((await w.engine.flush()).files).toBe(0)
    const left = w.bucket.keys().filter((key) => !key.endsWith('/'))
    expect([...left].sort()).toEqual([...changed].sort())
    // Looked up by listings, not one by one.
    const requests = w.bucket.requests()
    expect((requests.list ?? 0) + (requests.head ?? 0)).toBeLessThan(25)
  })

  test('renamed here, changed in the bucket: the newer content has the new name', async () => {
    const w = await start()
    await w.have('report.csv', 'base')
    await w.paths.rename('report.csv', 'final.csv')
    w.bucket.putDirect('report.csv', 'theirs')
    expect((await w.engine.flush()).files).toBe(0)
    expect(w.inBucket()).toEqual({ 'final.csv': 'theirs' })
    expect(await w.text('final.csv')).toBe('theirs')
  })

  test('renamed here onto a name that the bucket got meanwhile: both stay', async () => {
    const w = await start()
    await w.have('draft.csv', 'ours')
    await w.paths.rename('draft.csv', 'report.csv')
    w.bucket.putDirect('report.csv', 'theirs')
    expect((await w.engine.flush()).files).toBe(0)
    const copy = (await w.names()).find((name) => COPY.test(name)) ?? ''
    expect(w.inBucket()).toEqual({ 'report.csv': 'theirs', [copy]: 'ours' })
    expect(w.conflicts).toHaveLength(1)
  })
})
