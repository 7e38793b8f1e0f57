import { describe, expect, test } from 'vitest'
import { SeededRandom, SystemClock } from '../../../engine/base/clock.ts'
import { silentLog } from '../../../engine/base/log.ts'
import type { ObjectVersion } from '../../../engine/sync/content.ts'
import { Fetcher, type Reader } from '../../../engine/sync/fetcher.ts'
import { PailError } from '../../../shared/errors.ts'
import {
  contentOf,
  directRequests,
  GetOnlyStore,
  KIB,
  MIB,
  openCache,
  temporaryDatabase,
  versionOf,
} from '../../support/memory-cache.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'

const VERSIONS: readonly ObjectVersion[] = [
  versionOf('a', 1),
  versionOf('b', 16 * KIB),
  versionOf('c', 700_001),
  versionOf('d', 3 * MIB),
  versionOf('d', 3 * MIB, '"2"'),
  versionOf('e', 66 * MIB + 5),
]
const LIMITS = { cacheBytesMax: 5 * MIB, freeBytesMin: 0 }

/** One life of the engine on one disk. */
async function open(
  disk: MemoryDisk,
  data: ReturnType<typeof temporaryDatabase>,
  server: GetOnlyStore,
) {
  const cache = await openCache(disk, data.database, new SystemClock(), LIMITS)
  const fetcher = new Fetcher({
    cache,
    storeOf: () => server.store,
    requestsOf: () => directRequests,
    clock: new SystemClock(),
    log: silentLog,
  })
  return { cache, fetcher, readers: new Map<ObjectVersion, Reader>() }
}

async function randomRead(
  life: Awaited<ReturnType<typeof open>>,
  random: SeededRandom,
): Promise<'read' | 'failed'> {
  const version = VERSIONS[Math.floor(random.next() * VERSIONS.length)] ?? versionOf('a', 1)
  const reader = life.readers.get(version) ?? life.fetcher.reader(version)
  life.readers.set(version, reader)
  const start = Math.floor(random.next() ** 3 * version.sizeBytes)
  const length = 1 + Math.floor(random.next() * Math.min(300_000, version.sizeBytes - start - 1))
  const abort = new AbortController()
  const into = Buffer.alloc(length)
  const reading = reader.read(start, into, abort.signal)
  if (random.next() < 0.05) abort.abort(new PailError('vfs/interrupted', 'the program gave up'))
  try {
    await reading
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(PailError)
    expect(['s3/server', 'vfs/interrupted']).toContain((thrown as PailError).code)
    return 'failed'
  }
  if (!into.equals(contentOf(version, start, length))) throw new Error(`wrong bytes at ${start}`)
  return 'read'
}

/** @returns true when a file was changed behind the cache's back, so that room is not exact */
function disturb(disk: MemoryDisk, server: GetOnlyStore, random: SeededRandom): boolean {
  const choice = random.next()
  const paths = disk.paths.filter((path) => path.startsWith('/cache/'))
  const path = paths[Math.floor(random.next() * paths.length)]
  if (choice < 0.2) server.failNext(new PailError('s3/server', '500'))
  else if (choice < 0.4) disk.fail({ at: 2, errno: 'ENOSPC', calls: ['write'] })
  else if (choice < 0.5) disk.fail({ at: 2, errno: 'EIO', calls: ['read', 'open', 'create'] })
  if (choice < 0.5 || path === undefined) return false
  if (choice < 0.7) disk.flipBit(path, Math.floor(random.next() * disk.contentOf(path).length))
  else if (choice < 0.8) disk.tamper(path, (file) => file.truncate(Math.floor(file.sizeBytes / 2)))
  else if (choice < 0.9) disk.steal(path)
  else disk.plantLink(path)
  return true
}

describe('Fetcher and BlockCache', () => {
  test.each([1, 2, 3, 4])(
    'random reads of random versions give the right bytes through damage, kills and power loss: seed %i',
    async (seed) => {
      const random = new SeededRandom(seed)
      const data = temporaryDatabase()
      const server = new GetOnlyStore()
      let disk = new MemoryDisk()
      let done = 0
      for (let round = 0; round < 12; round++) {
        const life = await open(disk, data, server)
        await life.cache.reconciled
        let isExact = true
        for (let i = 0; i < 25; i++) {
          if (random.next() < 0.1 && disturb(disk, server, random)) isExact = false
          const together = Array.from({ length: 1 + Math.floor(random.next() * 3) }, () =>
            randomRead(life, random),
          )
          const outcomes = await Promise.all(together)
          done += outcomes.filter((outcome) => outcome === 'read').length
          if (isExact)
            expect(disk.usedBytes, `seed ${seed}`).toBeLessThanOrEqual(LIMITS.cacheBytesMax)
        }
        disk.healed()
        for (const reader of life.readers.values()) reader.close()
        await life.fetcher.idle()
        await life.cache.close()
        data.reopen()
        disk = random.next() < 0.5 ? disk.killed() : disk.cut(random)
        disk.checkpoint()
      }
      data.remove()
      expect(done).toBeGreaterThan(400)
    },
  )
})
