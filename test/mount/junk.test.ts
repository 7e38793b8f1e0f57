/** Files that operating systems strew about: here as on a local disk, and never in the bucket. */
import { execFile } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { JUNK_DEFAULTS } from '../../shared/junk.ts'
import { temporaryFolder } from '../support/folder.ts'
import { type PailHome, pailMount } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const run = promisify(execFile)

/** A listing is believed for a while. */
const POLL = { timeout: 30_000, interval: 500 }

let server: Versitygw
let s3: PlainS3
let buckets = 0

beforeAll(async () => {
  server = await startVersitygw()
  s3 = plainS3Client(server)
})

afterAll(async () => {
  s3?.close()
  await server?.stop()
})

async function newMount(objects: Readonly<Record<string, string>> = {}) {
  const bucket = `junk-${++buckets}`
  await s3.createBucket(bucket)
  for (const [key, content] of Object.entries(objects)) await s3.put(bucket, key, content)
  await server.resetRequests()
  const mount = await pailMount({ server, bucket })
  return { bucket, mount, keys: async () => (await s3.list(bucket)).map(({ key }) => key).sort() }
}

/** Requests that change something in the bucket and name one of the words. */
async function changesNaming(...words: readonly string[]): Promise<readonly string[]> {
  const { lines } = await server.requests()
  const changing = lines.filter((line) => /PutObject|CreateMultipart|CopyObject|Delete/.test(line))
  return changing.filter((line) => words.some((word) => line.includes(word)))
}

async function junk(mount: PailHome, ...args: string[]) {
  const { stdout, stderr } = await mount.pail.run(['junk', '--json', ...args])
  expect(stderr).toBe('')
  return JSON.parse(stdout) as { patterns: string[]; localItems: number }
}

describe('A copy of a folder with junk in it', () => {
  test('succeeds whole, sends no request for the junk, and has it after a crash', async () => {
    const from = temporaryFolder()
    const names = ['.DS_Store', '._photo.jpg', 'Thumbs.db', 'desktop.ini', '.directory']
    await fs.mkdir(join(from, 'in/.Spotlight-V100/deep'), { recursive: true })
    await fs.writeFile(join(from, 'in/photo.jpg'), 'photo')
    await fs.writeFile(join(from, 'in/.Spotlight-V100/deep/index'), 'index')
    for (const name of names) await fs.writeFile(join(from, 'in', name), `junk ${name}`)
    await fs.writeFile(join(from, 'in/.apdisk'), '')
    const { bucket, mount, keys } = await newMount()
    await run('cp', ['-a', join(from, 'in'), mount.path('in')])
    await run('diff', ['-r', join(from, 'in'), mount.path('in')])
    await mount.flush()
    expect(await keys()).toEqual(['in/', 'in/photo.jpg'])
    await mount.kill9()
    await mount.remount()
    await run('diff', ['-r', join(from, 'in'), mount.path('in')])
    expect((await mount.status()).mounts[0]?.pendingFiles).toBe(0)
    await run('rm', ['-r', mount.path('in')])
    await mount.flush()
    expect(await keys()).toEqual([])
    expect((await junk(mount)).localItems).toBe(0)
    const sent = await changesNaming(...names, 'Spotlight', 'apdisk')
    expect(sent, bucket).toEqual([])
  })
})

