import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SeededRandom, SystemClock } from '../../../engine/base/clock.ts'
import { silentLog } from '../../../engine/base/log.ts'
import type { BlockCache } from '../../../engine/store/block-cache.ts'
import type { SpaceLimits } from '../../../engine/store/block-space.ts'
import { Fetcher, READ_STALL_MS, type Reader } from '../../../engine/sync/fetcher.ts'
import type { Requests } from '../../../engine/sync/requests.ts'
import { PailError } from '../../../shared/errors.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import {
  contentOf,
  directRequests,
  GetOnlyStore,
  KIB,
  MIB,
  openCache,
  type TemporaryDatabase,
  temporaryDatabase,
  versionOf,
} from '../../support/memory-cache.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'

const never = new AbortController().signal
let disk: MemoryDisk
let data: TemporaryDatabase
let cache: BlockCache
let server: GetOnlyStore
let fetcher: Fetcher
let clock: FakeClock

async function begin(limits?: SpaceLimits, requests: Requests = directRequests): Promise<void> {
  disk = new MemoryDisk({ isRecording: false })
  server = new GetOnlyStore()
  clock = new FakeClock()
  cache = await openCache(disk, data.database, new SystemClock(), limits)
  fetcher = new Fetcher({
    cache,
    storeOf: () => server.store,
    requestsOf: () => requests,
    clock,
    log: silentLog,
  })
}

beforeEach(async () => {
  data = temporaryDatabase()
  await begin()
})

afterEach(async () => {
  server.release()
  await fetcher.idle()
  await cache.close()
  data.remove()
})

async function readPart(reader: Reader, start: number, length: number, signal = never) {
  const into = Buffer.alloc(length)
  await reader.read(start, into, signal)
  expect(into.equals(contentOf(reader.version, start, length)), `bytes at ${start}`).toBe(true)
}

/** Long enough for answers to overlap. */
const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 3))

/** Lets everything that can happen without an answer happen. */
async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve))
}

