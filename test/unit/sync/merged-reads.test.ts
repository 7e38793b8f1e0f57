import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SeededRandom } from '../../../engine/base/clock.ts'
import { silentLog } from '../../../engine/base/log.ts'
import type { Etag } from '../../../engine/s3/object-store.ts'
import { Database } from '../../../engine/store/database.ts'
import { type StagedFile, StagingArea } from '../../../engine/store/staging.ts'
import type { ObjectVersion } from '../../../engine/sync/content.ts'
import { MergedReads } from '../../../engine/sync/merged-reads.ts'
import { ReadSessions } from '../../../engine/sync/read-session.ts'
import { PailError } from '../../../shared/errors.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'

const SIZE = 100
const versionOf = (etag: string, sizeBytes = SIZE): ObjectVersion => ({
  volume: 1,
  key: 'file',
  etag: etag as Etag,
  sizeBytes,
})
const [OLD, NEW, SHORT] = [versionOf('"old"'), versionOf('"new"'), versionOf('"new"', 7)]

let folder: string
let database: Database
let clock: FakeClock
let staged: StagedFile | undefined
let version: ObjectVersion

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pail-merged-'))
  database = Database.open(join(folder, 'pail.db'))
  clock = new FakeClock()
  version = OLD
  const staging = await StagingArea.open({
    disk: new MemoryDisk(),
    folder: '/staging',
    database,
    random: new SeededRandom(1),
    log: silentLog,
  })
  staged = staging.create({ sizeBytes: SIZE, extents: [], baseBytes: SIZE })
  await staged.write(new Uint8Array(10).fill(1), 0)
})

afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Reads the whole file, of whose versions the bucket has only those that `bytesOf` knows. */
function readAll(
  bytesOf: Readonly<Record<string, number>>,
  findOwnBase: () => Promise<boolean> = async () => false,
): Promise<Uint8Array> {
  const openReader = (asked: ObjectVersion) => ({
    version: asked,
    fetchedBytes: 0,
    close() {},
    read: async (offset: number, into: Uint8Array) => {
      const value = bytesOf[asked.etag]
      if (value === undefined) throw new PailError('vfs/stale', 'the object is another version now')
      into.fill(value)
      if (offset < 10) into.fill(1, 0, 10 - offset)
    },
  })
  const reads = new MergedReads({ clock, openReader, findOwnBase }, () => [version, staged])
  const into = new Uint8Array(SIZE)
  const [session, signal] = [new ReadSessions(1).open(false), new AbortController().signal]
  if (!staged) throw new Error('something is staged')
  return reads.merged(session, staged, 0, into, signal).then(() => into)
}

const expected = new Uint8Array(SIZE).fill(2).fill(1, 0, 10)

describe('A read of a changed file', () => {
  test('puts what is staged over its base', async () => {
    expect(await readAll({ '"old"': 2 })).toEqual(expected)
  })

  test('goes on with what was uploaded when its own upload takes the base away', async () => {
    const reading = readAll({ '"new"': 2 })
    await clock.advance(100)
    version = NEW
    staged = undefined
    await clock.advance(100)
    expect(await reading).toEqual(expected)
  })

  test('goes on at once with an earlier upload of its own that nobody remembered', async () => {
    const read = await readAll({ '"new"': 2 }, async () => {
      version = NEW
      return true
    })
    expect(read).toEqual(expected)
  })

  test('is stale when somebody else took the base away', async () => {
    const reading = expect(readAll({ '"foreign"': 3 })).rejects.toMatchObject({ code: 'vfs/stale' })
    await clock.advance(10_000)
    await reading
  })

  test('is stale when what is there now cannot be what was uploaded', async () => {
    const reading = expect(readAll({ '"new"': 2 })).rejects.toMatchObject({ code: 'vfs/stale' })
    await clock.advance(100)
    version = SHORT
    staged = undefined
    await clock.advance(100)
    await reading
  })
})
