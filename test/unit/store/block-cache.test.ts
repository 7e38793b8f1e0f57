import { dirname } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SeededRandom, SystemClock } from '../../../engine/base/clock.ts'
import type { BlockCache } from '../../../engine/store/block-cache.ts'
import { allocatedFor, PIECE_SIZE_BYTES } from '../../../engine/store/block-layout.ts'
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

const clock = new SystemClock()
let disk: MemoryDisk
let data: TemporaryDatabase
let cache: BlockCache

beforeEach(async () => {
  disk = new MemoryDisk()
  data = temporaryDatabase()
  cache = await openCache(disk, data.database, clock)
})

afterEach(async () => {
  await cache.close()
  expect(disk.openFiles).toBe(0)
  data.remove()
})

async function store(version: ObjectVersion, start = 0, end = version.sizeBytes): Promise<void> {
  const room = await cache.reserve(allocatedFor(end - start))
  await cache.put(version, start, contentOf(version, start, end - start), room)
  room.release()
}

async function readBack(version: ObjectVersion, start = 0, end = version.sizeBytes) {
  const into = Buffer.alloc(end - start)
  const isThere = await cache.read(version, start, into)
  if (isThere) expect(into.equals(contentOf(version, start, end - start))).toBe(true)
  return isThere
}

async function restart(next: MemoryDisk, limits?: Parameters<typeof openCache>[3]): Promise<void> {
  await cache.close()
  disk = next
  cache = await openCache(disk, data.reopen(), clock, limits)
  await cache.reconciled
}

const cacheFiles = () => disk.paths.filter((path) => path.startsWith('/cache/'))