describe('Fetcher', () => {
  test('asks nothing for an empty object', async () => {
    const reader = fetcher.reader(versionOf('empty', 0))
    await reader.read(0, new Uint8Array(0), never)
    reader.close()
    expect(server.asked).toEqual([])
  })

  test('fetches a small file with one request, and never again', async () => {
    const version = versionOf('small', 20_000)
    for (let i = 0; i < 3; i++) {
      const reader = fetcher.reader(version)
      await readPart(reader, 0, 4096)
      await readPart(reader, 4096, 20_000 - 4096)
      reader.close()
    }
    expect(server.asked).toEqual([{ key: 'small', start: 0, end: 20_000 }])
  })

  test('fetches a file of up to 1 MiB by one request, wherever it is read first', async () => {
    for (const [key, start] of [
      ['from its start', 0],
      ['from its middle', 600_000],
    ] as const) {
      const reader = fetcher.reader(versionOf(key, MIB))
      await readPart(reader, start, 4096)
      await readPart(reader, 0, MIB)
      reader.close()
      await fetcher.idle()
      expect(server.asked).toEqual([{ key, start: 0, end: MIB }])
      server.forget()
    }
    const reader = fetcher.reader(versionOf('larger', MIB + 1))
    await readPart(reader, 600_000, 4096)
    reader.close()
    expect(server.bytesAsked).toBeLessThanOrEqual(32 * KIB)
  })

  test('asks a few times for a range that arrives spoiled each time, then says so', async () => {
    const persistent: Requests = {
      run: async (_urgency, work, signal = never) => {
        while (true) {
          const result = await work(signal, () => {}).catch(() => undefined)
          if (result !== undefined) return result
          signal.throwIfAborted()
        }
      },
    }
    await cache.close()
    await begin(undefined, persistent)
    const spoiled = new PailError('s3/integrity', 'a bit flipped')
    for (let i = 0; i < 5; i++) server.failNext(spoiled)
    const reader = fetcher.reader(versionOf('spoiled', 1000))
    await expect(reader.read(0, Buffer.alloc(1000), never)).rejects.toBe(spoiled)
    expect(server.asked.length).toBe(3)
    await readPart(reader, 0, 1000)
    expect(server.asked.length).toBe(6)
    reader.close()
  })

  test('asks first for little more than what the program waits for', async () => {
    server.hold()
    const reader = fetcher.reader(versionOf('a', 1024 * MIB))
    const reading = readPart(reader, 0, 128 * KIB)
    await settle()
    expect(server.asked[0]).toEqual({ key: 'a', start: 0, end: 128 * KIB })
    expect(server.bytesAsked).toBeLessThanOrEqual(256 * KIB)
    server.release()
    await reading
    reader.close()
  })

  test('reads a large file in order with few, large, parallel requests', async () => {
    const version = versionOf('large', 96 * MIB)
    server.delay = pause
    const reader = fetcher.reader(version)
    for (let at = 0; at < version.sizeBytes; at += 128 * KIB) await readPart(reader, at, 128 * KIB)
    reader.close()
    await fetcher.idle()
    expect(server.bytesAsked).toBe(version.sizeBytes)
    expect(server.asked.length).toBeLessThan(60)
    expect(server.asked.slice(-8).every((each) => each.end - each.start === 4 * MIB)).toBe(true)
    expect(server.sideBySideMax).toBeGreaterThanOrEqual(4)
  })

  test.each([
    ['aligned, 64 KiB', 64 * KIB, 64 * KIB],
    ['unaligned, 64 KiB', 64 * KIB, 1],
    ['unaligned, 200,000 bytes', 200_000, 1],
    ['aligned, 1 MiB', MIB, 4 * KIB],
  ])(
    'random reads fetch at most 1.5 times what was asked: %s',
    async (_name, length, alignment) => {
      const version = versionOf('r', 2048 * MIB)
      const random = new SeededRandom(42)
      const reader = fetcher.reader(version)
      for (let i = 0; i < 60; i++) {
        const start =
          Math.floor((random.next() * (version.sizeBytes - length)) / alignment) * alignment
        await readPart(reader, start, length)
      }
      reader.close()
      await fetcher.idle()
      expect(server.bytesAsked / (60 * length)).toBeLessThanOrEqual(1.5)
    },
  )

  test('the very first random reads keep to the bound, too', async () => {
    const reader = fetcher.reader(versionOf('r', 1024 * MIB))
    await readPart(reader, 500_000_001, 64 * KIB)
    expect(server.bytesAsked).toBeLessThanOrEqual(1.5 * 64 * KIB)
    reader.close()
  })

  test('several interleaved readers each get their read-ahead', async () => {
    const version = versionOf('a', 400 * MIB)
    const readers = [0, 100, 200, 300].map((at) => ({
      at: at * MIB,
      reader: fetcher.reader(version),
    }))
    const one = fetcher.reader(version)
    for (let i = 0; i < 64; i++) {
      for (const { at } of readers) await readPart(one, at + i * 128 * KIB, 128 * KIB)
    }
    await fetcher.idle()
    // 256 reads of 128 KiB became fewer, larger requests.
    expect(server.asked.length).toBeLessThan(150)
    expect(server.bytesAsked / server.asked.length).toBeGreaterThan(512 * KIB)
    for (const { reader } of readers) reader.close()
    one.close()
  })

  test('two readers of one range share one request', async () => {
    const version = versionOf('a', 64 * MIB)
    server.hold()
    const readers = [fetcher.reader(version), fetcher.reader(version)]
    const reads = readers.map((reader) => readPart(reader, 10 * MIB, 64 * KIB))
    await settle()
    server.release()
    await Promise.all(reads)
    expect(server.asked).toHaveLength(1)
    for (const reader of readers) reader.close()
  })

  test('a read joins what is on its way and asks only for the rest', async () => {
    const version = versionOf('a', 64 * MIB)
    server.hold()
    const [first, second] = [fetcher.reader(version), fetcher.reader(version)]
    const reads = [
      readPart(first, 10 * MIB, 64 * KIB),
      readPart(second, 10 * MIB + 32 * KIB, 64 * KIB),
    ]
    await settle()
    expect(server.asked.map(({ start, end }) => [start - 10 * MIB, end - 10 * MIB])).toEqual([
      [0, 64 * KIB],
      [64 * KIB, 96 * KIB],
    ])
    server.release()
    await Promise.all(reads)
    first.close()
    second.close()
  })

  test('a read is served as soon as its own range is here, not when all read-ahead is', async () => {
    const reader = fetcher.reader(versionOf('a', 64 * MIB))
    server.hold()
    const reading = readPart(reader, 0, 128 * KIB)
    await settle()
    expect(server.asked.length).toBeGreaterThan(1)
    server.release(1)
    await reading
    reader.close()
  })

  test('a damaged piece on disk is fetched again, alone', async () => {
    const version = versionOf('a', 4 * MIB)
    const reader = fetcher.reader(version)
    await readPart(reader, 0, 4 * MIB)
    await fetcher.idle()
    server.forget()
    disk.flipBit(disk.paths[0] ?? '', 2 * MIB + 5)
    await readPart(reader, 0, 4 * MIB)
    expect(server.asked).toEqual([{ key: 'a', start: 2 * MIB, end: 2 * MIB + 16 * KIB }])
    reader.close()
  })

  test('another version in the bucket is a stale file, and never a blend', async () => {
    const version = versionOf('a', 4 * MIB, '"old"')
    const reader = fetcher.reader(version)
    await readPart(reader, MIB, 100_000)
    server.replace('a', '"new"')
    await readPart(reader, MIB, 100_000)
    const into = Buffer.alloc(200_000)
    await expect(reader.read(MIB, into, never)).rejects.toMatchObject({ code: 'vfs/stale' })
    reader.close()
  })

  test('a failed range stores nothing; its error reaches the reader; the next read asks again', async () => {
    const reader = fetcher.reader(versionOf('a', 4 * MIB))
    server.failNext(new PailError('s3/bad-reply', 'short body'))
    await expect(reader.read(MIB, Buffer.alloc(1000), never)).rejects.toMatchObject({
      code: 's3/bad-reply',
    })
    await fetcher.idle()
    expect(cache.usage().bytes).toBe(0)
    await readPart(reader, MIB, 1000)
    expect(server.asked).toHaveLength(2)
    reader.close()
  })

  test('failed read-ahead is no error of a read: the program asks for itself', async () => {
    const reader = fetcher.reader(versionOf('a', 64 * MIB))
    server.hold()
    const first = readPart(reader, 0, 128 * KIB)
    await settle()
    const second = readPart(reader, 128 * KIB, 128 * KIB)
    await settle()
    const { length } = server.asked
    server.release(1)
    await first
    server.failNext(new PailError('s3/server', '500'))
    server.release()
    await second
    expect(server.asked.length).toBeGreaterThan(length)
    reader.close()
  })

  test('giving up one read leaves the other one its range; giving up both ends the request', async () => {
    const version = versionOf('a', 64 * MIB)
    const [first, second] = [fetcher.reader(version), fetcher.reader(version)]
    const [one, two] = [new AbortController(), new AbortController()]
    server.hold()
    const reads = [
      first.read(MIB, Buffer.alloc(1000), one.signal),
      second.read(MIB, Buffer.alloc(1000), two.signal),
    ]
    const outcomes = Promise.allSettled(reads)
    await settle()
    one.abort(new PailError('vfs/interrupted', 'one'))
    await expect(reads[0]).rejects.toMatchObject({ code: 'vfs/interrupted' })
    expect(server.aborted).toEqual([])
    two.abort(new PailError('vfs/interrupted', 'two'))
    await outcomes
    await settle()
    expect(server.aborted).toHaveLength(1)
    server.release()
    await readPart(first, MIB, 1000)
    first.close()
    second.close()
  })

  test('closing a reader ends its read-ahead', async () => {
    const reader = fetcher.reader(versionOf('a', 64 * MIB))
    server.hold()
    const reading = readPart(reader, 0, 128 * KIB)
    await settle()
    server.release(1)
    await reading
    reader.close()
    await settle()
    expect(server.aborted.length).toBeGreaterThan(0)
    expect(fetcher.status()).toEqual({ fetches: 0, bytes: 0, versions: [] })
  })

  test('a read ends when nothing arrives for some seconds, and the buffer is left alone', async () => {
    const reader = fetcher.reader(versionOf('a', 64 * MIB))
    server.hold()
    const into = Buffer.alloc(1000)
    const reading = reader.read(MIB, into, never).then(
      () => 'read',
      (error) => error.code,
    )
    await settle()
    await clock.advance(READ_STALL_MS + 1)
    expect(await reading).toBe('net/timeout')
    server.release()
    await fetcher.idle()
    expect(into.every((byte) => byte === 0)).toBe(true)
    reader.close()
  })

  test('a slow line is no stall: a read lasts as long as bytes keep coming', async () => {
    const reader = fetcher.reader(versionOf('a', 64 * MIB))
    server.hold()
    const reading = readPart(reader, MIB, 1000)
    await settle()
    for (let i = 0; i < 20; i++) {
      await clock.advance(READ_STALL_MS / 2)
      server.drip()
    }
    server.release()
    await reading
    reader.close()
  })

  test('cached bytes are served while the network is gone', async () => {
    const version = versionOf('a', MIB)
    const reader = fetcher.reader(version)
    await readPart(reader, 0, MIB)
    await fetcher.idle()
    server.hold()
    await readPart(reader, 0, MIB)
    reader.close()
  })

  test('says what is on its way, by version', async () => {
    server.hold()
    const version = versionOf('a', 64 * MIB)
    const reader = fetcher.reader(version)
    const reading = readPart(reader, MIB, 64 * KIB)
    await settle()
    expect(fetcher.status()).toEqual({
      fetches: 1,
      bytes: 64 * KIB,
      versions: [{ version, fetches: 1, bytes: 64 * KIB }],
    })
    server.release()
    await reading
    reader.close()
  })
})

