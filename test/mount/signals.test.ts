import { execFile } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Running } from '../support/cli.ts'
import { isMounted, isRunning, type PailHome, pailHome } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import { pathsBelow } from '../support/tree.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const run = promisify(execFile)

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

async function inForeground(bucket: string): Promise<{ home: PailHome; pail: Running }> {
  await s3.createBucket(bucket)
  const home = await pailHome({ server, bucket })
  const pail = home.startForeground()
  await pail.waitFor('Mounted')
  expect(isMounted(home.dir)).toBe(true)
  return { home, pail }
}

async function expectEnded(home: PailHome, pail: Running): Promise<void> {
  const ended = await pail.finished
  expect(ended).toMatchObject({ code: 0, signal: null, stderr: '' })
  expect(isMounted(home.dir)).toBe(false)
  expect(await fs.readdir(home.dir)).toEqual([])
}

describe('pail mount --foreground', () => {
  test('is the engine itself and ends when the folder is unmounted by umount', async () => {
    const { home, pail } = await inForeground('umount')
    expect(home.enginePid()).toBe(pail.pid)
    await fs.writeFile(home.path('a'), 'written just before')
    await run('umount', [home.dir])
    await expectEnded(home, pail)
    expect(new TextDecoder().decode(await s3.get('umount', 'a'))).toBe('written just before')
  })

  test('ends when the folder is unmounted by pail unmount', async () => {
    const { home, pail } = await inForeground('unmount')
    await fs.writeFile(home.path('a'), 'written just before')
    await home.unmount()
    await expectEnded(home, pail)
    expect(new TextDecoder().decode(await s3.get('unmount', 'a'))).toBe('written just before')
  })

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'ends on %s, and what was closed is kept',
    async (signal) => {
      const bucket = signal.toLowerCase()
      const { home, pail } = await inForeground(bucket)
      await fs.writeFile(home.path('a'), 'written just before')
      process.kill(pail.pid, signal)
      const ended = await pail.finished
      expect(ended).toMatchObject({ code: 0, signal: null })
      expect(ended.stderr).not.toContain('    at ')
      expect(isMounted(home.dir)).toBe(false)
      await home.mount()
      expect(await fs.readFile(home.path('a'), 'utf8')).toBe('written just before')
      await home.flush()
      expect(new TextDecoder().decode(await s3.get(bucket, 'a'))).toBe('written just before')
    },
  )

  test('comes back with all that was closed when it is killed and started again, as a service is', async () => {
    const { home, pail } = await inForeground('service')
    await server.pause()
    try {
      await fs.writeFile(home.path('closed'), 'closed before the kill')
      process.kill(pail.pid, 'SIGKILL')
      await pail.finished
      // Programs meet a dead mount until the service is started again.
      await expect(fs.stat(home.path('closed'))).rejects.toThrow('ENOTCONN')
    } finally {
      server.resume()
    }
    const again = home.startForeground()
    await again.waitFor('Mounted')
    expect(await fs.readFile(home.path('closed'), 'utf8')).toBe('closed before the kill')
    await home.flush()
    expect(new TextDecoder().decode(await s3.get('service', 'closed'))).toBe(
      'closed before the kill',
    )
    process.kill(again.pid, 'SIGTERM')
    await expectEnded(home, again)
  })

  test('ends on SIGTERM while the server does not answer, and says what waits', async () => {
    const { home, pail } = await inForeground('silent')
    await fs.writeFile(home.path('first'), 'x')
    await home.flush()
    await server.pause()
    try {
      await fs.writeFile(home.path('waits'), 'kept here')
      process.kill(pail.pid, 'SIGTERM')
      const ended = await pail.finished
      expect(ended).toMatchObject({ code: 0, signal: null })
      expect(ended.stderr).toMatch(/^pail: 1 file not uploaded yet: kept in .*\n$/)
      expect(isMounted(home.dir)).toBe(false)
    } finally {
      server.resume()
    }
    await home.mount()
    await home.flush()
    expect(new TextDecoder().decode(await s3.get('silent', 'waits'))).toBe('kept here')
  })
})

describe('An engine in the background', () => {
  test('uploads what waits after the folder is unmounted, then ends by itself', async () => {
    await s3.createBucket('background')
    const home = await pailHome({ server, bucket: 'background' })
    await home.mount()
    const pid = home.enginePid()
    await fs.writeFile(home.path('a'), Buffer.alloc(20_000_000, 'large'))
    await home.unmount()
    expect(isMounted(home.dir)).toBe(false)
    await expect.poll(() => isRunning(pid), { timeout: 30_000, interval: 100 }).toBe(false)
    expect((await s3.head('background', 'a'))?.sizeBytes).toBe(20_000_000)
  })

  test('refuses to unmount a folder that a program uses, and names the program', async () => {
    await s3.createBucket('busy')
    const home = await pailHome({ server, bucket: 'busy' })
    await home.mount()
    const file = await fs.open(home.path('open'), 'w')
    try {
      const refused = await home.pail.run(['unmount', home.dir])
      expect(refused.code).toBe(5)
      const [names, sums, ...others] = refused.stderr.trimEnd().split('\n')
      expect(names).toMatch(/^pail: .+ \(\d+\) uses /)
      expect(names).toContain(`(${process.pid}) uses ${home.path('open')}`)
      expect(sums).toContain(`pail: ${home.dir} is in use: `)
      expect(others).toEqual([])
      await file.write('still works')
    } finally {
      await file.close()
    }
    await expect
      .poll(async () => (await home.pail.run(['unmount', home.dir])).code, { timeout: 10_000 })
      .toBe(0)
  })

  test('keeps the secret key out of its arguments, environment, log and data folder', async () => {
    const bucket = 'secrets'
    await s3.createBucket(bucket)
    const home = await pailHome({ server, bucket })
    await home.mount()
    await fs.writeFile(home.path('a'), 'x')
    await home.flush()
    const process = `/proc/${home.enginePid()}`
    const texts = [await fs.readFile(`${process}/cmdline`), await fs.readFile(`${process}/environ`)]
    const { files } = await pathsBelow(home.dataDir)
    expect(files).toContain('engine.log')
    for (const name of files) texts.push(await fs.readFile(join(home.dataDir, name)))
    for (const text of texts) expect(text.includes(server.secretAccessKey)).toBe(false)
    expect(JSON.stringify(await home.status())).not.toContain(server.secretAccessKey)
    expect((await fs.stat(home.dataDir)).mode & 0o777).toBe(0o700)
  })
})
