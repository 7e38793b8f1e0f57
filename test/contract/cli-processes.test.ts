/**
 * The command line as processes: a background engine, a foreground engine, signals, secrets.
 *
 * The engine inside is a fake one; everything around it is real.
 */
import {
  chmodSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { parseHolder } from '../../engine/base/file-lock.ts'
import { buildFakeCli, type FakeCli, Pail, plainEnvironment } from '../support/cli.ts'
import { temporaryFolder } from '../support/folder.ts'

const SECRET = 'canary-secret-5up3r'
const ENDPOINT = ['--endpoint', 'http://127.0.0.1:9']
const LIMIT = { timeout: 20_000, interval: 50 }

let bundle: FakeCli
beforeAll(async () => {
  bundle = await buildFakeCli()
})
afterAll(() => bundle.dispose())

/** A data folder, a password file, and `pail` on both; whatever engine starts is ended. */
function place() {
  const home = temporaryFolder()
  const dataDir = join(home, 'data')
  const passwordFile = join(home, 'keys')
  writeFileSync(passwordFile, `id:${SECRET}\n`)
  chmodSync(passwordFile, 0o600)
  const environment = { ...plainEnvironment(home), PAIL_DATA_DIR: dataDir }
  const pail = new Pail([process.execPath, bundle.cliPath], environment)
  const enginePid = () => parseHolder(readFileSync(join(dataDir, 'engine.lock'), 'utf8')).pid ?? -1
  onTestFinished(async () => {
    if (!existsSync(join(dataDir, 'engine.lock'))) return
    if (isRunning(enginePid())) process.kill(enginePid(), 'SIGKILL')
    await expect.poll(() => isRunning(enginePid()), LIMIT).toBe(false)
  })
  const keys = [...ENDPOINT, '--passwd-file', passwordFile]
  return { home, dataDir, passwordFile, pail, enginePid, keys }
}

/** A killed engine is a zombie until init takes it: it runs no more. */
function isRunning(pid: number): boolean {
  if (pid < 1 || !existsSync(`/proc/${pid}/stat`)) return false
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

async function statusOf(pail: Pail): Promise<unknown> {
  return JSON.parse((await pail.run(['status', '--json'])).stdout)
}

describe('Engine in the background', () => {
  test('starts with the first mount, serves the second, and ends after the last', async () => {
    const { pail, keys, dataDir, enginePid, home } = place()
    const first = await pail.run(['mount', 'demo', 'd', ...keys], { cwd: home })
    expect(first).toMatchObject({ code: 0, stdout: `Mounted demo on ${home}/d.\n`, stderr: '' })
    const pid = enginePid()
    expect((await pail.run(['mount', 'demo:/a', '/e', ...keys])).code).toBe(0)
    expect(await statusOf(pail)).toMatchObject({
      engine: { pid, dataDir },
      mounts: [
        { dir: `${home}/d`, bucket: 'demo', prefix: '', state: 'mounted', pendingFiles: 0 },
        { dir: '/e', prefix: 'a/', pendingBytes: 0, errors: [] },
      ],
    })
    expect((await pail.run(['unmount', 'd'], { cwd: home })).stdout).toBe(`Unmounted ${home}/d.\n`)
    expect((await pail.run(['unmount', '/e'])).code).toBe(0)
    await expect.poll(() => isRunning(pid), LIMIT).toBe(false)
    expect(await statusOf(pail)).toEqual({ engine: null, mounts: [] })
    expect((await pail.run(['unmount', '/e'])).code).toBe(5)
  })

  test('is one, also when two commands start it at the same time', async () => {
    const { pail, keys } = place()
    const both = await Promise.all([
      pail.run(['mount', 'demo', '/d', ...keys]),
      pail.run(['mount', 'demo', '/e', ...keys]),
    ])
    expect(both.map(({ code, stderr }) => ({ code, stderr }))).toEqual([
      { code: 0, stderr: '' },
      { code: 0, stderr: '' },
    ])
    expect(await statusOf(pail)).toMatchObject({ mounts: [{}, {}] })
  })

  test('understands a line written for s3fs, wherever the options stand', async () => {
    const { pail, passwordFile } = place()
    const url = ['-o', 'url=http://127.0.0.1:9']
    const file = ['-o', `passwd_file=${passwordFile}`]
    expect(await pail.run(['mount', 'demo', ...url, '/d', ...file])).toMatchObject({ code: 0 })
    expect(await pail.run(['mount', ...url, ...file, 'demo', '/e'])).toMatchObject({ code: 0 })
    expect(await pail.run(['mount', 'demo', '/f', ...file, ...url])).toMatchObject({ code: 0 })
  })

  test('goes on uploading after the folder is gone, and says so', async () => {
    const { pail, keys, enginePid } = place()
    await pail.run(['mount', 'slow', '/d', ...keys])
    const early = await pail.run(['flush', '--wait', '--timeout', '0.01', '/d'])
    expect(early).toMatchObject({ code: 1, stderr: expect.stringContaining('2 files, 3 MB') })
    const unmounted = await pail.run(['unmount', '/d'])
    expect(unmounted.stdout).toContain(
      '2 files, 3 MB still to upload; they go on in the background',
    )
    expect(await pail.run(['flush', '--wait'])).toMatchObject({ code: 0 })
    await expect.poll(() => isRunning(enginePid()), LIMIT).toBe(false)
  })

  test('survives a defect in one operation, and logs it with its stack and without the secret', async () => {
    const { pail, keys, dataDir, enginePid } = place()
    expect((await pail.run(['mount', 'defect', '/d', ...keys])).code).toBe(0)
    const log = () => readFileSync(join(dataDir, 'engine.log'), 'utf8')
    await expect.poll(log, LIMIT).toContain('defect while signing with [redacted]')
    expect(log()).toContain('at #fail')
    expect(log()).not.toContain(SECRET)
    expect(isRunning(enginePid())).toBe(true)
    expect(await statusOf(pail)).toMatchObject({ mounts: [{ dir: '/d' }] })
  })

  test('a signal ends it in order, and the next mount starts another', async () => {
    const { pail, keys, dataDir, enginePid } = place()
    await pail.run(['mount', 'stuck', '/d', ...keys])
    const pid = enginePid()
    process.kill(pid, 'SIGTERM')
    await expect.poll(() => isRunning(pid), LIMIT).toBe(false)
    expect(readFileSync(join(dataDir, 'engine.log'), 'utf8')).toContain('fake/closed')
    expect((await pail.run(['mount', 'demo', '/d', ...keys])).code).toBe(0)
    expect(enginePid()).not.toBe(pid)
  })

  test('that was killed holds neither the lock nor the socket', async () => {
    const { pail, keys, enginePid } = place()
    await pail.run(['mount', 'demo', '/d', ...keys])
    process.kill(enginePid(), 'SIGKILL')
    expect((await pail.run(['mount', 'demo', '/d', ...keys])).code).toBe(0)
  })

  test('keeps the secret out of arguments, environment and every file', async () => {
    const { pail, keys, dataDir, home, enginePid } = place()
    const environment = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: SECRET }
    // The first one starts the engine, with the secret in the environment of its starter.
    expect((await pail.run(['mount', 'demo', '/d', ...ENDPOINT], { environment })).code).toBe(0)
    expect((await pail.run(['mount', 'demo', '/e', ...keys])).code).toBe(0)
    const pid = enginePid()
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).not.toContain(SECRET)
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain(SECRET)
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).toContain('UV_THREADPOOL_SIZE=16')
    const files = readdirSync(home, { recursive: true, withFileTypes: true })
    for (const file of files.filter((one) => one.isFile() && one.name !== 'keys')) {
      const path = join(file.parentPath, file.name)
      expect(readFileSync(path, 'utf8'), path).not.toContain(SECRET)
      expect(statSync(path).mode & 0o077, path).toBe(0)
    }
    expect(statSync(dataDir).mode & 0o777).toBe(0o700)
    expect(readFileSync(join(dataDir, 'engine.log'), 'utf8')).toContain('fake/start')
  })
})

