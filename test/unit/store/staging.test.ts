/**
 * Goal: a small staged file lies in the database and a larger one in a file, and nobody can tell
 *       from its content; what was sealed or synced survives the step from one to the other.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SeededRandom } from '../../../engine/base/clock.ts'
import { silentLog } from '../../../engine/base/log.ts'
import { Database } from '../../../engine/store/database.ts'
import { INLINE_BYTES_MAX } from '../../../engine/store/staged-bytes.ts'
import { type StagedFile, StagingArea } from '../../../engine/store/staging.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'

const FOLDER = '/staging'
const NOTHING = { sizeBytes: 0, extents: [], baseBytes: 0 }

let folder: string
let database: Database
let disk: MemoryDisk
let staging: StagingArea

const open = () =>
  StagingArea.open({ disk, folder: FOLDER, database, random: new SeededRandom(1), log: silentLog })

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pail-staging-'))
  database = Database.open(join(folder, 'pail.db'))
  disk = new MemoryDisk()
  staging = await open()
})

afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true, force: true })
})

const bytes = (count: number, value: number) => new Uint8Array(count).fill(value)

async function seal(file: StagedFile): Promise<void> {
  await file.sumUp()
  await database.write(() => file.saveRecord())
}

async function contentOf(file: StagedFile): Promise<Uint8Array> {
  const content = new Uint8Array(file.sizeBytes)
  await file.read(0, content)
  return content
}

describe('A small staged file', () => {
  test('is sealed and read again without a file on disk', async () => {
    const file = staging.create(NOTHING)
    await file.write(bytes(600, 1), 0)
    await file.write(bytes(INLINE_BYTES_MAX - 600, 2), 600)
    await seal(file)
    await file.release()
    expect(await disk.list(FOLDER)).toEqual([])

    const again = await staging.load(file.id)
    expect(await contentOf(again)).toEqual(
      new Uint8Array([...bytes(600, 1), ...bytes(INLINE_BYTES_MAX - 600, 2)]),
    )
    await again.verify()
  })

  test('shows what was sealed last, when it was changed and not sealed again', async () => {
    const file = staging.create(NOTHING)
    await file.write(bytes(100, 1), 0)
    await seal(file)
    await file.write(bytes(100, 2), 0)
    await file.release()
    expect(await contentOf(await staging.load(file.id))).toEqual(bytes(100, 1))
  })

  test('moves into a file when it grows, and keeps every byte', async () => {
    const file = staging.create(NOTHING)
    await file.write(bytes(1000, 1), 0)
    await seal(file)
    await file.write(bytes(INLINE_BYTES_MAX, 2), 1000)
    await seal(file)
    await file.release()
    expect(await disk.list(FOLDER)).toEqual([file.id])
    expect(staging.isInline(file.id)).toBe(false)
    const content = await contentOf(await staging.load(file.id))
    expect(content).toEqual(new Uint8Array([...bytes(1000, 1), ...bytes(INLINE_BYTES_MAX, 2)]))
  })

  test('is what it was when the engine ends after it grew and before the next seal', async () => {
    const file = staging.create(NOTHING)
    await file.write(bytes(1000, 1), 0)
    await seal(file)
    await file.write(bytes(INLINE_BYTES_MAX, 2), 500)
    expect(await disk.list(FOLDER)).toEqual([file.id])

    staging = await open()
    await staging.removeUnknown()
    expect(await disk.list(FOLDER)).toEqual([])
    const again = await staging.load(file.id)
    expect(await contentOf(again)).toEqual(bytes(1000, 1))
    await again.write(bytes(INLINE_BYTES_MAX, 3), 1000)
    expect(again.sizeBytes).toBe(1000 + INLINE_BYTES_MAX)
  })

  test('that was released before the next seal leaves no file behind', async () => {
    const file = staging.create(NOTHING)
    await file.write(bytes(1000, 1), 0)
    await seal(file)
    await file.write(bytes(INLINE_BYTES_MAX, 2), 500)
    await file.release()
    expect(await disk.list(FOLDER)).toEqual([])
  })

  test('of which a part was never written still has its record', async () => {
    const file = staging.create({ sizeBytes: 5000, extents: [], baseBytes: 5000 })
    file.truncate(700)
    await seal(file)
    await file.release()
    const again = await staging.load(file.id)
    expect(again.record).toMatchObject({ sizeBytes: 700, extents: [], baseBytes: 700 })
  })
})

describe('Many small staged files', () => {
  test('take files when the memory for them is used up, and stay readable', async () => {
    const files: StagedFile[] = []
    for (let count = 0; (await disk.list(FOLDER)).length === 0; count++) {
      const file = staging.create(NOTHING)
      await file.write(bytes(INLINE_BYTES_MAX, count % 251), 0)
      files.push(file)
      expect(files.length).toBeLessThan(5000)
    }
    const last = files.at(-1)
    expect(last && (await contentOf(last))).toEqual(
      bytes(INLINE_BYTES_MAX, (files.length - 1) % 251),
    )
  })
})
