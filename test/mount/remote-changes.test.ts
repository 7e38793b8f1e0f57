/** What others store in a bucket while a folder of it is open here. */
import * as fs from 'node:fs/promises'
import { constants } from 'node:os'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { connectEngine } from '../../engine/mounts/client.ts'
import type { EngineClient } from '../../engine/mounts/engine-client.ts'
import type { EventValue } from '../../shared/engine-contract.ts'
import { type PailHome, pailMount } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import { Dice, KIB } from '../support/tree.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

/** What is promised, and what a busy machine may add. */
const SEEN = { timeout: 15_000 + 5_000, interval: 100 }
const { ESTALE, EIO } = constants.errno
const SEED = 20_261

let server: Versitygw
let s3: PlainS3

beforeAll(async () => {
  server = await startVersitygw()
  s3 = plainS3Client(server)
})

afterAll(async () => {
  s3?.close()
  await server?.stop()
})

async function mountOf(bucket: string, files: Record<string, string>): Promise<PailHome> {
  await s3.createBucket(bucket)
  for (const [key, text] of Object.entries(files)) await s3.put(bucket, key, text)
  return pailMount({ server, bucket })
}

async function engineOf(mount: PailHome): Promise<EngineClient> {
  const engine = await connectEngine(mount.dataDir)
  onTestFinished(() => engine.close())
  return engine
}

const textAt = (mount: PailHome, name: string) => fs.readFile(mount.path(name), 'utf8')

describe('A folder that a program holds open', () => {
  test('learns of new, changed and removed files without asking for them, and tells', async () => {
    const mount = await mountOf('held', { 'd/a': 'first', 'd/b': 'goes' })
    const engine = await engineOf(mount)
    const arrived: EventValue<'files/arrived'>[] = []
    engine.on('files/arrived', (value) => arrived.push(value))
    expect((await fs.readdir(mount.path('d'))).sort()).toEqual(['a', 'b'])
    expect(await textAt(mount, 'd/a')).toBe('first')
    const held = await fs.open(mount.path('d'))
    onTestFinished(() => held.close())

    await s3.put('held', 'd/a', 'second, and longer')
    await s3.put('held', 'd/c', 'new')
    await s3.delete('held', 'd/b')
    const paths = () => new Set(arrived.flatMap((batch) => batch.paths))
    const expected = new Set([mount.path('d/a'), mount.path('d/c')])
    await expect.poll(paths, SEEN).toEqual(expected)
    expect(arrived[0]?.dir).toBe(mount.dir)

    await server.resetRequests()
    expect((await fs.stat(mount.path('d/a'))).size).toBe('second, and longer'.length)
    expect(await textAt(mount, 'd/a')).toBe('second, and longer')
    expect(await textAt(mount, 'd/c')).toBe('new')
    await expect(fs.stat(mount.path('d/b'))).rejects.toThrow('ENOENT')
  })

  test('is listed again every few seconds, and not at all once nobody holds it', async () => {
    const mount = await mountOf('counted', { 'd/a': 'a' })
    await fs.readdir(mount.path('d'))
    const held = await fs.open(mount.path('d'))
    const lists = async () => (await server.requests()).byAction.s3_ListObjectsV2 ?? 0
    await server.resetRequests()
    await expect.poll(lists, { timeout: 40_000, interval: 200 }).toBeGreaterThanOrEqual(2)
    await held.close()
    const { requests = [] } = await mount.status()
    expect(requests).toHaveLength(1)
    expect(requests[0]).toMatchObject({ endpointUrl: server.url, polling: 'normal' })
    expect(requests[0]?.day.list).toBeGreaterThanOrEqual(2)
    const engine = await engineOf(mount)
    const key = { endpointUrl: server.url, accessKeyId: requests[0]?.accessKeyId ?? '' }
    const asked = await engine.call('requests/get', key)
    expect(asked.watching).toMatchObject({ everyMs: expect.any(Number) })
    const raised = await engine.call('requests/set-budget', { ...key, listsPerMonth: 7_000 })
    expect(raised).toMatchObject({ listsPerMonth: 7_000, day: asked.day })
  })
})