describe('Fetcher beside a cache that cannot take more', () => {
  const full: Array<[string, () => Promise<void>]> = [
    [
      'full of pinned files',
      async () => {
        await cache.close()
        await begin({ cacheBytesMax: 2 * MIB, freeBytesMin: 0 })
        const pinned = versionOf('pinned', 2 * MIB)
        await cache.pin(pinned)
        const reader = fetcher.reader(pinned)
        await readPart(reader, 0, 2 * MIB)
        reader.close()
        await fetcher.idle()
      },
    ],
    [
      'below the free-disk floor',
      async () => {
        await cache.close()
        await begin({ cacheBytesMax: 100 * MIB, freeBytesMin: 2 ** 50 })
      },
    ],
    [
      'on a disk that fails every write',
      async () => {
        disk.fail({ at: 1, errno: 'ENOSPC', calls: ['write'], isLasting: true })
      },
    ],
    [
      'on a disk that fails every read',
      async () => {
        disk.fail({ at: 1, errno: 'EIO', calls: ['read'], isLasting: true })
      },
    ],
  ]

  test.each(full)('reads go on: %s', async (_name, prepare) => {
    await prepare()
    server.forget()
    const reader = fetcher.reader(versionOf('a', 24 * MIB))
    for (let at = 0; at < 24 * MIB; at += 128 * KIB) await readPart(reader, at, 128 * KIB)
    expect(server.bytesAsked).toBeLessThanOrEqual(2 * 24 * MIB)
    reader.close()
  })
})

describe('Fetcher under load', () => {
  test('never has more than 48 MiB on its way', async () => {
    server.delay = pause
    const readers = Array.from({ length: 12 }, (_, i) =>
      fetcher.reader(versionOf(`f${i}`, 10 * MIB)),
    )
    await Promise.all(
      readers.map(async (reader) => {
        for (let at = 0; at < 10 * MIB; at += MIB) {
          await reader.read(at, Buffer.alloc(MIB), new AbortController().signal)
        }
        reader.close()
      }),
    )
    expect(server.bytesSideBySideMax).toBeLessThanOrEqual(48 * MIB)
    expect(server.bytesSideBySideMax).toBeGreaterThan(16 * MIB)
    expect(server.bytesAsked).toBe(12 * 10 * MIB)
  })
})
