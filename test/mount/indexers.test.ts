/** Programs that look at everything they find: file managers, thumbnailers, indexers. */
import { execFile } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pailMount } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import { KIB, MIB } from '../support/tree.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const run = promisify(execFile)
const BUCKET = 'images'
const IMAGES = 100
const IMAGE_BYTES = 100 * MIB
/** What a thumbnailer reads to find out that it has no business with a file of this size. */
const HEAD_BYTES = 64 * KIB
const TOLD = { timeout: 20_000, interval: 200 }

let server: Versitygw
let s3: PlainS3

beforeAll(async () => {
  server = await startVersitygw()
  s3 = plainS3Client(server)
  await s3.createBucket(BUCKET)
  await s3.put(BUCKET, 'shots/1.tif', Buffer.alloc(IMAGE_BYTES))
  const first = join(server.dir, BUCKET, 'shots/1.tif')
  // Zeros that take no room, with the attributes in which the server keeps their ETag.
  await run('fallocate', ['--dig-holes', first])
  const copies = Array.from({ length: IMAGES - 1 }, (_, index) => index + 2)
  for (const copy of copies) {
    await run('cp', ['-a', first, join(server.dir, BUCKET, `shots/${copy}.tif`)])
  }
})

afterAll(async () => {
  s3?.close()
  await server?.stop()
})

describe('A program that looks into each of 100 large images', () => {
  test('causes less than a hundredth of their bytes to be fetched, and is named', async () => {
    const mount = await pailMount({ server, bucket: BUCKET })
    const names = await fs.readdir(mount.path('shots'))
    expect(names).toHaveLength(IMAGES)
    const look = `for name in "$@"; do head -c ${HEAD_BYTES} "$name" >/dev/null || exit 1; done`
    await run('sh', ['-c', look, 'sh', ...names], { cwd: mount.path('shots') })

    const fetched = async () => {
      const { sync } = await mount.status()
      return sync.recent.entries.find(({ kind }) => kind === 'fetched')
    }
    await expect.poll(fetched, TOLD).toMatchObject({ count: IMAGES, program: 'head' })
    const { sizeBytes = 0, sentence } = (await fetched()) ?? {}
    expect(sentence).toBe('head read 100 files in shots from the bucket.')
    expect(sizeBytes).toBeGreaterThanOrEqual(IMAGES * HEAD_BYTES)
    expect(sizeBytes).toBeLessThan((IMAGES * IMAGE_BYTES) / 100)
  })
})
