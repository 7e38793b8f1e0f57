import { execFile } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../support/folder.ts'
import { pailHome, pailMount } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import { hashesBelow, hashesOf, MIB, makeRealTree, pathsBelow } from '../support/tree.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const run = promisify(execFile)
const PREFIX = 'projects/2026 ünï/run 7'
const CHANGES = /s3_(Put|Delete|Copy|Create|Complete|Upload|Abort)/

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

async function bucketWithPrefix(name: string): Promise<string> {
  await s3.createBucket(name)
  await s3.put(name, `${PREFIX}/there.txt`, 'was there')
  await s3.put(name, 'projects/outside.txt', 'not to be seen')
  await s3.put(name, `${PREFIX}-other/outside.txt`, 'not to be seen either')
  return name
}

async function keysOf(bucket: string): Promise<string[]> {
  return (await s3.list(bucket)).map(({ key }) => key).sort()
}

describe('A path in a bucket', () => {
  test('takes a real tree and gives it back, and nothing outside of it changes', async () => {
    const bucket = await bucketWithPrefix('subpath')
    const outside = (await keysOf(bucket)).filter((key) => !key.startsWith(`${PREFIX}/`))
    const mount = await pailMount({ server, bucket, subpath: PREFIX })
    expect(await fs.readdir(mount.dir)).toEqual(['there.txt'])
    const source = temporaryFolder()
    await makeRealTree(source, 7)
    const { files, folders } = await pathsBelow(source)
    expect(files.length).toBeGreaterThan(1_000)

    await run('cp', ['-r', `${source}/.`, mount.dir])
    await mount.flush()

    const markers = new Set(folders.map((folder) => `${PREFIX}/${folder}/`))
    const keys = (await keysOf(bucket)).filter((key) => !markers.has(key))
    const inside = [...files, 'there.txt'].map((file) => `${PREFIX}/${file}`)
    expect(keys).toEqual([...outside, ...inside].sort())
    const expected = await hashesBelow(source)
    expect(await hashesOf(files, (name) => s3.sha256Of(bucket, `${PREFIX}/${name}`))).toEqual(
      expected,
    )
    await fs.unlink(mount.path('there.txt'))
    expect(await hashesBelow(mount.dir)).toEqual(expected)
  })

  test('and the whole bucket are one: what is written to one is in the other at once', async () => {
    const bucket = await bucketWithPrefix('both')
    const whole = await pailMount({ server, bucket })
    const part = await pailMount({ server, bucket, subpath: PREFIX, dataDir: whole.dataDir })
    expect(part.enginePid()).toBe(whole.enginePid())
    await fs.writeFile(part.path('new'), 'written to the path')
    expect(await fs.readFile(whole.path(PREFIX, 'new'), 'utf8')).toBe('written to the path')
    await fs.writeFile(whole.path(PREFIX, 'new'), 'written to the bucket')
    await expect
      .poll(() => fs.readFile(part.path('new'), 'utf8'), { timeout: 5_000, interval: 50 })
      .toBe('written to the bucket')
    expect((await whole.status()).mounts.map(({ prefix }) => prefix).sort()).toEqual([
      '',
      `${PREFIX}/`,
    ])
  })
})

describe('The line that s3fs takes', () => {
  test('mounts the same bucket with `pail mount` in front', async () => {
    const bucket = await bucketWithPrefix('cloud-object-storage-cos-standard-ecx')
    const home = await pailHome({ server, bucket })
    // s3fs BUCKET -o url=ENDPOINT DIR/ -o passwd_file=FILE
    const line = [
      '-o',
      `url=${server.url}`,
      `${home.dir}/`,
      '-o',
      `passwd_file=${home.passwordFile}`,
    ]
    expect(await home.pail.run(['mount', bucket, ...line])).toMatchObject({ code: 0, stderr: '' })
    expect(await fs.readFile(home.path(PREFIX, 'there.txt'), 'utf8')).toBe('was there')
    await home.unmount()

    const more = ['-o', `ro,use_path_request_style,url=${server.url}`]
    const keys = ['-o', `passwd_file=${home.passwordFile}`]
    const source = `${bucket}:/${PREFIX}`
    const again = await home.pail.run(['mount', source, home.dir, ...more, ...keys])
    expect(again).toMatchObject({ code: 0, stderr: '' })
    expect(await fs.readdir(home.dir)).toEqual(['there.txt'])
    await expect(fs.writeFile(home.path('new'), 'x')).rejects.toThrow('EROFS')
  })
})

describe('A read-only folder', () => {
  test('reads everything, refuses every change, and sends none', async () => {
    const bucket = await bucketWithPrefix('read-only')
    const content = Buffer.alloc(3 * MIB, 'content')
    await s3.put(bucket, `${PREFIX}/d/large`, content)
    const before = await s3.list(bucket)
    await server.resetRequests()
    const mount = await pailMount({ server, bucket, subpath: PREFIX, readOnly: true })
    expect(content.equals(await fs.readFile(mount.path('d', 'large')))).toBe(true)
    const file = mount.path('there.txt')
    for (const attempt of [
      () => fs.writeFile(mount.path('new'), 'x'),
      () => fs.writeFile(file, 'x'),
      () => fs.appendFile(file, 'x'),
      () => fs.truncate(file, 0),
      () => fs.unlink(file),
      () => fs.rename(file, mount.path('moved')),
      () => fs.mkdir(mount.path('folder')),
      () => fs.rmdir(mount.path('d')),
      () => fs.rm(mount.path('d'), { recursive: true }),
      () => fs.chmod(file, 0o600),
      () => fs.utimes(file, 1, 1),
    ]) {
      await expect(attempt(), String(attempt)).rejects.toThrow('EROFS')
    }
    await expect(fs.access(file, fs.constants.W_OK)).rejects.toThrow('EROFS')
    await mount.flush()
    expect((await server.requests()).lines.filter((line) => CHANGES.test(line))).toEqual([])
    expect(await s3.list(bucket)).toEqual(before)
    expect((await mount.status()).mounts[0]).toMatchObject({ readOnly: true, pendingFiles: 0 })
  })
})
