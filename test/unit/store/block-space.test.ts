import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { SeededRandom, SystemClock } from '../../../engine/base/clock.ts'
import type { BlockCache } from '../../../engine/store/block-cache.ts'
import { allocatedFor } from '../../../engine/store/block-layout.ts'
import type { SpaceLimits } from '../../../engine/store/block-space.ts'
import { Conflicts } from '../../../engine/store/conflicts.ts'
import { blankNode, Nodes } from '../../../engine/store/nodes.ts'
import type { ObjectVersion } from '../../../engine/sync/content.ts'
import {
  contentOf,
  KIB,
  MIB,
  openCache,
  type TemporaryDatabase,
  temporaryDatabase,
  versionOf,
} from '../../support/memory-cache.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'

const GIB = 1024 * MIB
const clock = new SystemClock()
let disk: MemoryDisk
let data: TemporaryDatabase
let cache: BlockCache

beforeEach(() => {
  data = temporaryDatabase()
})

afterEach(async () => {
  await cache.close()
  data.remove()
})

async function begin(limits: SpaceLimits, capacityBytes?: number): Promise<void> {
  disk = new MemoryDisk({ isRecording: false, ...(capacityBytes ? { capacityBytes } : {}) })
  cache = await openCache(disk, data.database, clock, limits)
}

async function store(version: ObjectVersion, start = 0, end = version.sizeBytes): Promise<void> {
  const room = await cache.reserve(allocatedFor(end - start))
  try {
    await cache.put(version, start, contentOf(version, start, end - start), room)
  } finally {
    room.release()
  }
}

const isHere = (version: ObjectVersion) => cache.has(version, { start: 0, end: version.sizeBytes })