describe('Junk in a folder', () => {
  test('keeps it from being removed, moves with it, and goes with it as on a local disk', async () => {
    const { mount, keys } = await newMount({ 'docs/report': 'x' })
    await fs.writeFile(mount.path('docs/.DS_Store'), 'view')
    await fs.unlink(mount.path('docs/report'))
    await expect(fs.rmdir(mount.path('docs'))).rejects.toThrow('ENOTEMPTY')
    await fs.rename(mount.path('docs'), mount.path('papers'))
    expect(await fs.readFile(mount.path('papers/.DS_Store'), 'utf8')).toBe('view')
    await mount.flush()
    expect(await keys()).toEqual(['papers/'])
    await run('rm', ['-r', mount.path('papers')])
    await mount.flush()
    expect(await keys()).toEqual([])
    expect(await changesNaming('DS_Store')).toEqual([])
  })

  test('stays when a listing does not show it, and goes when others remove the folder', async () => {
    const { bucket, mount } = await newMount({ 'shared/file': 'x', other: 'y' })
    await fs.writeFile(mount.path('shared/.DS_Store'), 'view')
    await mount.unmount()
    await s3.put(bucket, 'shared/second', 'z')
    await mount.mount()
    const names = async () => (await fs.readdir(mount.path('shared'))).sort()
    await expect.poll(names, POLL).toEqual(['.DS_Store', 'file', 'second'])
    await mount.unmount()
    for (const key of ['shared/file', 'shared/second']) await s3.delete(bucket, key)
    await mount.mount()
    await expect.poll(() => fs.readdir(mount.dir), POLL).toEqual(['other'])
    expect(await changesNaming('DS_Store')).toEqual([])
  })

  test('that somebody stored in the bucket is shown, and stays there as it is', async () => {
    const { bucket, mount } = await newMount({ '.DS_Store': 'theirs', 'desktop.ini': 'theirs too' })
    expect((await fs.readdir(mount.dir)).sort()).toEqual(['.DS_Store', 'desktop.ini'])
    expect(await fs.readFile(mount.path('.DS_Store'), 'utf8')).toBe('theirs')
    await fs.writeFile(mount.path('.DS_Store'), 'ours')
    await fs.chmod(mount.path('.DS_Store'), 0o600)
    await mount.flush()
    expect(await fs.readFile(mount.path('.DS_Store'), 'utf8')).toBe('ours')
    expect(Buffer.from(await s3.get(bucket, '.DS_Store')).toString()).toBe('theirs')
    await fs.unlink(mount.path('desktop.ini'))
    await mount.flush()
    expect((await s3.list(bucket)).map(({ key }) => key)).toEqual(['.DS_Store'])
  })

  test('becomes a file of the bucket by an ordinary name, and the other way round', async () => {
    const { bucket, mount, keys } = await newMount({ kept: 'kept' })
    await fs.writeFile(mount.path('Thumbs.db'), 'content')
    await fs.rename(mount.path('Thumbs.db'), mount.path('named'))
    await fs.writeFile(mount.path('.directory.new'), 'view')
    await fs.rename(mount.path('.directory.new'), mount.path('.directory'))
    await fs.rename(mount.path('kept'), mount.path('._kept'))
    await mount.flush()
    expect(await keys()).toEqual(['._kept', 'named'])
    expect(Buffer.from(await s3.get(bucket, 'named')).toString()).toBe('content')
    expect(await fs.readFile(mount.path('.directory'), 'utf8')).toBe('view')
    expect(await fs.readFile(mount.path('._kept'), 'utf8')).toBe('kept')
  })
})

describe('The list of junk', () => {
  test('is shown and changed, and what is no junk any more is uploaded', async () => {
    const { mount, keys } = await newMount({ 'there.log': 'in the bucket' })
    expect((await junk(mount)).patterns).toEqual(JUNK_DEFAULTS)
    expect((await junk(mount, '--add', '*.log')).patterns).toContain('*.log')
    await fs.writeFile(mount.path('here.log'), 'local')
    await fs.mkdir(mount.path('dir.log/inner'), { recursive: true })
    await fs.writeFile(mount.path('dir.log/inner/file'), 'below')
    await mount.flush()
    expect(await keys()).toEqual(['there.log'])
    expect((await junk(mount)).localItems).toBe(4)
    await mount.kill9()
    await mount.remount()
    expect((await junk(mount)).patterns).toContain('*.log')
    expect((await junk(mount, '--remove', '*.log')).localItems).toBe(0)
    await mount.flush()
    const all = ['dir.log/', 'dir.log/inner/', 'dir.log/inner/file', 'here.log', 'there.log']
    expect(await keys()).toEqual(all)
    expect(await fs.readFile(mount.path('dir.log/inner/file'), 'utf8')).toBe('below')
    await junk(mount, '--add', '*.txt')
    expect((await junk(mount, '--reset')).patterns).toEqual(JUNK_DEFAULTS)
    const { stdout } = await mount.pail.run(['junk'])
    expect(stdout).toContain('.DS_Store')
    expect((await mount.pail.run(['junk', '--add', 'a/b'])).code).not.toBe(0)
    expect((await mount.pail.run(['junk', '--add', '*'])).code).not.toBe(0)
  })
})
