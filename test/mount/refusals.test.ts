import { execFile } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { KEY_BYTES_MAX } from '../../shared/key-bytes.ts'
import { type PailHome, startPail } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import { Rename, renameWith } from '../support/system-calls.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const run = promisify(execFile)
const BUCKET = 'refusals'

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

async function folderOf(name: string): Promise<(name: string) => string> {
  const dir = mount.path(name)
  await fs.mkdir(dir)
  return (entry) => join(dir, entry)
}

describe('What a bucket cannot hold is refused before anything is done', () => {
  test('an exchange of two names, as invalid: both stay what they were', async () => {
    const at = await folderOf('exchanged')
    for (const name of ['a', 'b']) await fs.writeFile(at(name), name)
    expect(() => renameWith(at('a'), at('b'), Rename.EXCHANGE)).toThrow('EINVAL')
    expect(await fs.readFile(at('a'), 'utf8')).toBe('a')
    expect(await fs.readFile(at('b'), 'utf8')).toBe('b')
  })

  test('a second name of a file, as not permitted: what programs expect where there is none', async () => {
    const at = await folderOf('linked')
    await fs.writeFile(at('f'), 'x')
    await expect(fs.link(at('f'), at('hard'))).rejects.toMatchObject({ code: 'EPERM' })
    await expect(run('cp', ['-l', at('f'), at('copied')])).rejects.toThrow('not permitted')
    expect((await fs.stat(at('f'))).nlink).toBe(1)
    expect(await fs.readdir(at('.'))).toEqual(['f'])
  })

  test('pipes, devices and sockets, as not permitted', async () => {
    const at = await folderOf('special')
    await expect(run('mkfifo', [at('pipe')])).rejects.toThrow('not permitted')
    await expect(run('mknod', [at('device'), 'c', '1', '3'])).rejects.toThrow('not permitted')
    const listening = new Promise((settle, fail) => {
      const socket = createServer().on('error', fail)
      socket.listen(at('socket'), () => socket.close(settle))
    })
    await expect(listening).rejects.toMatchObject({ code: 'EPERM' })
    expect(await fs.readdir(at('.'))).toEqual([])
  })

  test('names beyond 255 bytes and keys beyond 1,024, as too long', async () => {
    const at = await folderOf('long')
    const { stdout } = await run('stat', ['-f', '-c', '%l', mount.dir])
    expect(stdout.trim()).toBe('255')
    await fs.writeFile(at('n'.repeat(255)), 'x')
    const tooLong = { code: 'ENAMETOOLONG' }
    await expect(fs.writeFile(at('n'.repeat(256)), 'x')).rejects.toMatchObject(tooLong)
    await expect(fs.mkdir(at('n'.repeat(256)))).rejects.toMatchObject(tooLong)

    let folder = 'long'
    while (folder.length < KEY_BYTES_MAX - 60) {
      folder = `${folder}/${'d'.repeat(49)}`
      await fs.mkdir(mount.path(folder))
    }
    const room = KEY_BYTES_MAX - folder.length - 1
    const longest = `${folder}/${'f'.repeat(room)}`
    await fs.writeFile(mount.path(longest), 'at the limit')
    await expect(fs.writeFile(mount.path(`${longest}f`), 'x')).rejects.toMatchObject(tooLong)
    await mount.flush()
    expect((await s3.head(BUCKET, longest))?.sizeBytes).toBe(12)
  })
})

describe('A folder that another client has put something in', () => {
  test('is not replaced by a rename, though it was seen empty a moment ago', async () => {
    const at = await folderOf('renamed')
    for (const name of ['from', 'onto']) await fs.mkdir(at(name))
    await mount.flush()
    expect(await fs.readdir(at('onto'))).toEqual([])
    await s3.put(BUCKET, 'renamed/onto/theirs', 'theirs')
    await expect(fs.rename(at('from'), at('onto'))).rejects.toMatchObject({ code: 'ENOTEMPTY' })
    expect(await fs.readFile(at('onto/theirs'), 'utf8')).toBe('theirs')
  })
})
