/**
 * Goal: records that contradict each other stop every change, here and in the bucket; what is known can
 *       be read; a restart checks them, sets aside what cannot be read and goes on with the rest.
 * Method: rows and pages of the database are changed behind the engine's back.
 */
import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { FlakyObjectStore } from '../../engine/s3/flaky-object-store.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import { BareEngine, type Remains } from '../support/bare-engine.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { Paths } from '../support/paths.ts'

const CHANGES =
  /^(put|copy|delete|deleteBatch|createMultipart|uploadPart|uploadPartCopy|complete|abort)/

const bytes = (text: string) => Buffer.from(text)

class World {
  readonly clock = new FakeClock(1_800_000_000_000, 12)
  readonly bucket = new MemoryObjectStore({ clock: this.clock })
  readonly random = new SeededRandom(11)
  readonly store = new FlakyObjectStore(this.bucket, { clock: this.clock, random: this.random })
  #engine: BareEngine | undefined

  async start(): Promise<void> {
    const { store, clock, random } = this
    for (const name of ['known', 'other']) this.bucket.putDirect(name, `${name} content`)
    this.#engine = await BareEngine.start({ store, clock, random })
    expect(await this.text('known')).toBe('known content')
  }

  get engine(): BareEngine {
    if (!this.#engine) throw new Error('not started')
    return this.#engine
  }

  get paths(): Paths {
    return new Paths(this.engine, (work) => this.clock.until(work))
  }

  async text(path: string): Promise<string> {
    return Buffer.from(await this.paths.read(path)).toString()
  }

  /** Behind the engine's back. */
  tamper(sql: string): void {
    const { database } = this.engine.stores
    database.writeNow(() => database.run(sql))
  }

  get finding(): string | undefined {
    return this.engine.stores.database.trust.finding?.code
  }

  /** Requests that change the bucket. */
  changes(): string[] {
    return this.store.calls.filter((call) => CHANGES.test(call))
  }

  failed(): Array<{ op: unknown; key: unknown; code: unknown }> {
    const { database } = this.engine.stores
    return database
      .all("SELECT op, key, error_code FROM journal WHERE state = 'failed' ORDER BY seq")
      .map((row) => ({ op: row.op, key: row.key, code: row.error_code }))
  }

  async restart(change: (remains: Remains) => void = () => {}, isSameBoot = true): Promise<void> {
    const { store, clock, random } = this
    const remains = this.engine.remainsOfKill()
    await this.engine.close()
    this.#engine = undefined
    change(remains)
    this.#engine = await BareEngine.resume({ store, clock, random }, { ...remains, isSameBoot })
  }

  async close(): Promise<void> {
    await this.#engine?.close()
  }
}

let world: World
async function start(): Promise<World> {
  world = new World()
  await world.start()
  return world
}
afterEach(() => world.close())

describe('A record that makes no sense', () => {
  test('ends all changes, here and in the bucket, and what is known can be read', async () => {
    const { paths, clock } = await start()
    expect(await paths.write('new', 0, bytes('new content'), true)).toBe('ok')
    expect(await paths.write('next', 0, bytes('next content'), true)).toBe('ok')
    world.tamper("UPDATE journal SET op = 'nonsense' WHERE key = 'new'")
    await clock.advance(60_000)
    expect(world.finding).toBe('store/inconsistent')
    expect(await paths.write('more', 0, bytes('x'), true)).toBe('EROFS')
    expect(await paths.rename('known', 'moved')).toBe('EROFS')
    expect(await paths.unlink('known')).toBe('EROFS')
    expect(await paths.mkdir('folder')).toBe('EROFS')
    expect(await paths.truncate('known', 1)).toBe('EROFS')
    expect(await world.text('known')).toBe('known content')
    expect(await world.text('new')).toBe('new content')
    await clock.advance(600_000)
    expect((await world.engine.flush()).files).toBe(2)
    expect(world.changes()).toEqual([])
    expect(world.bucket.keys()).toEqual(['known', 'other'])
  })

  test('is set aside by the next start, alone, and goes up when a person says so', async () => {
    const { paths, clock } = await start()
    expect(await paths.write('new', 0, bytes('new content'), true)).toBe('ok')
    expect(await paths.unlink('other')).toBe('ok')
    world.tamper("UPDATE journal SET op = 'nonsense' WHERE key = 'new'")
    await clock.advance(60_000)
    await world.restart()
    expect(world.finding).toBeUndefined()
    expect(world.failed()).toEqual([{ op: 'put', key: 'new', code: 'store/corrupt' }])
    await clock.advance(60_000)
    expect(world.bucket.keys()).toEqual(['known'])
    expect(await world.text('new')).toBe('new content')
    expect(await world.paths.write('more', 0, bytes('more'), true)).toBe('ok')
    expect((await world.engine.flush()).files).toBe(0)
    expect(world.bucket.keys()).toEqual(['known', 'more', 'new'])
    expect(Buffer.from(world.bucket.bytesOf('new') ?? []).toString()).toBe('new content')
  })

  test('that was a deletion deletes nothing', async () => {
    const { paths } = await start()
    expect(await paths.unlink('other')).toBe('ok')
    world.tamper("UPDATE journal SET op = 'nonsense'")
    await world.restart()
    expect(world.failed()).toHaveLength(1)
    expect((await world.engine.flush()).files).toBe(0)
    expect(world.bucket.keys()).toEqual(['known', 'other'])
  })

  test.each([
    ['is no record', "'text'"],
    ['is too short', "x'01'"],
    ['fails its checksum', "x'01000000007b7d'"],
  ])('of an upload that %s costs the progress alone', async (_, value) => {
    const { paths } = await start()
    expect(await paths.write('new', 0, bytes('new content'), true)).toBe('ok')
    world.tamper(`UPDATE journal SET record = ${value}`)
    await world.restart()
    expect(world.failed()).toEqual([{ op: 'put', key: 'new', code: 'store/corrupt' }])
    expect((await world.engine.flush()).files).toBe(0)
    expect(Buffer.from(world.bucket.bytesOf('new') ?? []).toString()).toBe('new content')
  })

  test('of the tree does not keep the engine from starting', async () => {
    const { paths, clock } = await start()
    expect(await paths.write('new', 0, bytes('new content'), true)).toBe('ok')
    world.tamper("UPDATE node SET kind = 77 WHERE name = 'new'")
    await world.restart()
    expect(world.finding).toBe('store/inconsistent')
    expect(await world.paths.write('more', 0, bytes('x'), true)).toBe('EROFS')
    await clock.advance(60_000)
    expect(world.bucket.keys()).toEqual(['known', 'other'])
  })
})

describe('A cache that contradicts itself', () => {
  test('ends all changes as well', async () => {
    const { paths } = await start()
    const { cache } = world.engine.stores
    const version = { volume: 1, key: 'k', etag: '"e"' as never, sizeBytes: 1 }
    expect(() => cache.rename(version, { ...version, sizeBytes: 2 })).toThrow('keeps its size')
    expect(world.finding).toBe('store/inconsistent')
    expect(await paths.write('more', 0, bytes('x'), true)).toBe('EROFS')
  })
})

describe('A damaged database', () => {
  test.each([true, false])(
    'is told, and nothing is done on its word (same boot: %s)',
    async (isSameBoot) => {
      const { paths, clock } = await start()
      expect(await paths.write('new', 0, bytes('new content'), true)).toBe('ok')
      expect(await paths.unlink('other')).toBe('ok')
      const { database } = world.engine.stores
      const found = database.get("SELECT rootpage FROM sqlite_master WHERE name = 'journal'")
      database.writeNow(() => {})
      database.get('PRAGMA wal_checkpoint(TRUNCATE)')
      const damage = ({ folder }: Remains) => {
        onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
        fillPage(folder, Number(found?.rootpage))
      }
      await expect(world.restart(damage, isSameBoot)).rejects.toMatchObject({
        code: 'store/damaged',
      })
      await clock.advance(600_000)
      expect(world.changes()).toEqual([])
      expect(world.bucket.keys()).toEqual(['known', 'other'])
    },
  )
})

/** Garbage in place of one page of the database. */
function fillPage(folder: string, page: number): void {
  const path = join(folder, 'pail.db')
  const pageBytes = readFileSync(path).readUInt16BE(16)
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.alloc(pageBytes, 0xa5), 0, pageBytes, (page - 1) * pageBytes)
  closeSync(file)
}
