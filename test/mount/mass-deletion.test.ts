/** Goal: a folder that is emptied by mistake is asked about before the bucket is, and comes back. */
import * as fs from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pailMount } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const FILES = 150
const SOON = { timeout: 20_000, interval: 100 }
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

async function mounted(bucket: string) {
  await s3.createBucket(bucket)
  for (let at = 0; at < FILES; at++) await s3.put(bucket, `folder/file ${at}`, `content ${at}`)
  return pailMount({ server, bucket })
}

const objectsIn = async (bucket: string) =>
  (await s3.list(bucket)).filter(({ key }) => !key.endsWith('/')).length

describe('Everything in a folder removed at once', () => {
  test('stays in the bucket, comes back when a person says so, and goes when they say so', async () => {
    const mount = await mounted('removed')
    const names = (await fs.readdir(mount.path('folder'))).sort()
    const removeAll = () => fs.rm(mount.path('folder'), { recursive: true })
    const held = async () => (await mount.status()).mounts[0]?.heldDeletes?.count ?? 0
    await removeAll()
    expect(await held()).toBe(FILES)
    const { sync, mounts } = await mount.status()
    expect(sync.verdict.sentence).toBe(`${FILES} removed files wait for your answer`)
    expect(mounts[0]?.heldDeletes?.examples).toHaveLength(5)
    expect(mounts[0]?.heldDeletes?.examples?.[0]).toMatch(/^folder\/file \d+$/)
    const flushed = await mount.pail.run(['flush', '--wait', '--timeout', '5'])
    expect(flushed.code).toBe(1)
    expect(flushed.stderr).toContain('They need attention: see pail status.')
    expect((await mount.pail.run(['status'])).stdout).toContain(`pail deletes ${mount.dir} --allow`)
    expect(await fs.readdir(mount.dir)).toEqual([])
    expect(await objectsIn('removed')).toBe(FILES)

    expect((await mount.pail.run(['deletes', mount.dir, '--undo'])).code).toBe(0)
    await expect.poll(() => fs.readdir(mount.dir), SOON).toEqual(['folder'])
    await expect
      .poll(async () => (await fs.readdir(mount.path('folder'))).sort(), SOON)
      .toEqual(names)
    expect(await fs.readFile(mount.path('folder', 'file 7'), 'utf8')).toBe('content 7')
    await mount.flush()
    expect(await objectsIn('removed')).toBe(FILES)

    await removeAll()
    await mount.kill9()
    await mount.remount()
    expect(await held()).toBe(FILES)
    const allowed = await mount.pail.run(['deletes', mount.dir, '--allow'])
    expect(allowed.stdout).toContain('150 objects will be deleted')
    await mount.flush()
    expect(await objectsIn('removed')).toBe(0)
    expect(await held()).toBe(0)
  })
})