describe('Engine in the foreground', () => {
  const inForeground = ['--foreground', ...ENDPOINT]

  test('stays until the folder is unmounted, by whatever means', async () => {
    const { pail, passwordFile, dataDir } = place()
    const args = ['mount', 'demo', '/d', ...inForeground, '--passwd-file', passwordFile]
    const one = pail.start(args)
    await one.waitFor('Mounted demo on /d.')
    expect(await statusOf(pail)).toMatchObject({ engine: { pid: one.pid } })
    writeFileSync(join(dataDir, 'gone'), '')
    expect(await one.finished).toMatchObject({ code: 0, stderr: '' })
  })

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'ends in order on %s, pending files kept',
    async (signal) => {
      const { pail, passwordFile, dataDir } = place()
      const args = ['mount', 'stuck', '/d', ...inForeground, '--passwd-file', passwordFile]
      const one = pail.start(args)
      await one.waitFor('Mounted')
      one.child.kill(signal)
      expect(await one.finished).toMatchObject({
        code: 0,
        stderr: expect.stringContaining('1 file not uploaded yet'),
      })
      expect(readFileSync(join(dataDir, 'engine.log'), 'utf8')).toContain('fake/closed')
    },
  )

  test('is refused on a data folder that has an engine, naming it', async () => {
    const { pail, passwordFile, keys, enginePid } = place()
    await pail.run(['mount', 'demo', '/d', ...keys])
    const args = ['mount', 'demo', '/e', ...inForeground, '--passwd-file', passwordFile]
    expect(await pail.run(args)).toMatchObject({
      code: 6,
      stderr: expect.stringContaining(`process ${enginePid()}`),
    })
    const elsewhere = join(temporaryFolder(), 'other')
    const other = pail.start([...args, '--data-dir', elsewhere])
    await other.waitFor('Mounted')
    other.child.kill('SIGTERM')
    expect((await other.finished).code).toBe(0)
  })

  test('ends at once when the mount is refused', async () => {
    const { pail, passwordFile } = place()
    const args = ['mount', 'missing', '/d', ...inForeground, '--passwd-file', passwordFile]
    expect(await pail.run(args)).toMatchObject({ code: 4, stdout: '' })
  })
})

