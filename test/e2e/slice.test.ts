/**
 * The whole path through the real window: a person adds a connection, mounts a bucket, saves a
 * file, sees it reach the bucket, unmounts. Real Electron, engine, kernel, keychain and server.
 */
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { takePicture as pictureOf, runProgram, takePictures, ways } from '../support/app-window.ts'
import {
  type AppFolders,
  closeAll,
  launchApp,
  makeAppFolders,
  openScreen,
  type RunningApp,
  type Screen,
} from '../support/electron.ts'
import { type Keyring, startKeyring } from '../support/keyring.ts'
import { plainS3Client } from '../support/s3-client.ts'
import { filesWith, processesWith } from '../support/traces.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const WRONG_SECRET = 'wrong-secret-canary-91c2'
const BUCKETS = ['ct-scans', 'demo', 'results-2026', 'simulation-inputs']
const ALL_UPLOADED = 'Everything you saved is in the bucket'

let screen: Screen
let keyring: Keyring
let server: Versitygw
let folders: AppFolders
let running: RunningApp
let window: Page

const mountDir = () => join(folders.home, 'Pail', 'demo')
const keptFile = () => join(mountDir(), 'kept.txt')
const { verdict, goTo, mountRow } = ways(() => window)
const takePicture = (name: string) => pictureOf({ running, folders }, name)

async function start(): Promise<void> {
  running = await launchApp({ folders, display: screen.display, env: keyring.env })
  window = running.window
}

beforeAll(async () => {
  ;[screen, keyring, server, folders] = await Promise.all([
    openScreen(),
    startKeyring(),
    startVersitygw(),
    makeAppFolders(),
  ])
  for (const bucket of BUCKETS) await server.createBucket(bucket)
  await start()
})

afterAll(() =>
  closeAll(
    () => running?.stop(),
    // A lazy unmount names the mount without waiting on it.
    () => BUCKETS.map((name) => spawnSync('umount', ['-l', join(folders.home, 'Pail', name)])),
    () => server?.stop(),
    () => keyring?.stop(),
    () => screen?.stop(),
    () => folders?.remove(),
  ),
)

// A test that failed in the middle must not leave the server silent for the next.
afterEach(() => server.resume())

