import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SystemClock } from '../../../engine/base/clock.ts'
import type { Log } from '../../../engine/base/log.ts'
import { MemoryObjectStore, md5Etag } from '../../../engine/s3/memory-object-store.ts'
import type { Etag, ObjectStore } from '../../../engine/s3/object-store.ts'
import type { BlockCache } from '../../../engine/store/block-cache.ts'
import type { ObjectVersion } from '../../../engine/sync/content.ts'
import { Fetcher } from '../../../engine/sync/fetcher.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import {
  directRequests,
  KIB,
  MIB,
  openCache,
  type TemporaryDatabase,
  temporaryDatabase,
} from '../../support/memory-cache.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { bytes } from './upload-world.ts'

const SIZE = 6 * MIB + 5
const CONTENT = bytes(SIZE, 4)
const never = new AbortController().signal

/** A line that flips a bit in the next few ranges. */
class FlippingStore extends MemoryObjectStore {
  flips = 0
  isOpaque = false
  gets = 0
  #etag: Etag | undefined

  /** The only object has this ETag from now on. */
  storeAs(etag: Etag): void {
    this.#etag = etag
  }

  override async get(...[request, signal]: Parameters<ObjectStore['get']>): Promise<void> {
    const etag = request.etag === this.#etag ? md5Etag(CONTENT) : request.etag
    await super.get({ ...request, etag }, signal)
    this.gets++
    if (this.isOpaque) request.onOpaqueEtag?.()
    if (this.flips === 0) return
    const at = 1000 + this.flips--
    request.into[at] = (request.into[at] ?? 0) ^ 4
  }
}

let data: TemporaryDatabase
let cache: BlockCache
let clock: FakeClock
let store: FlippingStore
let fetcher: Fetcher
let events: string[]

beforeEach(async () => {
  data = temporaryDatabase()
  clock = new FakeClock()
  cache = await openCache(new MemoryDisk({ isRecording: false }), data.database, new SystemClock())
  store = new FlippingStore({ clock })
  events = []
  const log: Log = {
    write: (level, event) => {
      if (level !== 'debug') events.push(event)
    },
  }
  const requestsOf = () => directRequests
  const onDamaged = ({ key }: ObjectVersion) => events.push(`told of ${key}`)
  fetcher = new Fetcher({ cache, storeOf: () => store, requestsOf, onDamaged, clock, log })
})

afterEach(async () => {
  await clock.until(fetcher.idle())
  await cache.close()
  data.remove()
})

function stored(content = CONTENT): ObjectVersion {
  const etag = store.putDirect('file', content)
  return { volume: 1, key: 'file', etag, sizeBytes: content.length }
}

/** Reads in order, as a copy does, up to `end`, closes, and waits for what happens behind it. */
async function readThrough(version: ObjectVersion, end = version.sizeBytes): Promise<Uint8Array> {
  const into = new Uint8Array(end)
  const reader = fetcher.reader(version)
  for (let at = 0; at < end; at += 128 * KIB) {
    await reader.read(at, into.subarray(at, Math.min(end, at + 128 * KIB)), never)
  }
  reader.close()
  await clock.until(fetcher.idle())
  return into
}

const isIn = (version: ObjectVersion) => cache.has(version, { start: 0, end: version.sizeBytes })
const DAMAGE = ['fetch/damaged', 'told of file']
const md5 = (content: Uint8Array) => createHash('md5').update(content).digest('hex')

describe('A large object that was read', () => {
  test('stays in the cache when it fits its ETag', async () => {
    const version = stored()
    expect(Buffer.compare(await readThrough(version), CONTENT)).toBe(0)
    expect([isIn(version), events]).toEqual([true, []])
  })

  test('is dropped and fetched again when a bit of it flipped on the way', async () => {
    const version = stored()
    store.flips = 1
    expect(Buffer.compare(await readThrough(version), CONTENT)).not.toBe(0)
    expect([isIn(version), events]).toEqual([false, DAMAGE])
    expect(Buffer.compare(await readThrough(version), CONTENT)).toBe(0)
    const { gets } = store
    expect(Buffer.compare(await readThrough(version), CONTENT)).toBe(0)
    expect([isIn(version), store.gets, events.length]).toEqual([true, gets, DAMAGE.length])
  })

  test('is dropped as often as a bit flips, also when it is the same one each time', async () => {
    const version = stored()
    for (let i = 0; i < 3; i++) {
      store.flips = 1
      await readThrough(version)
      expect(isIn(version)).toBe(false)
    }
    expect(events).toEqual([...DAMAGE, ...DAMAGE, ...DAMAGE])
  })

  test('is compared after a prefetch, too', async () => {
    const version = stored()
    store.flips = 1
    await fetcher.prefetch([version], 2 * SIZE)
    await clock.until(fetcher.idle())
    expect([isIn(version), events]).toEqual([false, DAMAGE])
  })

  test('is not compared before all of it is here, nor while somebody reads it', async () => {
    const version = stored()
    store.flips = 1
    await readThrough(version, 2 * MIB)
    expect(cache.has(version, { start: 0, end: 2 * MIB })).toBe(true)
    const other = fetcher.reader(version)
    await readThrough(version)
    expect([isIn(version), events]).toEqual([true, []])
    other.close()
    await clock.until(fetcher.idle())
    expect([isIn(version), events]).toEqual([false, DAMAGE])
  })

  test('keeps its bytes when its ETag is that of parts, or no digest as the server says', async () => {
    const version = stored()
    const parts = { ...version, etag: `"${md5(CONTENT)}-2"` as Etag }
    const opaque = { ...version, etag: `"${'ab'.repeat(16)}"` as Etag }
    for (const [other, isOpaque] of [
      [parts, false],
      [opaque, true],
    ] as const) {
      store.isOpaque = isOpaque
      store.storeAs(other.etag)
      await readThrough(other)
      expect([isIn(other), events]).toEqual([true, []])
    }
  })

  test('is compared with pauses, so that reads go on meanwhile', async () => {
    const version = stored()
    const before = clock.monotonicMs()
    await readThrough(version)
    expect(clock.monotonicMs() - before).toBeGreaterThanOrEqual(6 * 6)
  })
})
