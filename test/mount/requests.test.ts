import { execFile } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { QUIET_MS } from '../../engine/sync/quiet-times.ts'
import { type PailHome, startPail } from '../support/pail-mount.ts'
import { Polls } from '../support/polls.ts'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import { Dice, inParallel, MIB } from '../support/tree.ts'
import {
  countRequests,
  type RequestCounts,
  startVersitygw,
  type Versitygw,
} from '../support/versitygw.ts'

const run = promisify(execFile)
const BUCKET = 'requests'
/** Deletes that follow each other are sent together, but not later than this. */
const DELETE_GATHER_MS_MAX = 3_000
/** After the longest quiet time, whatever is to be sent is under way. */
const QUIET_OVER_MS = Math.max(...Object.values(QUIET_MS)) + 1_500

let server: Versitygw
let s3: PlainS3
let mount: PailHome
const polls = new Polls()
let asked: string[] = []
let readLines = 0

beforeAll(async () => {
  server = await startVersitygw()
  s3 = plainS3Client(server)
  await s3.createBucket(BUCKET)
  const dice = new Dice(1)
  const keys = [
    ...Array.from({ length: 3_000 }, (_, index) => `listed/${index}`),
    ...Array.from({ length: 1_000 }, (_, index) => `deleted/${index}`),
    ...Array.from({ length: 4_000 }, (_, index) => `tree/${index % 200}/${index}`),
  ]
  await inParallel(keys, 16, async (key) => {
    await s3.put(BUCKET, key, 'x')
  })
  await s3.put(BUCKET, 'large/64', dice.bytes(64 * MIB))
  mount = await startPail({ server, bucket: BUCKET })
  // What the endpoint honours is found out once, with the first upload.
  await fs.writeFile(mount.path('first'), 'x')
  await mount.flush()
})

afterAll(async () => {
  await mount?.cleanUp()
  s3?.close()
  await server?.stop()
})

beforeEach(async () => {
  await fs.readdir(mount.dir)
  await forgetRequests()
})

/** From now on only what is asked later counts. */
async function forgetRequests(): Promise<void> {
  await readRequests()
  asked = []
}

/** What operations asked for: a folder in use is polled besides, whatever is done in it. */
async function readRequests(): Promise<RequestCounts> {
  const { lines } = await server.requests()
  asked.push(...polls.without(lines.slice(readLines)))
  readLines = lines.length
  return countRequests(asked)
}

/** How many of each, by the server's own log. */
async function counts(): Promise<Readonly<Record<string, number>>> {
  return (await readRequests()).byAction
}

/** The keys that were put, in order. */
async function putKeys(): Promise<string[]> {
  const { lines } = await readRequests()
  return lines.map((line) => / s3_PutObject (\S+) /.exec(line)?.[1] ?? '').filter(Boolean)
}

describe('Listing', () => {
  test('3,000 files with their attributes asks for three pages, and the second time for nothing', async () => {
    const list = async () =>
      (await run('ls', ['-l', mount.path('listed')], { maxBuffer: 16 * MIB })).stdout
    expect((await list()).trim().split('\n')).toHaveLength(3_001)
    expect(await counts()).toEqual({ s3_ListObjectsV2: 3 })
    await forgetRequests()
    expect((await list()).trim().split('\n')).toHaveLength(3_001)
    expect(await counts()).toEqual({})
  })

  test('200 folders of 20 files with find asks at most eight times', async () => {
    const { stdout } = await run('find', [mount.path('tree'), '-type', 'f', '-size', '-2'], {
      maxBuffer: 16 * MIB,
    })
    expect(stdout.trim().split('\n')).toHaveLength(4_000)
    const seen = await counts()
    expect(Object.keys(seen)).toEqual(['s3_ListObjectsV2'])
    expect(seen.s3_ListObjectsV2).toBeLessThanOrEqual(8)
  })

  test('the free space, and looking for what is known not to be there, asks for nothing', async () => {
    await fs.readdir(mount.path('large'))
    await forgetRequests()
    await fs.statfs(mount.dir)
    for (const name of ['.git', '.hidden', 'absent']) {
      await expect(fs.stat(mount.path('large', name))).rejects.toThrow('ENOENT')
    }
    expect(await counts()).toEqual({})
  })
})