describe('CacheSpace', () => {
  test('evicts the least recently used version first', async () => {
    await begin({ cacheBytesMax: 4 * MIB, freeBytesMin: 0 })
    const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map((key) => versionOf(key, MIB))
    if (!a || !b || !c || !d || !e) throw new Error('five versions')
    for (const version of [a, b, c, d]) await store(version)
    await cache.read(a, 0, Buffer.alloc(10))
    await store(e)
    expect([a, b, c, d, e].map(isHere)).toEqual([true, false, expect.any(Boolean), true, true])
  })

  test('never evicts the base of a change, nor a side of a conflict: they may be all there is', async () => {
    await begin({ cacheBytesMax: 4 * MIB, freeBytesMin: 0 })
    const names = ['base', 'ours', 'theirs', 'other']
    const versions = names.map((key) => versionOf(key, MIB))
    const nodes = new Nodes(data.database)
    const add = ({ volume, key, etag }: ObjectVersion, staged: string | null) => {
      const place = { volume, parent: 16, name: key, kind: 'file' as const }
      const facts = { mode: 0, uid: 0, gid: 0, remoteKey: key, etag, staged }
      return nodes.insert(blankNode({ ...place, ...facts }, 0n)).id
    }
    data.database.writeNow(() => {
      for (const { volume } of versions) {
        const sql = "INSERT OR IGNORE INTO volume (id, endpoint, bucket) VALUES (?, 'e', 'b')"
        data.database.run(sql, volume)
      }
      const [base, ours, theirs, other] = versions
      if (!base || !ours || !theirs || !other) throw new Error('four versions')
      add(base, 'a'.repeat(32))
      const conflict = { volume: ours.volume, key: 'ours', ours: add(ours, null) }
      const side = { theirs: add(theirs, null), theirsEtag: theirs.etag, theirsSizeBytes: MIB }
      const when = { theirsMs: 0, host: 'host', atMs: 0 }
      new Conflicts(data.database).insert({ ...conflict, ...side, ...when })
      add(other, null)
    })
    for (const version of versions) await store(version)
    await store(versionOf('new', MIB))
    expect(versions.map(isHere)).toEqual([true, true, true, false])
  })

  test('never evicts what is pinned, which takes nothing of the cap; the disk is its limit', async () => {
    await begin({ cacheBytesMax: 1.5 * MIB, freeBytesMin: MIB }, 5 * MIB)
    const pinned = ['a', 'b', 'c'].map((key) => versionOf(key, MIB))
    for (const version of pinned) {
      await store(version)
      await cache.pin(version)
    }
    await store(versionOf('comes and goes', MIB))
    expect(await cache.roomForPinsBytes()).toBe(MIB)
    const room = await cache.reserve(MIB, 'pin')
    room.release()
    expect(isHere(versionOf('comes and goes', MIB)), 'it makes way for a pin').toBe(false)
    await expect(cache.reserve(MIB + 1, 'pin')).rejects.toMatchObject({ code: 'store/disk-full' })
    expect(pinned.map(isHere)).toEqual([true, true, true])
    expect(cache.usage()).toEqual({ bytes: 3 * MIB, pinnedBytes: 3 * MIB, versions: 3 })
    await cache.unpin(versionOf('b', MIB))
    await cache.unpin(versionOf('c', MIB))
    await cache.trim()
    expect(pinned.map(isHere), 'without its pin it counts again').toEqual([true, false, true])
  })

  test('pins survive a restart', async () => {
    await begin({ cacheBytesMax: 2 * MIB, freeBytesMin: 0 })
    const version = versionOf('a', MIB)
    await cache.pin(version)
    await store(version)
    await cache.close()
    cache = await openCache(disk, data.reopen(), clock, { cacheBytesMax: 2 * MIB, freeBytesMin: 0 })
    for (let i = 0; i < 5; i++) await store(versionOf(`x${i}`, MIB))
    expect(isHere(version)).toBe(true)
    expect(cache.usage().pinnedBytes).toBe(MIB)
  })

  test('evicts what somebody has open after everything else', async () => {
    await begin({ cacheBytesMax: 3 * MIB, freeBytesMin: 0 })
    const open = versionOf('open', MIB)
    cache.retain(open)
    await store(open)
    for (let i = 0; i < 6; i++) await store(versionOf(`x${i}`, MIB))
    expect(isHere(open)).toBe(true)
    await store(versionOf('large', 3 * MIB))
    expect(isHere(open)).toBe(false)
    cache.release(open)
  })

  test('a file larger than the cache makes room by giving up its own oldest part', async () => {
    await begin({ cacheBytesMax: 130 * MIB, freeBytesMin: 0 })
    const version = versionOf('large', 256 * MIB)
    cache.retain(version)
    for (let at = 0; at < 256 * MIB; at += 16 * MIB) {
      // A few pieces stand for each stretch; the room is what counts.
      const room = await cache.reserve(16 * MIB)
      await cache.put(version, at, contentOf(version, at, 16 * KIB), room)
      room.release()
    }
    await store(version, 0, MIB)
    expect(cache.has(version, { start: 0, end: MIB })).toBe(true)
    cache.release(version)
  })

  test('the free-disk floor holds: a tenth of the disk unless told otherwise', async () => {
    await begin({ cacheBytesMax: 1024 * MIB }, 20 * MIB)
    for (let i = 0; i < 40; i++) {
      await store(versionOf(`x${i}`, MIB))
      expect((await disk.space('/')).freeBytes).toBeGreaterThanOrEqual(2 * MIB)
    }
    await expect(cache.reserve(19 * MIB)).rejects.toMatchObject({ code: 'store/disk-full' })
  })

  test('the floor of a large disk is ten gigabytes, not a tenth of it', async () => {
    await begin({ cacheBytesMax: 4 * GIB }, 1000 * GIB)
    expect((await cache.room()).disk).toMatchObject({ floorBytes: 10_000_000_000 })
  })

  test('small files share one look at the free space, far from the floor alone', async () => {
    const looksFor = async (capacityBytes: number, fileBytes: number) => {
      await begin({ cacheBytesMax: 4 * GIB, freeBytesMin: GIB }, capacityBytes)
      const looks = vi.spyOn(disk, 'space')
      for (let count = 0; count < 10; count++) (await cache.reserve(fileBytes)).release()
      await cache.close()
      return looks.mock.calls.length
    }
    expect(await looksFor(4 * GIB, 16 * KIB)).toBeLessThan(10)
    expect(await looksFor(4 * GIB, 65 * MIB)).toBe(10)
    expect(await looksFor(2 * GIB, 16 * KIB)).toBe(10)
  })

  test('room that is promised counts against the cap until it is given back', async () => {
    await begin({ cacheBytesMax: 2 * MIB, freeBytesMin: 0 })
    const room = await cache.reserve(2 * MIB)
    await expect(cache.reserve(1)).rejects.toMatchObject({ code: 'store/cache-full' })
    room.release()
    room.release()
    ;(await cache.reserve(2 * MIB)).release()
  })

  test('everything that is neither pinned nor in use is let go when a person wants room', async () => {
    await begin({ cacheBytesMax: 8 * MIB, freeBytesMin: 0 })
    const [kept, other] = [versionOf('kept', MIB), versionOf('other', MIB)]
    await store(kept)
    await store(other)
    await cache.pin(kept)
    await cache.free()
    const whole = { start: 0, end: MIB }
    expect([cache.has(kept, whole), cache.has(other, whole)]).toEqual([true, false])
    expect(cache.usage()).toMatchObject({ bytes: MIB, pinnedBytes: MIB })
    expect((await cache.room()).limitBytes).toBe(8 * MIB)
  })

  test('a lowered cap takes effect at once', async () => {
    await begin({ cacheBytesMax: 8 * MIB, freeBytesMin: 0 })
    for (let i = 0; i < 8; i++) await store(versionOf(`x${i}`, MIB))
    await cache.setLimits({ cacheBytesMax: 3 * MIB, freeBytesMin: 0 })
    expect(cache.usage().bytes).toBeLessThanOrEqual(3 * MIB)
  })

  test('cap and floor hold at every moment of a random load, and nothing pinned goes', async () => {
    // Method: many puts, reads, pins and drops side by side on a small, sometimes failing disk.
    const seed = 20_260
    const random = new SeededRandom(seed)
    const cap = 6 * MIB
    await begin({ cacheBytesMax: cap, freeBytesMin: MIB }, 8 * MIB)
    const pinned = versionOf('pinned', 700_000)
    await cache.pin(pinned)
    await store(pinned)
    const step = async () => {
      const version = versionOf(`k${Math.floor(random.next() * 40)}`, 300_000)
      const choice = random.next()
      if (choice < 0.5)
        await store(version).catch((error) => expect(error.code).toMatch(/^store\//))
      else if (choice < 0.9) {
        const into = Buffer.alloc(100_000)
        const isThere = await cache.read(version, 50_000, into)
        if (isThere) expect(into.equals(contentOf(version, 50_000, 100_000))).toBe(true)
      } else if (choice < 0.95) await cache.drop(version)
      else disk.fail({ at: 3, errno: 'ENOSPC', calls: ['write'] })
      expect(disk.usedBytes, `seed ${seed}`).toBeLessThanOrEqual(cap + cache.usage().pinnedBytes)
      expect((await disk.space('/')).freeBytes, `seed ${seed}`).toBeGreaterThanOrEqual(MIB)
    }
    for (let round = 0; round < 100; round++) await Promise.all([step(), step(), step(), step()])
    expect(isHere(pinned)).toBe(true)
    disk.healed()
    await cache.close()
    cache = await openCache(disk, data.reopen(), clock, { cacheBytesMax: cap, freeBytesMin: MIB })
    await cache.reconciled
    expect(disk.usedBytes).toBeLessThanOrEqual(cache.usage().bytes)
  })
})
