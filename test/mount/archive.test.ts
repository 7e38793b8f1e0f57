/** Objects in an archive: named as such, refused at once, and brought back when a person asks. */
import { execFile } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { connectEngine } from '../../engine/mounts/client.ts'
import type { FilesRestored } from '../../shared/archive.ts'
import type { PathState } from '../../shared/sync-model.ts'
import { ArchiveProxy } from '../support/archive-proxy.ts'
import { FaultProxy } from '../support/fault-proxy.ts'
import { type PailHome, pailMount } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const run = promisify(execFile)
const SOON = { timeout: 60_000, interval: 100 }
const BIG = Buffer.alloc(200_000, 'cold ')

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

type World = { proxy: FaultProxy; archive: ArchiveProxy; mount: PailHome; bucket: string }

async function frozen(bucket: string, keys: Record<string, boolean>): Promise<World> {
  await s3.createBucket(bucket)
  const proxy = await FaultProxy.start(server)
  onTestFinished(() => proxy.stop())
  const archive = new ArchiveProxy(proxy)
  for (const [key, isListed] of Object.entries(keys)) {
    await s3.put(bucket, key, BIG)
    archive.freeze(key, 'GLACIER', isListed)
  }
  await s3.put(bucket, 'warm', 'warm')
  const mount = await pailMount({ server: { ...server, url: proxy.url }, bucket })
  await fs.readdir(mount.dir)
  return { proxy, archive, mount, bucket }
}

async function stateOf(mount: PailHome, name: string) {
  const { stdout } = await mount.pail.run(['status', '--json', mount.path(name)])
  const state = JSON.parse(stdout) as PathState
  if (state.kind !== 'file') throw new Error(`no file: ${stdout}`)
  return state.state
}

const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    (thrown: NodeJS.ErrnoException) => thrown.code,
  )