describe('Reading', () => {
  test('64 MiB from start to end fetches every byte once, in few requests', async () => {
    await run('dd', [`if=${mount.path('large', '64')}`, 'of=/dev/null', 'bs=128k'])
    const seen = await counts()
    expect(seen.s3_GetObject).toBeGreaterThan(1)
    expect(seen.s3_GetObject).toBeLessThanOrEqual(48)
    expect(seen.s3_HeadObject).toBeUndefined()
    await forgetRequests()
    await run('dd', [`if=${mount.path('large', '64')}`, 'of=/dev/null', 'bs=128k', 'iflag=direct'])
    expect(await counts()).toEqual({})
  })
})

describe('Writing', () => {
  test('files sends one PUT for each and asks about none', async () => {
    await fs.mkdir(mount.path('made'))
    const names = Array.from({ length: 60 }, (_, index) => `made/${index}`)
    for (const name of names) await fs.writeFile(mount.path(name), name)
    await mount.flush()
    expect((await putKeys()).sort()).toEqual(['made/', ...names].sort())
    expect(await counts()).toEqual({ s3_PutObject: 61 })
  })

  test('one file again and again within the quiet time sends the last content, once', async () => {
    for (let turn = 0; turn < 20; turn++) await fs.writeFile(mount.path('again'), `turn ${turn}`)
    await mount.flush()
    expect(await putKeys()).toEqual(['again'])
    expect(new TextDecoder().decode(await s3.get(BUCKET, 'again'))).toBe('turn 19')
  })

  test('through a temporary name sends the final name alone, and no empty stub', async () => {
    const name = 'saved.txt'
    await fs.writeFile(mount.path(`.${name}.tmp`), 'saved')
    await fs.rename(mount.path(`.${name}.tmp`), mount.path(name))
    const edit = ['-u', 'NONE', '-es', '-c', 's/^/by vim /', '-c', 'wq', mount.path('by-vim.txt')]
    await fs.writeFile(mount.path('by-vim.txt'), 'text\n')
    await run('vim', edit, { timeout: 20_000 })
    await mount.flush()
    await sleep(QUIET_OVER_MS)
    expect((await putKeys()).sort()).toEqual(['by-vim.txt', name])
    expect(await counts()).toEqual({ s3_PutObject: 2 })
    expect((await s3.head(BUCKET, name))?.sizeBytes).toBe(5)
    expect(new TextDecoder().decode(await s3.get(BUCKET, 'by-vim.txt'))).toBe('by vim text\n')
  })

  test('a file from two small steps, empty at first, sends no empty object', async () => {
    await run('sh', ['-c', 'touch "$0"; sleep 0.3; echo content > "$0"', mount.path('touched')])
    await mount.flush()
    expect(await putKeys()).toEqual(['touched'])
    expect((await s3.head(BUCKET, 'touched'))?.sizeBytes).toBe(8)
  })
})

describe('Removing', () => {
  test('what is not in the bucket yet sends nothing at all', async () => {
    // However long it takes here: nothing of it is in the bucket before it is removed.
    await mount.pail.run(['pause'])
    await fs.mkdir(mount.path('build/deep'), { recursive: true })
    for (let index = 0; index < 20; index++) {
      await fs.writeFile(mount.path('build', `${index}.tmp`), 'x')
      await fs.rename(mount.path('build', `${index}.tmp`), mount.path('build/deep', `${index}`))
    }
    await fs.writeFile(mount.path('short-lived'), 'x')
    await fs.unlink(mount.path('short-lived'))
    await fs.rm(mount.path('build'), { recursive: true })
    await mount.pail.run(['resume'])
    await sleep(QUIET_OVER_MS)
    await mount.flush()
    expect(await counts()).toEqual({})
  })

  test('1,000 files of one folder sends three requests, after one look whether they are the same', async () => {
    const startMs = performance.now()
    await run('rm', ['-r', mount.path('deleted')])
    const tookMs = performance.now() - startMs
    await mount.flush()
    const { s3_ListObjectsV2: lists = 0, ...others } = await counts()
    const { s3_HeadObject: heads = 0, s3_DeleteObjects = 0, s3_DeleteObject = 0 } = others
    const deletions = s3_DeleteObjects + s3_DeleteObject
    expect(Object.keys(others)).toContain('s3_DeleteObjects')
    // Three, unless the machine is so busy that `rm` alone takes longer than deletes are gathered.
    const gathers = Math.ceil(tookMs / DELETE_GATHER_MS_MAX)
    expect(deletions).toBeLessThanOrEqual(2 + gathers)
    // Two to read the folder; then a look before each deletion, by listings for many at once.
    expect(lists).toBeLessThanOrEqual(4 + 2 * gathers)
    expect(heads).toBeLessThanOrEqual(3 * gathers)
    expect(await s3.list(BUCKET, 'deleted/')).toEqual([])
  })
})