describe('a bucket becomes a folder', () => {
  test('keys that the server refuses are not stored anywhere, and the window says what to do', async () => {
    await window.getByRole('button', { name: 'Add a connection' }).click()
    await window.getByLabel('Paste a credential').fill(`${server.accessKeyId}:${WRONG_SECRET}`)
    await window.getByText('as in an s3fs password file').waitFor()
    await window.getByRole('combobox', { name: 'Endpoint' }).fill(server.url)
    await window.getByLabel('Name').fill('Lab server')
    await takePicture('add-connection')
    await window.getByRole('button', { name: 'Connect', exact: true }).click()
    await window.getByRole('alert').getByText('Check the access key and the secret key').waitFor()
    expect(await keyring.count()).toBe(0)
    expect(filesWith(folders.root, WRONG_SECRET)).toEqual([])
  })

  test('the right keys open the list of buckets; the secret is in the keychain', async () => {
    await window.getByLabel('Secret key', { exact: true }).fill(server.secretAccessKey)
    await window.getByRole('button', { name: 'Connect', exact: true }).click()
    for (const bucket of BUCKETS) {
      await window.getByRole('cell', { name: bucket, exact: true }).waitFor()
    }
    expect(await keyring.count()).toBe(1)
    const settings = JSON.parse(readFileSync(join(folders.userData, 'settings.json'), 'utf8'))
    expect(await keyring.lookup(settings.connections[0].id)).toBe(server.secretAccessKey)
    await takePicture('buckets')
  })

  test('a bucket is mounted where the dialog suggests it', async () => {
    await window.getByRole('button', { name: 'Mount demo' }).click()
    await window.getByLabel('Local folder').waitFor()
    expect(await window.getByLabel('Local folder').inputValue()).toBe(mountDir())
    await window.getByRole('button', { name: 'Mount', exact: true }).click()
    await mountRow('demo', 'mounted')
    await verdict(ALL_UPLOADED)
    expect(readFileSync('/proc/mounts', 'utf8')).toContain(` ${mountDir()} fuse`)
  })

  test('a file saved by another program counts as pending until it is in the bucket', async () => {
    // The server answers nothing for a while: closing the file must not wait for it.
    server.pause()
    runProgram('head -c 3100000 /dev/zero > "$1/scan.raw"', mountDir())
    await verdict('1 file, 3.1 MB still to upload')
    await goTo('Activity')
    await window.getByRole('listitem', { name: 'scan.raw' }).getByText('3.1 MB').waitFor()
    server.resume()
    await window.getByText('Nothing is waiting').waitFor({ timeout: 90_000 })
    await verdict(ALL_UPLOADED)
    const object = await plainS3Client(server).get('demo', 'scan.raw')
    expect(object.length).toBe(3_100_000)
  })

  test('an engine that is killed comes back with the folder, and nothing is lost', async () => {
    const enginePid = await enginePidOf()
    expect(enginePid).toBeGreaterThan(1)
    server.pause()
    runProgram('echo kept > "$1/kept.txt"', mountDir())
    process.kill(enginePid, 'SIGKILL')
    server.resume()
    await goTo('Folders')
    await expectNewEngine(enginePid)
    await mountRow('demo', 'mounted')
    await verdict(ALL_UPLOADED)
    expect(Buffer.from(await plainS3Client(server).get('demo', 'kept.txt')).toString()).toBe(
      'kept\n',
    )
    expect(runProgram('cat "$1/kept.txt"', mountDir())).toBe('kept\n')
  })

  test('the folders page shows every mount with its state', async () => {
    await mountFromList('ct-scans', { isReadOnly: true })
    await mountFromList('results-2026', { isReadOnly: false })
    expect(
      await window.getByRole('list', { name: 'Mounted folders' }).getByRole('listitem').count(),
    ).toBe(3)
    expect(runProgram('touch "$1/x" 2>&1 || true', join(folders.home, 'Pail/ct-scans'))).toMatch(
      /Read-only/,
    )
    await window.getByRole('switch', { name: 'Pause uploads' }).check({ force: true })
    await verdict('Uploads are paused')
    runProgram('for i in 1 2 3; do head -c 21000000 /dev/zero > "$1/run-$i.h5"; done', mountDir())
    await verdict('3 files, 63 MB still to upload')
    await takePictures({ running, folders }, 'folders')
    await window.getByRole('switch', { name: 'Pause uploads' }).uncheck({ force: true })
    await verdict(ALL_UPLOADED)
  })

  test('a folder is kept offline, and the check says that it would do for a flight', async () => {
    await goTo('Folders')
    await window.getByRole('button', { name: 'More for demo' }).click()
    await window.getByRole('menuitem', { name: 'Keep offline' }).click()
    await goTo('Offline')
    const row = window.getByRole('listitem', { name: 'demo' })
    await row.getByText('100 %').waitFor({ timeout: 60_000 })
    await window.getByRole('button', { name: 'Ready for a flight?' }).click()
    const result = window.getByRole('status', { name: 'Result of the check' })
    await result.getByText('Ready for a flight').waitFor({ timeout: 60_000 })
    await takePictures({ running, folders }, 'offline')
  })

  test('without requests by choice the folder is read, and what is saved waits', async () => {
    await window.getByRole('switch', { name: 'Work offline' }).check({ force: true })
    await verdict('Working offline')
    runProgram('echo later > "$1/later.txt"; cat "$1/kept.txt"', mountDir())
    await verdict(/1 file, 6 bytes still to upload/)
    await window.getByRole('switch', { name: 'Work offline' }).uncheck({ force: true })
    await verdict(ALL_UPLOADED)
    const object = await plainS3Client(server).get('demo', 'later.txt')
    expect(Buffer.from(object).toString()).toBe('later\n')
  })

  test('a folder in use names its programs before it is unmounted', async () => {
    const program = spawn('sh', ['-c', 'exec 3<"$1"; echo open; read line', 'sh', keptFile()])
    try {
      await new Promise((resolve) => program.stdout.once('data', resolve))
      await goTo('Folders')
      await window.getByRole('button', { name: 'Unmount demo' }).click()
      const dialog = window.getByRole('dialog')
      const programs = dialog.getByRole('region', { name: 'Programs that use the folder' })
      await programs.getByText(String(program.pid)).waitFor()
      await dialog.getByRole('button', { name: 'Unmount' }).click()
      await dialog.getByText('Programs still use the folder').waitFor()
      await dialog.getByRole('button', { name: 'Cancel' }).click()
    } finally {
      program.kill('SIGKILL')
    }
  })

  test('a folder is unmounted from the window and mounted again', async () => {
    await goTo('Folders')
    await window.getByRole('button', { name: 'Unmount demo' }).click()
    const dialog = window.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Unmount' }).click()
    await mountRow('demo', 'stopped')
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(` ${mountDir()} `)
    await window
      .getByRole('listitem', { name: 'demo' })
      .getByRole('button', { name: 'Mount' })
      .click()
    await mountRow('demo', 'mounted')
    expect(runProgram('cat "$1/kept.txt"', mountDir())).toBe('kept\n')
  })

  test('the secret is in no file, no argument, no environment, no log and not in the page', async () => {
    const secret = server.secretAccessKey
    const appPid = running.app.process().pid ?? 0
    // The search finds what is there: the access key in the settings, a path in the arguments.
    expect(filesWith(folders.root, server.accessKeyId)).toContain(
      join(folders.userData, 'settings.json'),
    )
    expect(processesWith(appPid, folders.userData)).not.toEqual([])
    expect(filesWith(folders.root, secret)).toEqual([])
    expect(processesWith(appPid, secret)).toEqual([])
    expect(running.output()).not.toContain(secret)
    expect(await window.content()).not.toContain(secret)
  })

  test('folders are unmounted when the app quits, and come back when it starts', async () => {
    await running.stop()
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(folders.home)
    await start()
    for (const name of ['demo', 'ct-scans', 'results-2026']) await mountRow(name, 'mounted')
    expect(runProgram('cat "$1/kept.txt"', mountDir())).toBe('kept\n')
  })

  test('without a keychain the folder says so instead of asking the server', async () => {
    await running.stop()
    await keyring.stopDaemon()
    await start()
    await mountRow('demo', 'needs-sign-in')
    await window.getByText('Start or unlock the keychain of this computer').first().waitFor()
  })
})

async function mountFromList(bucket: string, { isReadOnly }: { isReadOnly: boolean }) {
  await goTo('Buckets')
  await window.getByRole('button', { name: `Mount ${bucket}` }).click()
  const dialog = window.getByRole('dialog')
  await dialog.getByLabel('Local folder').waitFor()
  if (isReadOnly) await dialog.getByLabel('Read-only').check({ force: true })
  await dialog.getByRole('button', { name: 'Mount', exact: true }).click()
  await mountRow(bucket, 'mounted')
}

async function expectNewEngine(oldPid: number): Promise<void> {
  const isNew = async () => {
    const pid = await enginePidOf()
    return pid !== 0 && pid !== oldPid
  }
  await expect.poll(isNew, { timeout: 30_000 }).toBe(true)
}

async function enginePidOf(): Promise<number> {
  return await running.app.evaluate(({ app }) => {
    const metric = app.getAppMetrics().find(({ name }) => name === 'Pail engine')
    return metric?.pid ?? 0
  })
}
