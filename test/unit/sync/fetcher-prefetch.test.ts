import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SystemClock } from '../../../engine/base/clock.ts'
import { silentLog } from '../../../engine/base/log.ts'
import type { BlockCache } from '../../../engine/store/block-cache.ts'
import type { SpaceLimits } from '../../../engine/store/block-space.ts'
import type { ObjectVersion } from '../../../engine/sync/content.ts'
import { Fetcher, type Reader } from '../../../engine/sync/fetcher.ts'
import { SIBLING_BUDGET_BYTES, SiblingPattern } from '../../../engine/sync/prefetch-siblings.ts'
import type { Requests } from '../../../engine/sync/requests.ts'
import { PailError } from '../../../shared/errors.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import {
  contentOf,
  directRequests,
  GetOnlyStore,
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

describe('Fetcher.prefetch', () => {
  const siblings = (count: number, sizeBytes: number): ObjectVersion[] =>
    Array.from({ length: count }, (_, i) => versionOf(`dir/${i}`, sizeBytes))

  test('fetches files side by side, each with one request; reading them asks nothing more', async () => {
    const files = siblings(40, 20_000)
    server.delay = pause
    expect(await fetcher.prefetch(files, MIB)).toBe(40 * 20_000)
    expect(server.asked).toHaveLength(40)
    expect(server.sideBySideMax).toBeGreaterThan(8)
    for (const file of files) {
      const reader = fetcher.reader(file)
      await readPart(reader, 0, 20_000)
      reader.close()
    }
    expect(server.asked).toHaveLength(40)
    expect(await fetcher.prefetch(files, MIB)).toBe(0)
  })

  test('keeps to its budget', async () => {
    expect(await fetcher.prefetch(siblings(40, 100_000), 1_000_000)).toBe(1_000_000)
    expect(server.asked).toHaveLength(10)
  })

  test('a failure ends its own file alone; abort ends all', async () => {
    server.failNext(new PailError('s3/server', '500'))
    expect(await fetcher.prefetch(siblings(3, 1000), MIB)).toBe(2000)
    server.hold()
    const abort = new AbortController()
    const fetching = fetcher.prefetch(siblings(3, 2000), MIB, abort.signal)
    await settle()
    abort.abort(new PailError('engine/stopped', 'test'))
    expect(await fetching).toBe(0)
    await settle()
    expect(server.aborted).toHaveLength(3)
  })

  test('a program does not wait behind a prefetch that has not begun', async () => {
    await cache.close()
    const background: Requests = {
      run: (urgency, work, signal) =>
        urgency === 'interactive'
          ? directRequests.run(urgency, work, signal)
          : new Promise((_resolve, reject) => {
              signal?.addEventListener('abort', () => reject(signal.reason))
            }),
    }
    await begin(undefined, background)
    const abort = new AbortController()
    const fetching = fetcher.prefetch(siblings(1, 5000), MIB, abort.signal)
    await settle()
    const reader = fetcher.reader(versionOf('dir/0', 5000))
    await readPart(reader, 0, 5000)
    reader.close()
    abort.abort(new PailError('engine/stopped', 'test'))
    await fetching
  })

  test('300 small files read in order take less than a fifth of the round trips', async () => {
    const files = siblings(300, 20_000)
    const pattern = new SiblingPattern()
    let roundTrips = 0
    for (const [position, file] of files.entries()) {
      const reader = fetcher.reader(file)
      server.hold()
      let isDone = false
      const reading = readPart(reader, 0, 20_000).then(() => {
        isDone = true
      })
      for (await settle(); !isDone; await settle()) {
        roundTrips++
        server.release()
        server.hold()
      }
      await reading
      reader.close()
      const run = pattern.noteRead(1, position)
      if (!run) continue
      const next = files.slice(run.first, run.first + run.count)
      void fetcher.prefetch(next, SIBLING_BUDGET_BYTES)
    }
    expect(roundTrips).toBeLessThanOrEqual(60)
    expect(server.asked).toHaveLength(300)
  })
})
