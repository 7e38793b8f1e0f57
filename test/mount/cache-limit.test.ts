/** How much room fetched files take on this disk: shown, limited, and given back. */
import * as fs from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CacheView } from '../../shared/cache-contract.ts'
import { type PailHome, pailMount } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import { Dice, MIB } from '../support/tree.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const LIMIT_BYTES = 200_000_000
const FILES = 8
const FILE_BYTES = 40 * MIB

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

async function cache(mount: PailHome, ...args: string[]): Promise<CacheView> {
  const { stdout, stderr } = await mount.pail.run(['cache', '--json', ...args])
  expect(stderr).toBe('')
  return JSON.parse(stdout) as CacheView
}

describe('A limit of the room for fetched files', () => {
  test('holds while more is read, also after a restart, and is given back when wanted', async () => {
    const bucket = 'limit'
    await s3.createBucket(bucket)
    const content = new Dice(7).bytes(FILE_BYTES)
    for (let index = 0; index < FILES; index++) await s3.put(bucket, `file ${index}`, content)
    const mount = await pailMount({ server, bucket })
    expect(await cache(mount)).toMatchObject({ limitBytes: 20_000_000_000, cachedBytes: 0 })
    expect(await cache(mount, '--limit', '200MB')).toMatchObject({ limitBytes: LIMIT_BYTES })

    await mount.pail.run(['pin', mount.path('file 0')])
    await expect
      .poll(async () => (await cache(mount)).pinnedBytes, { timeout: 30_000 })
      .toBe(FILE_BYTES)
    for (let index = 1; index < FILES; index++) {
      expect(content.equals(await fs.readFile(mount.path(`file ${index}`)))).toBe(true)
      const { cachedBytes } = await cache(mount)
      expect(cachedBytes).toBeGreaterThan(0)
      expect(cachedBytes).toBeLessThanOrEqual(LIMIT_BYTES)
    }

    await mount.kill9()
    await mount.remount()
    const after = await cache(mount)
    expect(after.limitBytes).toBe(LIMIT_BYTES)
    expect(after.cachedBytes).toBeLessThanOrEqual(LIMIT_BYTES)

    expect(await cache(mount, '--free-up')).toMatchObject({
      ...{ cachedBytes: 0, pinnedBytes: FILE_BYTES, pendingBytes: 0 },
    })
    expect(content.equals(await fs.readFile(mount.path('file 3')))).toBe(true)
  })

  test('is refused when it is none, in one line', async () => {
    const bucket = 'refused'
    await s3.createBucket(bucket)
    const mount = await pailMount({ server, bucket })
    for (const limit of ['much', '50', '1MB']) {
      const { code, stderr } = await mount.pail.run(['cache', '--limit', limit])
      expect([code, stderr.trim().split('\n').length]).toEqual([2, 1])
    }
    expect(await cache(mount)).toMatchObject({ limitBytes: 20_000_000_000 })
  })
})
