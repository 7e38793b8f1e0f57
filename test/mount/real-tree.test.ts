import { execFile } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../support/folder.ts'
import { type PailHome, startPail } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import {
  hashesBelow,
  hashesOf,
  MIB,
  makeRealTree,
  pathsBelow,
  writeLarge,
} from '../support/tree.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const run = promisify(execFile)
const BUCKET = 'real-tree'
const SEED = 20_261_121
const LARGE_BYTES = 101 * MIB + 7

let server: Versitygw
let s3: PlainS3
let mount: PailHome

beforeAll(async () => {
  server = await startVersitygw()
  s3 = plainS3Client(server)
  await s3.createBucket(BUCKET)
  mount = await startPail({ server, bucket: BUCKET })
})

afterAll(async () => {
  await mount?.cleanUp()
  s3?.close()
  await server?.stop()
})

describe('A real tree', () => {
  test('that is copied in is in the bucket, file for file, as any other client reads it', async () => {
    const source = temporaryFolder()
    await makeRealTree(source, SEED)
    await writeLarge(join(source, 'above 100 MB.bin'), LARGE_BYTES, SEED)
    const { files, folders } = await pathsBelow(source)
    expect(files.length).toBeGreaterThan(1_000)

    await run('cp', ['-r', `${source}/.`, mount.dir])
    await mount.flush()

    const objects = (await s3.list(BUCKET)).map(({ key }) => key)
    const markers = new Set(folders.map((folder) => `${folder}/`))
    expect(objects.filter((key) => !markers.has(key)).sort()).toEqual(files)
    const expected = await hashesBelow(source)
    expect(await hashesOf(files, (name) => s3.sha256Of(BUCKET, name))).toEqual(expected)
    expect(await s3.openUploads(BUCKET)).toEqual([])

    // The folder shows the same, from what is here and, by another engine, from the bucket alone.
    expect(await hashesBelow(mount.dir)).toEqual(expected)
    const other = await startPail({ server, bucket: BUCKET })
    try {
      expect(await pathsBelow(other.dir)).toEqual({ files, folders })
      expect(await hashesBelow(other.dir)).toEqual(expected)
    } finally {
      await other.cleanUp()
    }
  })

  test('that is removed from the folder is removed from the bucket when a person says so', async () => {
    await run('rm', ['-rf', join(mount.dir, 'packages'), join(mount.dir, 'odd folders')])
    expect((await mount.status()).mounts[0]?.heldDeletes?.count).toBeGreaterThan(0)
    expect((await mount.pail.run(['deletes', mount.dir, '--allow'])).code).toBe(0)
    await mount.flush()
    const { files } = await pathsBelow(mount.dir)
    const objects = (await s3.list(BUCKET)).map(({ key }) => key)
    expect(objects.filter((key) => !key.endsWith('/')).sort()).toEqual(files)
    expect(objects.filter((key) => /^(packages|odd folders)\//.test(key))).toEqual([])
    expect((await fs.readdir(mount.dir)).sort()).toEqual([
      'above 100 MB.bin',
      'odd names',
      'sizes',
      'small',
    ])
  })
})