describe('Command line', () => {
  test('tells one line and an exit code for what cannot be used', async () => {
    const { pail, passwordFile, home } = place()
    const failing = async (args: readonly string[], environment = {}) => {
      const { code, stdout, stderr } = await pail.run(args, { environment, cwd: home })
      expect(stdout).toBe('')
      expect(stderr).toMatch(/^pail: .*\.\n$/)
      expect(stderr.split('\n')).toHaveLength(2)
      return `${code} ${stderr}`
    }
    expect(await failing([])).toMatch(/^2 .*A command is missing/)
    expect(await failing(['mount', 'demo'])).toMatch(/^2 .*'folder'/)
    expect(await failing(['mount', 'demo', 'd', ...ENDPOINT])).toMatch(/^3 .*[Kk]eys are missing/)
    expect(await failing(['mount', 'demo', 'd', '-o', 'uid=1000'])).toMatch(/^2 .*uid/)
    chmodSync(passwordFile, 0o644)
    const readable = ['mount', 'demo', 'd', ...ENDPOINT, '--passwd-file', passwordFile]
    expect(await failing(readable)).toMatch(/^3 .*others can read it.*chmod 600/)
    expect(await failing(['flush', '--timeout', 'soon'])).toMatch(/^2 .*seconds/)
    expect(await failing(['status', '--data-dir', ''])).toMatch(/^2 /)
    expect(existsSync(join(home, 'data'))).toBe(false)
  })

  test('knows its version and explains itself', async () => {
    const { pail } = place()
    expect((await pail.run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    const help = await pail.run(['--help'])
    expect(help).toMatchObject({ code: 0, stderr: '' })
    expect(help.stdout).toContain('pail flush --wait')
    expect((await pail.run(['mount', '--help'])).stdout).toContain('--passwd-file')
  })

  test('is started by bin/pail, also through a link, and says how to set up when it is not', async () => {
    const { home } = place()
    const root = join(home, 'it’s a checkout')
    cpSync(resolve(import.meta.dirname, '../../bin'), join(root, 'bin'), { recursive: true })
    symlinkSync(join(root, 'bin/pail'), join(home, 'pail'))
    const pail = new Pail([join(home, 'pail')], plainEnvironment(home))
    expect(await pail.run(['--version'])).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('npm run setup'),
    })
    symlinkSync(bundle.folder, join(root, 'dist'))
    expect(await pail.run(['--version'])).toMatchObject({ code: 0, stderr: '' })
  })

  test('finds nothing to upload where no engine ever worked', async () => {
    const { pail, dataDir } = place()
    expect(await pail.run(['flush', '--wait'])).toMatchObject({ code: 0 })
    expect(existsSync(dataDir)).toBe(false)
  })
})
