/**
 * Goal: a folder in use is not taken away silently, and one that programs wrote into while it was
 *       not mounted comes back, with what they wrote beside it. Ordinary users cannot write into it
 *       while it is mounted, nor after a crash.
 */
import { execFile, spawn } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { pailHome, pailMount, waitForEnd } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const run = promisify(execFile)
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

describe('Unmounting', () => {
  test('a folder in use names the programs, and works when they have ended', async () => {
    await s3.createBucket('held')
    await s3.put('held', 'data', 'x')
    const mount = await pailMount({ server, bucket: 'held' })
    const script = 'exec 3<"$1"; echo ready; read line'
    const program = spawn('/bin/sh', ['-c', script, 'sh', mount.path('data')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    onTestFinished(() => {
      program.kill('SIGKILL')
    })
    await new Promise<void>((resolve) => program.stdout.once('data', () => resolve()))
    const refused = await mount.pail.run(['unmount', mount.dir])
    expect(refused.code).toBe(5)
    expect(refused.stderr).toContain(`(${program.pid}) uses ${mount.path('data')}`)
    expect(refused.stderr).toContain('is in use')
    expect((await mount.status()).mounts[0]?.state).toBe('mounted')
    const ended = new Promise((resolve) => program.once('close', resolve))
    program.stdin.end()
    await ended
    const done = await mount.pail.run(['unmount', mount.dir])
    expect(done, done.stderr).toMatchObject({ code: 0 })
  })
})

/** Of the folder below the mount, which only a mount namespace of its own can look at. */
async function bareMode(dir: string): Promise<string> {
  const script = 'while umount -l "$0" 2> /dev/null; do :; done; stat -c %a "$0"'
  const namespace = ['--mount', '--propagation', 'private']
  return (await run('unshare', [...namespace, 'sh', '-c', script, dir])).stdout.trim()
}

describe('The bare folder below a mount', () => {
  test('is locked while it is mounted and after a crash, and given back when it is unmounted', async () => {
    await s3.createBucket('locked')
    const home = await pailHome({ server, bucket: 'locked' })
    await fs.chmod(home.dir, 0o775)
    await home.mount()
    await fs.writeFile(home.path('kept'), 'kept')
    expect(await bareMode(home.dir)).toBe('555')
    await home.kill9()
    expect(await bareMode(home.dir)).toBe('555')
    await home.remount()
    expect(await fs.readFile(home.path('kept'), 'utf8')).toBe('kept')
    expect(await bareMode(home.dir)).toBe('555')
    await home.unmount()
    expect(await bareMode(home.dir)).toBe('775')
    await home.mount()
    await run('umount', [home.dir])
    await expect.poll(() => bareMode(home.dir), SOON).toBe('775')
  })

  test('is given back by an unmount after a crash, without an engine', async () => {
    await s3.createBucket('leftover')
    const home = await pailHome({ server, bucket: 'leftover' })
    await home.mount()
    await home.kill9()
    await home.unmount()
    expect(await bareMode(home.dir)).toBe('755')
  })

  test('stays locked at the end of the engine when Pail made it, and is mounted again', async () => {
    await s3.createBucket('made')
    const home = await pailHome({ server, bucket: 'made' })
    const made = join(home.home, 'made')
    const mountMade = () =>
      home.pail.run([
        ...home.mountArguments.map((one) => (one === home.dir ? made : one)),
        '--create',
      ])
    onTestFinished(async () => {
      await run('umount', ['-l', made]).catch(() => undefined)
    })
    const ends = async () => {
      const pid = home.enginePid()
      process.kill(pid, 'SIGTERM')
      await waitForEnd(pid)
    }
    expect(await mountMade()).toMatchObject({ code: 0 })
    await home.mount()
    await ends()
    expect([await bareMode(made), await bareMode(home.dir)]).toEqual(['500', '755'])
    expect(await mountMade()).toMatchObject({ code: 0 })
    expect(await home.pail.run(['unmount', made])).toMatchObject({ code: 0 })
    expect(await bareMode(made)).toBe('700')
  })
})

describe('A folder that was written into while nothing was mounted on it', () => {
  test('is mounted, and what was in it lies beside it', async () => {
    await s3.createBucket('bare')
    await s3.put('bare', 'in-bucket', 'x')
    const home = await pailHome({ server, bucket: 'bare' })
    await home.mount()
    await home.unmount()
    await fs.writeFile(home.path('left.txt'), 'left')
    await fs.mkdir(home.path('deep'))
    await fs.writeFile(home.path('deep', 'er'), 'er')
    const mounted = await home.pail.run(home.mountArguments)
    expect(mounted, mounted.stderr).toMatchObject({ code: 0 })
    expect(mounted.stdout).toContain('2 entries were in')
    expect(await fs.readdir(home.dir)).toEqual(['in-bucket'])
    const beside = (await fs.readdir(home.home)).find((name) => name.startsWith('mnt (found '))
    expect(await fs.readFile(join(home.home, beside ?? '', 'left.txt'), 'utf8')).toBe('left')
    expect(await fs.readFile(join(home.home, beside ?? '', 'deep', 'er'), 'utf8')).toBe('er')
    expect((await s3.list('bare')).map(({ key }) => key)).toEqual(['in-bucket'])
  })

  test('that Pail never mounted on is refused, and left alone', async () => {
    await s3.createBucket('never')
    const home = await pailHome({ server, bucket: 'never' })
    await fs.writeFile(home.path('mine'), 'mine')
    const refused = await home.pail.run(home.mountArguments)
    expect(refused.code).toBe(5)
    expect(refused.stderr).toContain('is not empty')
    expect(await fs.readdir(home.dir)).toEqual(['mine'])
  })
})