describe('BlockCache', () => {
  test('gives back what was put, at any offset and length', async () => {
    const version = versionOf('a', 3 * MIB + 12_345)
    await store(version)
    const random = new SeededRandom(11)
    for (let i = 0; i < 200; i++) {
      const start = Math.floor(random.next() * version.sizeBytes)
      const end = start + 1 + Math.floor(random.next() * (version.sizeBytes - start))
      expect(await readBack(version, start, end)).toBe(true)
    }
  })

  test('names what is missing in whole pieces, neighbours joined', async () => {
    const version = versionOf('a', MIB + 100)
    await store(version, 2 * PIECE_SIZE_BYTES, 4 * PIECE_SIZE_BYTES)
    expect(cache.missing(version, { start: 20_000, end: MIB + 100 })).toEqual([
      { start: PIECE_SIZE_BYTES, end: 2 * PIECE_SIZE_BYTES },
      { start: 4 * PIECE_SIZE_BYTES, end: MIB + 100 },
    ])
    expect(await readBack(version, 20_000, 40_000)).toBe(false)
    expect(cache.missing(version, { start: 5, end: 5 })).toEqual([])
  })

  test('keeps versions of one key, and equal keys of two buckets, apart', async () => {
    const old = versionOf('a', 50_000)
    await store(old)
    expect(await readBack(versionOf('a', 50_000, '"2"'))).toBe(false)
    expect(await readBack({ ...old, volume: 2 })).toBe(false)
    expect(await readBack(versionOf('a', 49_999))).toBe(false)
  })

  test('names no cache file after its key', async () => {
    await store(versionOf('secret-name/../../x', 100))
    expect(cacheFiles()).toHaveLength(1)
    expect(cacheFiles()[0]).toMatch(/^\/cache\/[0-9a-f]{2}\/[0-9a-f]{40}$/)
  })

  test('remembers after a restart', async () => {
    const version = versionOf('a', 70 * MIB)
    await store(version, 0, MIB)
    await store(version, 69 * MIB)
    const before = cache.usage()
    await restart(disk)
    expect(await readBack(version, 0, MIB)).toBe(true)
    expect(await readBack(version, 69 * MIB)).toBe(true)
    expect(cache.missing(version, { start: 0, end: 70 * MIB })).toEqual([
      { start: MIB, end: 69 * MIB },
    ])
    expect(cache.usage()).toEqual(before)
  })

  test('finds every flipped bit, also while running, and forgets only the damaged piece', async () => {
    const version = versionOf('a', 200 * KIB)
    await store(version)
    const path = cacheFiles()[0] ?? ''
    for (let at = 100; at < version.sizeBytes; at += 4_099) {
      expect(await readBack(version)).toBe(true)
      disk.flipBit(path, at)
      const piece = Math.floor(at / PIECE_SIZE_BYTES) * PIECE_SIZE_BYTES
      const end = Math.min(piece + PIECE_SIZE_BYTES, version.sizeBytes)
      expect(await readBack(version, at, at + 1)).toBe(false)
      expect(cache.missing(version, { start: 0, end: version.sizeBytes })).toEqual([
        { start: piece, end },
      ])
      await store(version, piece, end)
    }
    expect(cache.usage().bytes).toBe(allocatedFor(version.sizeBytes))
  })

  test('treats a truncated, deleted or replaced cache file as missing', async () => {
    const version = versionOf('a', 200 * KIB)
    const harm: Array<(path: string) => void> = [
      (path) => disk.tamper(path, (file) => file.truncate(100 * KIB)),
      (path) => disk.tamper(path, (file) => file.truncate(0)),
      (path) => disk.steal(path),
      (path) => disk.plantLink(path),
    ]
    for (const harmFile of harm) {
      await store(version)
      await restart(disk)
      harmFile(cacheFiles()[0] ?? '')
      expect(await readBack(version, 150 * KIB, 151 * KIB)).toBe(false)
      await store(version, 144 * KIB, 160 * KIB)
      expect(await readBack(version, 150 * KIB, 151 * KIB)).toBe(true)
      await cache.drop(version)
      expect(cacheFiles()).toEqual([])
    }
    expect(cache.usage()).toEqual({ bytes: 0, pinnedBytes: 0, versions: 0 })
  })

  test('never serves a hole after power loss: rows are there, data is lost, zero or torn', async () => {
    const version = versionOf('a', 2 * MIB + 777)
    for (let at = 0; at < version.sizeBytes; at += 256 * KIB) {
      await store(version, at, Math.min(at + 256 * KIB, version.sizeBytes))
    }
    for (const path of cacheFiles()) await disk.syncDirectory(dirname(path))
    await disk.syncDirectory('/cache')
    let served = 0
    let lost = 0
    for (let seed = 0; seed < 60; seed++) {
      const rows = data.copy()
      const other = await openCache(disk.cut(new SeededRandom(seed)), rows.database, clock)
      expect(other.missing(version, { start: 0, end: version.sizeBytes })).toEqual([])
      for (let at = 0; at < version.sizeBytes; at += 10_000) {
        const into = Buffer.alloc(Math.min(10_000, version.sizeBytes - at))
        if (await other.read(version, at, into)) {
          served++
          expect(into.equals(contentOf(version, at, into.length)), `seed ${seed}`).toBe(true)
        } else lost++
      }
      await other.close()
      rows.remove()
    }
    expect(served).toBeGreaterThan(100)
    expect(lost).toBeGreaterThan(100)
  })

  test('a kill between data and row leaves no claim, and the bytes are counted', async () => {
    const version = versionOf('a', 64 * KIB)
    await store(version, 0, 16 * KIB)
    disk.tamper(cacheFiles()[0] ?? '', (file) => file.write(Buffer.alloc(16 * KIB, 1), 16 * KIB))
    await restart(disk.killed())
    expect(cache.missing(version, { start: 0, end: 64 * KIB })).toEqual([
      { start: 16 * KIB, end: 64 * KIB },
    ])
    expect(cache.usage().bytes).toBe(32 * KIB)
    await cache.drop(version)
    expect(cache.usage().bytes).toBe(0)
  })

  test('removes files without a row and rows without a file at the start', async () => {
    const kept = versionOf('kept', 20_000)
    const gone = versionOf('gone', 20_000)
    await store(kept)
    const [keptPath] = cacheFiles()
    await store(gone)
    const gonePath = cacheFiles().find((path) => path !== keptPath) ?? ''
    await disk.makeDirectory('/cache/zz')
    for (const path of ['/cache/zz/stranger', '/cache/stray']) {
      await (await disk.open(path, 'create')).close()
    }
    disk.plantLink('/cache/zz/link')
    await disk.remove(gonePath)
    await restart(disk)
    expect(cacheFiles()).toEqual([keptPath])
    expect(await disk.list('/cache/zz')).toEqual([])
    expect(cache.usage()).toEqual({ bytes: 20 * KIB, pinnedBytes: 0, versions: 1 })
    expect(await readBack(gone)).toBe(false)
    expect(await readBack(kept)).toBe(true)
  })

  test('a dropped version leaves nothing behind, even while it is read and written', async () => {
    const version = versionOf('a', MIB)
    await store(version)
    const into = Buffer.alloc(MIB)
    const room = await cache.reserve(MIB)
    const work = [
      cache.read(version, 0, into),
      cache.put(version, 0, contentOf(version, 0, MIB), room),
      cache.drop(version),
    ]
    await Promise.all(work)
    room.release()
    expect(cacheFiles()).toEqual([])
    expect(cache.usage()).toEqual({ bytes: 0, pinnedBytes: 0, versions: 0 })
  })

  test('a failed write believes nothing and says why', async () => {
    const version = versionOf('a', MIB)
    for (const [errno, code] of [
      ['ENOSPC', 'store/disk-full'],
      ['EIO', 'store/io'],
    ] as const) {
      for (const call of ['create', 'write', 'makeDirectory'] as const) {
        disk.fail({ at: 1, errno, calls: [call] })
        const room = await cache.reserve(MIB)
        const outcome = await cache.put(version, 0, contentOf(version, 0, MIB), room).then(
          () => 'stored',
          (error) => error.code,
        )
        room.release()
        disk.healed()
        expect([code, 'stored']).toContain(outcome)
        expect(await readBack(version)).toBe(outcome === 'stored')
        await cache.drop(version)
      }
    }
    await store(version)
    expect(await readBack(version)).toBe(true)
  })
})