describe('A refresh', () => {
  test('shows at once what another client stored, for the folder that was asked for', async () => {
    const mount = await mountOf('refreshed', { 'd/a': 'first', 'd/b': 'goes' })
    const engine = await engineOf(mount)
    expect(await fs.readdir(mount.path('d'))).toHaveLength(2)
    expect(await textAt(mount, 'd/a')).toBe('first')
    await s3.put('refreshed', 'd/a', 'second')
    await s3.put('refreshed', 'd/c', 'new')
    await s3.delete('refreshed', 'd/b')
    const { changes } = await engine.call('folders/refresh', { dir: mount.dir, path: 'd' })
    expect(changes).toBe(3)
    expect(await fs.readdir(mount.path('d'))).toEqual(['a', 'c'])
    expect(await textAt(mount, 'd/a')).toBe('second')
    expect(await engine.call('folders/refresh', { dir: mount.dir, path: 'd' })).toEqual({
      changes: 0,
    })
  })
})

describe('A name that was not there', () => {
  test('is there within seconds of being stored, also for a program that asks all the time', async () => {
    const mount = await mountOf('awaited', { 'd/a': 'first' })
    await fs.readdir(mount.path('d'))
    const exists = () =>
      fs.stat(mount.path('d/output')).then(
        () => true,
        () => false,
      )
    expect(await exists()).toBe(false)
    await s3.put('awaited', 'd/output', 'done')
    await expect.poll(exists, { timeout: 5_000 + 3_000, interval: 50 }).toBe(true)
  })
})

describe('A file that was stored anew since its folder was listed', () => {
  test('is read as it is now by who opens it, when it is as long as before', async () => {
    const mount = await mountOf('as-long', { 'd/a': 'A'.repeat(200 * KIB) })
    expect((await fs.stat(mount.path('d/a'))).size).toBe(200 * KIB)
    await s3.put('as-long', 'd/a', 'B'.repeat(200 * KIB))
    expect(await textAt(mount, 'd/a')).toBe('B'.repeat(200 * KIB))
  })

  test('fails once when it is longer now, and is there for who opens it again', async () => {
    const mount = await mountOf('longer', { 'd/a': 'A'.repeat(200 * KIB) })
    expect((await fs.stat(mount.path('d/a'))).size).toBe(200 * KIB)
    await s3.put('longer', 'd/a', 'B'.repeat(300 * KIB))
    await expect(textAt(mount, 'd/a')).rejects.toMatchObject({ errno: -ESTALE })
    expect(await textAt(mount, 'd/a')).toBe('B'.repeat(300 * KIB))
  })
})

describe('A file that is replaced all the time', () => {
  test('is read as one version or fails, through the pages of the kernel too', async () => {
    const SIZE = 384 * KIB
    const ROUNDS = 40
    const version = (number: number) => Buffer.alloc(SIZE - number * 1_000, number)
    const mount = await mountOf('replaced', {})
    await s3.put('replaced', 'f', version(1))
    const engine = await engineOf(mount)
    await engine.call('folders/refresh', { dir: mount.dir })
    let isOver = false
    let failures = 0
    let whole = 0
    const read = async (dice: Dice) => {
      while (!isOver) {
        let file: fs.FileHandle | undefined
        try {
          file = await fs.open(mount.path('f'))
          const { size } = await file.stat()
          const seen = new Set<number>()
          for (let reads = 0; reads < 12; reads++) {
            const chunk = Buffer.alloc(1 + dice.below(64 * KIB))
            const at = dice.below(size)
            const { bytesRead } = await file.read(chunk, 0, chunk.length, at)
            for (const byte of chunk.subarray(0, bytesRead)) seen.add(byte)
          }
          const [only = 0] = seen
          expect([...seen], `seed ${SEED}`).toEqual([only])
          expect(size, `seed ${SEED}`).toBe(version(only).length)
          whole++
        } catch (thrown) {
          const { errno = 0 } = thrown as NodeJS.ErrnoException
          if (![ESTALE, EIO].includes(-errno)) throw thrown
          failures++
        } finally {
          await file?.close()
        }
      }
    }
    const readers = [1, 2, 3].map((number) => read(new Dice(SEED + number)))
    try {
      for (let number = 2; number <= ROUNDS; number++) {
        await s3.put('replaced', 'f', version(number))
        await engine.call('folders/refresh', { dir: mount.dir })
        const before = whole
        // Every other version stays until it was read.
        if (number % 2 === 0) await expect.poll(() => whole, SEEN).toBeGreaterThan(before)
      }
    } finally {
      isOver = true
      await Promise.all(readers)
    }
    expect(whole, `and ${failures} failed`).toBeGreaterThanOrEqual(ROUNDS / 2)
    expect(await fs.readFile(mount.path('f'))).toEqual(version(ROUNDS))
  })
})
