import { execFile } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../support/folder.ts'
import { DATA_OPERATIONS } from '../support/operation-data.ts'
import { PROGRAM_SCRIPTS } from '../support/operation-programs.ts'
import { OPERATIONS } from '../support/operation-script.ts'
import { type PailHome, pailMount, startPail } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import { hashesBelow, hashesOf, pathsBelow } from '../support/tree.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const run = promisify(execFile)
const BUCKET = 'operations'

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

describe('A mounted folder does what an ordinary one does', () => {
  test.each([...OPERATIONS, ...DATA_OPERATIONS, ...PROGRAM_SCRIPTS])('%s', async (name, script) => {
    const ordinary = temporaryFolder()
    const mounted = mount.path(name.replaceAll(' ', '-'))
    await fs.mkdir(mounted)
    expect(await script(mounted)).toEqual(await script(ordinary))
  })

  test('and all of that is in the bucket, and there after a restart', async () => {
    const before = await hashesBelow(mount.dir)
    const { files } = await pathsBelow(mount.dir)
    await mount.flush()
    expect(await hashesOf(files, (file) => s3.sha256Of(BUCKET, file))).toEqual(before)
    const keys = (await s3.list(BUCKET)).map(({ key }) => key).filter((key) => !key.endsWith('/'))
    expect(keys.sort()).toEqual([...files].sort())
    await mount.kill9()
    await mount.remount()
    expect(await hashesBelow(mount.dir)).toEqual(before)
  })
})

describe('What object storage cannot do', () => {
  test('is refused with a clear error and leaves nothing behind', async () => {
    const dir = mount.path('refused')
    await fs.mkdir(dir)
    await fs.writeFile(join(dir, 'f'), 'x')
    await expect(fs.link(join(dir, 'f'), join(dir, 'hard'))).rejects.toThrow('EPERM')
    await expect(run('mkfifo', [join(dir, 'pipe')])).rejects.toThrow(/not permitted|not supported/)
    const device = run('mknod', [join(dir, 'device'), 'c', '1', '3'])
    await expect(device).rejects.toThrow(/not permitted|not supported/)
    expect(await fs.readdir(dir)).toEqual(['f'])
  })
})

describe('Attributes', () => {
  test('survive the upload, a restart of the engine, and another computer', async () => {
    const bucket = 'attributes'
    await s3.createBucket(bucket)
    const first = await pailMount({ server, bucket })
    await fs.writeFile(first.path('f'), 'x')
    await fs.mkdir(first.path('d'))
    await fs.chmod(first.path('f'), 0o640)
    await fs.chown(first.path('f'), 1234, 4321)
    await fs.utimes(first.path('f'), 1_000_000_000, 1_234_567_890.25)
    await fs.chmod(first.path('d'), 0o750)
    await first.flush()
    await first.kill9()
    await first.remount()
    const facts = await fs.stat(first.path('f'))
    expect(facts).toMatchObject({ uid: 1234, gid: 4321, mtimeMs: 1_234_567_890_250, size: 1 })
    expect(facts.mode & 0o7777).toBe(0o640)
    expect((await fs.stat(first.path('d'))).mode & 0o7777).toBe(0o750)
    // s3fs and rclone read and write the same names.
    expect((await s3.head(bucket, 'f'))?.metadata).toMatchObject({ uid: '1234', gid: '4321' })
    expect((await s3.head(bucket, 'f'))?.metadata.mtime).toMatch(/^1234567890(\.25)?/)
  })

  test('of the file system are the room on the disk that takes what is written, all of it free', async () => {
    const facts = await fs.statfs(mount.dir)
    const disk = await fs.statfs(mount.dataDir)
    const free = Number(disk.bavail) * Number(disk.bsize)
    expect(Number(facts.bavail) * Number(facts.bsize)).toBeCloseTo(free, -10)
    expect(facts.blocks).toBe(facts.bavail)
    expect(facts.bavail).toBeGreaterThan(0)
  })
})