describe('BlockCache.adopt', () => {
  async function stage(path: string, bytes: Uint8Array): Promise<void> {
    await disk.makeDirectory('/staging')
    const file = await disk.open(path, 'create')
    await file.write(bytes, 0)
    await file.close()
  }

  test('makes a staged file the cache file of its version without copying it', async () => {
    const version = versionOf('a', 5 * MIB + 3)
    await store(version, 0, 64 * KIB)
    await stage('/staging/1', contentOf(version, 0, version.sizeBytes))
    expect(await cache.adopt(version, '/staging/1')).toBe(true)
    expect(await disk.exists('/staging/1')).toBe(false)
    expect(await readBack(version)).toBe(true)
    expect(cacheFiles()).toHaveLength(1)
    expect(cache.usage().bytes).toBe(allocatedFor(version.sizeBytes))
    await restart(disk)
    expect(await readBack(version)).toBe(true)
  })

  test('keeps only whole pieces of a partly staged file', async () => {
    const version = versionOf('a', MIB)
    await stage('/staging/1', contentOf(version, 0, MIB))
    const extents = [
      { start: 1000, end: 50_000 },
      { start: 900_000, end: MIB },
    ]
    expect(await cache.adopt(version, '/staging/1', extents)).toBe(true)
    expect(cache.missing(version, { start: 0, end: MIB })).toEqual([
      { start: 0, end: 16 * KIB },
      { start: 48 * KIB, end: 55 * 16 * KIB },
    ])
    await store(version, 48 * KIB, 55 * 16 * KIB)
    expect(await readBack(version, 16 * KIB, MIB)).toBe(true)
  })

  test('takes staged bytes that have no file, when they are whole pieces', async () => {
    const version = versionOf('a', 9000)
    const bytes = contentOf(version, 0, version.sizeBytes)
    expect(await cache.adoptBytes(version, bytes, [{ start: 10, end: 9000 }])).toBe(false)
    expect(await cache.adoptBytes(version, bytes, [{ start: 0, end: 9000 }])).toBe(true)
    expect(await readBack(version)).toBe(true)
    await restart(disk, { cacheBytesMax: 4096, freeBytesMin: 0 })
    const other = versionOf('b', 9000)
    const more = contentOf(other, 0, other.sizeBytes)
    expect(await cache.adoptBytes(other, more, [{ start: 0, end: 9000 }])).toBe(false)
    expect(await readBack(other)).toBe(false)
  })

  test('removes the staged file when there is no room, or when it is too short', async () => {
    const version = versionOf('a', MIB)
    await stage('/staging/1', contentOf(version, 0, 1000))
    expect(await cache.adopt(version, '/staging/1')).toBe(false)
    await restart(disk, { cacheBytesMax: MIB / 2, freeBytesMin: 0 })
    await stage('/staging/2', contentOf(version, 0, MIB))
    expect(await cache.adopt(version, '/staging/2')).toBe(false)
    expect(disk.paths).toEqual([])
    expect(cache.usage()).toEqual({ bytes: 0, pinnedBytes: 0, versions: 0 })
  })
})