describe('An archived file', () => {
  test('is listed as archived, and refused at once without a request; it is named with what to do', async () => {
    const { proxy, mount } = await frozen('cold-listed', { 'a.bin': true })
    proxy.forget()
    expect(await errorOf(fs.readFile(mount.path('a.bin')))).toBe('EACCES')
    expect(await errorOf(fs.readFile(mount.path('a.bin')))).toBe('EACCES')
    expect(proxy.countOf('GetObject')).toBe(0)
    expect(proxy.countOf('RestoreObject')).toBe(0)
    const state = await stateOf(mount, 'a.bin')
    expect(state).toMatchObject({ badge: 'archived', remote: { value: 'archived' } })
    expect(state.reason).toContain('Restore it')
    expect(state.actions).toContain('restore')
    const { unavailable = [] } = await mount.status()
    expect(unavailable).toMatchObject([{ path: mount.path('a.bin'), why: 'archived' }])
    expect(unavailable[0]?.sentence).toContain('Restore it')
    const { stdout } = await run('getfattr', [
      ...['--only-values', '-n', 'user.pail.state', mount.path('a.bin')],
    ])
    expect(stdout).toBe('Archived')
    expect(await fs.readFile(mount.path('warm'), 'utf8')).toBe('warm')
  })

  test('that a rule of the bucket puts there later is one from the next listing on; what is here of it is read', async () => {
    const { proxy, archive, mount, bucket } = await frozen('cold-later', {})
    await s3.put(bucket, 'other', 'other')
    await mount.pail.run(['refresh', mount.dir])
    expect(await fs.readFile(mount.path('warm'), 'utf8')).toBe('warm')
    expect((await stateOf(mount, 'other')).badge).toBe('cloud')
    for (const key of ['warm', 'other']) archive.freeze(key, 'DEEP_ARCHIVE')
    await mount.pail.run(['refresh', mount.dir])
    proxy.forget()
    expect((await stateOf(mount, 'other')).badge).toBe('archived')
    expect(await errorOf(fs.readFile(mount.path('other')))).toBe('EACCES')
    expect((await stateOf(mount, 'warm')).remote.value).toBe('archived')
    expect(await fs.readFile(mount.path('warm'), 'utf8')).toBe('warm')
    expect(proxy.countOf('GetObject')).toBe(0)
  })

  test('that the listing does not tell of costs one request, and none from then on', async () => {
    const { proxy, mount } = await frozen('cold-unlisted', { 'a.bin': false })
    proxy.forget()
    expect(await errorOf(fs.readFile(mount.path('a.bin')))).toBe('EACCES')
    expect(await errorOf(fs.readFile(mount.path('a.bin')))).toBe('EACCES')
    expect(proxy.countOf('GetObject')).toBe(1)
    expect((await stateOf(mount, 'a.bin')).badge).toBe('archived')
  })

  test('comes back when a person asks: asked for once, across a crash, told once, and archived again when its time is over', async () => {
    const { proxy, archive, mount } = await frozen('cold-restored', {
      'd/a.bin': true,
      'd/b': true,
    })
    await fs.readdir(mount.path('d'))
    proxy.forget()
    const asked = await mount.pail.run(['restore', mount.path('d/a.bin'), '--days', '3'])
    expect(asked).toMatchObject({ code: 0 })
    expect(asked.stdout).toContain('3 days')
    await mount.pail.run(['restore', mount.path('d/a.bin')])
    expect(proxy.countOf('RestoreObject')).toBe(1)
    expect((await stateOf(mount, 'd/a.bin')).remote.value).toBe('restoring')
    expect(await errorOf(fs.readFile(mount.path('d/a.bin')))).toBe('EACCES')

    await mount.kill9()
    await mount.remount()
    expect((await stateOf(mount, 'd/a.bin')).remote.value).toBe('restoring')
    expect(proxy.countOf('RestoreObject')).toBe(1)
    expect(proxy.countOf('GetObject')).toBe(0)
    const engine = await connectEngine(mount.dataDir)
    onTestFinished(() => engine.close())
    const told: FilesRestored[] = []
    engine.on('files/restored', (value) => told.push(value))

    const untilMs = Date.now() + 8_000
    archive.finish(untilMs)
    await mount.pail.run(['refresh', mount.path('d/a.bin')])
    await mount.pail.run(['refresh', mount.path('d/a.bin')])
    expect(BIG.equals(await fs.readFile(mount.path('d/a.bin')))).toBe(true)
    expect(await errorOf(fs.readFile(mount.path('d/b')))).toBe('EACCES')
    expect(told).toEqual([{ dir: mount.dir, paths: [mount.path('d/a.bin')], count: 1 }])
    expect((await mount.status()).restores).toMatchObject([{ state: 'readable' }])

    await expect
      .poll(async () => (await stateOf(mount, 'd/a.bin')).remote.value, SOON)
      .toBe('archived')
    expect(Date.now()).toBeGreaterThanOrEqual(untilMs - 1_000)
    expect(proxy.countOf('RestoreObject')).toBe(1)
  })

  test('of a folder are asked for together, without the others', async () => {
    const { proxy, mount } = await frozen('cold-folder', { 'd/a': true, 'd/e/b': true })
    const { stdout } = await mount.pail.run(['restore', '--json', mount.path('d')])
    expect(JSON.parse(stdout)).toMatchObject({ asked: 2, restoring: 0, readable: 0 })
    expect(proxy.countOf('RestoreObject')).toBe(2)
    expect((await mount.status()).restores).toHaveLength(2)
  })

  test('is asked for when the network is back, also after a restart, and once', async () => {
    const { proxy, mount } = await frozen('cold-offline', { a: true })
    await proxy.goDown()
    expect(await mount.pail.run(['restore', mount.path('a')])).toMatchObject({ code: 0 })
    expect((await mount.status()).restores).toMatchObject([{ state: 'asked' }])
    expect((await stateOf(mount, 'a')).remote.value).toBe('restoring')
    await mount.kill9()
    await mount.remount()
    proxy.forget()
    await proxy.comeBack()
    await expect
      .poll(async () => (await mount.status()).restores?.[0]?.state, SOON)
      .toBe('restoring')
    expect(proxy.countOf('RestoreObject')).toBe(1)
  })

  test('is neither renamed nor copied, can be removed and replaced, and a pin names it', async () => {
    const { proxy, mount, bucket } = await frozen('cold-edits', { 'd/a': true, 'd/b': true })
    await fs.readdir(mount.path('d'))
    expect(await errorOf(fs.rename(mount.path('d/a'), mount.path('d/c')))).toBe('EACCES')
    expect(await errorOf(fs.rename(mount.path('d'), mount.path('e')))).toBe('EACCES')
    expect(await errorOf(fs.copyFile(mount.path('d/a'), mount.path('copy')))).toBe('EACCES')
    await fs.rm(mount.path('copy'), { force: true })
    await mount.pail.run(['pin', mount.path('d/a')])
    const { stdout } = await mount.pail.run(['pins', '--check'])
    expect(stdout).toContain(`missing  ${mount.path('d/a')}`)
    await fs.writeFile(mount.path('d/b'), 'new content')
    await fs.rm(mount.path('d/a'))
    await mount.flush()
    expect((await stateOf(mount, 'd/b')).remote.value).not.toBe('archived')
    expect((await s3.list(bucket)).map(({ key }) => key)).toEqual(['d/b', 'warm'])
    for (const operation of ['GetObject', 'CopyObject', 'RestoreObject'] as const) {
      expect(proxy.countOf(operation), operation).toBe(0)
    }
  })
})
