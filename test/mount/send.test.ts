/**
 * Goal: what `pail send` promises, on a real mount and a real server: the marker comes last, and
 *       names what is in the bucket.
 */
import * as fs from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pailMount } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client, sha256 } from '../support/s3-client.ts'
import { Dice, MIB } from '../support/tree.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const MANIFEST = '_MANIFEST.json'

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

async function manifestIn(bucket: string) {
  const bytes = await s3.get(bucket, `in/${MANIFEST}`)
  return JSON.parse(Buffer.from(bytes).toString())
}

describe('A send folder', () => {
  test('uploads its files, and then a manifest that names them; a new file takes it away', async () => {
    await s3.createBucket('sent')
    const mount = await pailMount({ server, bucket: 'sent' })
    const { pail } = mount
    const dice = new Dice(7)
    const files = new Map([
      ['small', dice.bytes(4_000)],
      ['empty', Buffer.alloc(0)],
      ['sub/large', dice.bytes(18 * MIB)],
    ])
    await fs.mkdir(mount.path('in', 'sub'), { recursive: true })
    const marked = await pail.run(['send', mount.path('in'), '--marker', 'manifest'])
    expect(marked, marked.stderr).toMatchObject({ code: 0 })
    for (const [name, bytes] of files) await fs.writeFile(mount.path('in', name), bytes)
    const closed = await pail.run(['send', mount.path('in'), '--now', '--timeout', '50'])
    expect(closed, closed.stderr).toMatchObject({ code: 0 })
    expect(closed.stdout).toMatch(/Batch 1, 3 files, was complete/)

    const manifest = await manifestIn('sent')
    expect(manifest).toMatchObject({ schema: 1, batch: 1, fileCount: 3 })
    const listed = new Map((await s3.list('sent', 'in/')).map((one) => [one.key, one.etag]))
    expect(manifest.files).toHaveLength(files.size)
    for (const { path, size, sha256: digest, etag } of manifest.files) {
      const bytes = files.get(path) ?? Buffer.alloc(1)
      expect([size, digest], path).toEqual([bytes.length, sha256(bytes)])
      expect(listed.get(`in/${path}`), path).toBe(`"${etag}"`)
    }
    expect(await fs.readdir(mount.path('in'))).toContain(MANIFEST)
    await expect(fs.writeFile(mount.path('in', MANIFEST), 'mine')).rejects.toThrow('EACCES')

    await fs.writeFile(mount.path('in', 'more'), 'more')
    const again = await pail.run(['send', mount.path('in'), '--now', '--timeout', '50'])
    expect(again, again.stderr).toMatchObject({ code: 0 })
    const second = await manifestIn('sent')
    expect(second).toMatchObject({ batch: 2, files: [{ path: 'more', sha256: sha256('more') }] })

    expect((await pail.run(['send', mount.path('in'), '--off'])).code).toBe(0)
    expect((await pail.run(['send', mount.path('in'), '--off'])).stderr).toContain('Mark it first')
  }, 120_000)

  test('is not taken from a folder inside another one', async () => {
    await s3.createBucket('nested')
    const mount = await pailMount({ server, bucket: 'nested' })
    await fs.mkdir(mount.path('in', 'sub'), { recursive: true })
    expect((await mount.pail.run(['send', mount.path('in')])).code).toBe(0)
    const refused = await mount.pail.run(['send', mount.path('in', 'sub')])
    expect(refused.code).toBe(5)
    expect(refused.stderr).toContain('inside or around this one')
  })
})
