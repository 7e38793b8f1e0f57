import * as fs from 'node:fs/promises'
import { constants } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LISTING_FRESH_MS } from '../../engine/sync/listing.ts'
import { type PailHome, pailMount } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client, sha256 } from '../support/s3-client.ts'
import { Dice, hashesBelow, inParallel, MIB } from '../support/tree.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const SEED = 4242
const { ESTALE, EIO } = constants.errno
/** A listing's age, and a busy machine. */
const SEEN_SOON = { timeout: LISTING_FRESH_MS + 20_000, interval: 250 }

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

function objects(): Map<string, Buffer> {
  const dice = new Dice(SEED)
  const files = new Map<string, Buffer>()
  for (let index = 0; index < 1_105; index++) files.set(`many/${index}`, dice.bytes(index % 700))
  for (const size of [0, 1, 4095, 4096, 4097, MIB - 1, MIB, MIB + 1, 9 * MIB + 3]) {
    files.set(`sizes/${size}`, dice.bytes(size))
  }
  for (let depth = 1; depth < 12; depth++) {
    const path = Array.from({ length: depth }, (_, level) => `level ${level}`).join('/')
    files.set(`${path}/file ${depth}.txt`, dice.bytes(100))
  }
  for (const name of ['ünï/café 漢字', `it's "quoted"`, '100%/%2F', 'a+b&c=d?e#f']) {
    files.set(name, dice.bytes(321))
  }
  return files
}

async function putAll(bucket: string, files: ReadonlyMap<string, Buffer>): Promise<void> {
  await inParallel([...files], 16, async ([key, content]) => {
    await s3.put(bucket, key, content)
  })
}

async function madeBucket(name: string): Promise<string> {
  await s3.createBucket(name)
  return name
}

const textAt = (mount: PailHome, name: string) => fs.readFile(mount.path(name), 'utf8')

describe('What another client stores', () => {
  test('is read through the folder, however it is nested, without one marker', async () => {
    const bucket = await madeBucket('foreign')
    const files = objects()
    await putAll(bucket, files)
    const mount = await pailMount({ server, bucket })
    const expected = Object.fromEntries([...files].map(([key, bytes]) => [key, sha256(bytes)]))
    expect(await hashesBelow(mount.dir)).toEqual(expected)
    expect(await fs.readdir(mount.path('many'))).toHaveLength(1_105)
    for (const [key, bytes] of files) {
      expect((await fs.stat(mount.path(key))).size, key).toBe(bytes.length)
    }
    const { byAction } = await server.requests()
    expect(byAction.s3_HeadObject ?? 0, 'nothing is asked for one by one').toBe(0)
    expect((await s3.list(bucket)).map(({ key }) => key).sort()).toEqual([...files.keys()].sort())
  })

  test('appears, changes and goes in a folder that is open all the time', async () => {
    const bucket = await madeBucket('changing')
    await s3.put(bucket, 'd/a', 'first')
    await s3.put(bucket, 'd/b', 'goes')
    const mount = await pailMount({ server, bucket })
    expect(await textAt(mount, 'd/a')).toBe('first')
    expect(await textAt(mount, 'd/b')).toBe('goes')
    await expect(fs.stat(mount.path('d/c'))).rejects.toThrow('ENOENT')

    await s3.put(bucket, 'd/a', 'second, and longer')
    await s3.put(bucket, 'd/c', 'new')
    await s3.delete(bucket, 'd/b')
    await expect.poll(() => textAt(mount, 'd/a'), SEEN_SOON).toBe('second, and longer')
    await expect.poll(() => fs.readdir(mount.path('d')), SEEN_SOON).toEqual(['a', 'c'])
    expect(await textAt(mount, 'd/c')).toBe('new')
    await expect(fs.readFile(mount.path('d/b'))).rejects.toThrow('ENOENT')
  })

  test('is never mixed with what it was: an open file reads one version or fails', async () => {
    const bucket = await madeBucket('versions')
    const before = Buffer.alloc(12 * MIB, 'a')
    await s3.put(bucket, 'f', before)
    const mount = await pailMount({ server, bucket })
    const file = await fs.open(mount.path('f'))
    try {
      const start = Buffer.alloc(4096)
      await file.read(start, 0, 4096, 0)
      await s3.put(bucket, 'f', Buffer.alloc(12 * MIB, 'b'))
      const end = Buffer.alloc(4096)
      const read = file.read(end, 0, 4096, 11 * MIB).then(
        () => end.toString('latin1', 0, 1),
        (thrown: NodeJS.ErrnoException) => -(thrown.errno ?? 0),
      )
      expect(['a', ESTALE, EIO]).toContain(await read)
    } finally {
      await file.close()
    }
    const readAll = async () => sha256(await fs.readFile(mount.path('f')))
    await expect.poll(readAll, SEEN_SOON).toBe(sha256(Buffer.alloc(12 * MIB, 'b')))
  })

  test('survives next to what was written here under the same name', async () => {
    const bucket = await madeBucket('conflict')
    await s3.put(bucket, 'f', 'base')
    const mount = await pailMount({ server, bucket })
    expect(await textAt(mount, 'f')).toBe('base')
    // Both change the same file within the quiet time.
    await fs.writeFile(mount.path('f'), 'from the folder')
    await s3.put(bucket, 'f', 'from the other client')
    await mount.flush()
    const objects = await s3.list(bucket)
    const texts = await Promise.all(
      objects.map(async ({ key }) => new TextDecoder().decode(await s3.get(bucket, key))),
    )
    expect(texts.sort()).toEqual(['from the folder', 'from the other client'])
  })
})
