/**
 * The activity of the real window: what waits and why, conflicts, the pause, and the question before
 * quitting. Real Electron, engine, kernel, keychain and server.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { runProgram, takePictures, ways } from '../support/app-window.ts'
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
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const BUCKET = 'beamline-7'
/** What others stored shows when the listing is old enough to be made again. */
const LISTED = { timeout: 30_000, interval: 500 }
const ALL_UPLOADED = 'Everything you saved is in the bucket'

let screen: Screen
let keyring: Keyring
let server: Versitygw
let folders: AppFolders
let running: RunningApp
let window: Page

const { verdict, goTo, mountRow } = ways(() => window)
const mountDir = () => join(folders.home, 'Pail', BUCKET)
const pause = () => window.getByRole('switch', { name: 'Pause uploads' }).check({ force: true })
const resume = () => window.getByRole('switch', { name: 'Pause uploads' }).uncheck({ force: true })
const row = (name: string) => window.getByRole('listitem', { name, exact: true })
const tab = (name: RegExp) => window.getByRole('tab', { name }).click()
const stored = async (key: string) =>
  Buffer.from(await plainS3Client(server).get(BUCKET, key)).toString()

beforeAll(async () => {
  ;[screen, keyring, server, folders] = await Promise.all([
    openScreen(),
    startKeyring(),
    startVersitygw(),
    makeAppFolders(),
  ])
  await server.createBucket(BUCKET)
  running = await launchApp({ folders, display: screen.display, env: keyring.env })
  window = running.window
  await connectAndMount()
})

afterAll(() =>
  closeAll(
    () => running?.stop(),
    // A lazy unmount names the mount without waiting on it.
    () => spawnSync('umount', ['-l', mountDir()]),
    () => server?.stop(),
    () => keyring?.stop(),
    () => screen?.stop(),
    () => folders?.remove(),
  ),
)

// A test that failed in the middle must not leave the server silent for the next.
afterEach(() => server.resume())

async function connectAndMount(): Promise<void> {
  await window.getByRole('button', { name: 'Add a connection' }).click()
  const keys = `${server.accessKeyId}:${server.secretAccessKey}`
  await window.getByLabel('Paste a credential').fill(keys)
  await window.getByRole('combobox', { name: 'Endpoint' }).fill(server.url)
  await window.getByLabel('Name').fill('Lab server')
  await window.getByRole('button', { name: 'Connect', exact: true }).click()
  await window.getByRole('button', { name: `Mount ${BUCKET}` }).click()
  await window.getByRole('button', { name: 'Mount', exact: true }).click()
  await mountRow(BUCKET, 'mounted')
}

describe('the activity', () => {
  test('shows files that were saved while the server is silent, with their reason', async () => {
    runProgram('mkdir "$1/run-12"', mountDir())
    await verdict(ALL_UPLOADED)
    server.pause()
    const sizes = [41_000_000, 2_400_000, 18_200]
    const write = 'for n in $2; do head -c $n /dev/zero > "$1/run-12/scan-$n.h5"; done'
    runProgram(write, mountDir(), sizes.join(' '))
    await verdict(/\d files, 43 MB still to upload/)
    await goTo('Activity')
    for (const size of sizes) await row(`scan-${size}.h5`).waitFor()
    await row('scan-18200.h5').getByText('18 kB').waitFor()
    await row('scan-18200.h5')
      .getByText(/no connection to the bucket.*Goes on when the network is back/)
      .waitFor({ timeout: 120_000 })
    await takePictures({ running, folders }, 'activity')
    server.resume()
    await window.getByRole('button', { name: 'Try all now' }).click()
    await window.getByText('Nothing is waiting').waitFor({ timeout: 90_000 })
    await verdict(ALL_UPLOADED)
    await tab(/Recent/)
    await window.getByText('run-12/scan-18200.h5 is in the bucket.').waitFor()
    await takePictures({ running, folders }, 'recent')
  })

  test('holds back uploads while they are paused, and says so', async () => {
    await pause()
    runProgram('echo notes > "$1/notes.txt"', mountDir())
    await verdict('1 file, 6 bytes still to upload')
    await verdict('Uploads are paused')
    await goTo('Folders')
    await goTo('Activity')
    await row('notes.txt')
      .getByText('Uploads are paused. Goes on when uploads are resumed.')
      .waitFor()
    expect(await plainS3Client(server).list(BUCKET, 'notes')).toEqual([])
    await resume()
    await verdict(ALL_UPLOADED)
    expect(await stored('notes.txt')).toBe('notes\n')
  })

  test('shows both sides of a conflict, and keeps the one that is chosen', async () => {
    const s3 = plainS3Client(server)
    await s3.put(BUCKET, 'report.csv', 'base\n')
    await goTo('Folders')
    await window.getByRole('button', { name: `More for ${BUCKET}` }).click()
    await window.getByRole('menuitem', { name: 'Refresh' }).click()
    await window.getByText(`${BUCKET} was refreshed`).waitFor()
    expect(runProgram('cat "$1/report.csv"', mountDir())).toBe('base\n')
    await pause()
    runProgram('echo ours > "$1/report.csv"', mountDir())
    await verdict(/1 file, 5 bytes/)
    await s3.put(BUCKET, 'report.csv', 'changed elsewhere\n')
    await resume()
    await verdict('1 file needs attention')
    await goTo('Activity')
    const card = row('report.csv')
    for (const text of ['18 bytes', '5 bytes'])
      await card.getByText(text, { exact: true }).waitFor()
    await card.getByText('in the bucket as well').waitFor({ timeout: 30_000 })
    await takePictures({ running, folders }, 'conflict')
    await card.getByRole('button', { name: 'Keep mine' }).click()
    await window.getByText('No conflicts').waitFor()
    await verdict(ALL_UPLOADED)
    expect(await stored('report.csv')).toBe('ours\n')
    expect(runProgram('cat "$1/report.csv"; ls "$1" | grep -c conflict || true', mountDir())).toBe(
      'ours\n0\n',
    )
  })

  test('keeps files of the names on its list here, and uploads those that come off it', async () => {
    await goTo('Settings')
    const connection = window.getByTestId('connection')
    await connection.getByText(/^\d+ of 2,000 list requests this month, \d+ today$/).waitFor()
    expect(await connection.getByText('Unprotected').count()).toBe(0)
    await window.getByLabel('Add a name').fill('*.scratch')
    await window.getByRole('button', { name: 'Add', exact: true }).click()
    const off = window.getByRole('button', { name: 'Take *.scratch off the list' })
    await off.waitFor()
    await takePictures({ running, folders }, 'settings')
    runProgram('echo s > "$1/a.scratch"; echo t > "$1/beside.txt"', mountDir())
    await expect.poll(() => plainS3Client(server).list(BUCKET, 'beside')).toHaveLength(1)
    expect(await plainS3Client(server).list(BUCKET, 'a.scratch')).toEqual([])
    await off.click()
    await off.waitFor({ state: 'detached' })
    await expect.poll(() => plainS3Client(server).list(BUCKET, 'a.scratch')).toHaveLength(1)
    await verdict(ALL_UPLOADED)
  })

  test('shows an upload that another program never ended, and aborts it after a question', async () => {
    const s3 = plainS3Client(server)
    await s3.leaveUpload(BUCKET, 'left/behind.bin', new Uint8Array(5 * 1024 * 1024))
    await goTo('Folders')
    await window.getByRole('button', { name: `More for ${BUCKET}` }).click()
    await window.getByRole('menuitem', { name: 'Unfinished uploads…' }).click()
    const dialog = window.getByRole('dialog')
    await dialog.getByText('1 upload, 5.2 MB').waitFor()
    await dialog.getByLabel('Choose left/behind.bin').check()
    await dialog.getByRole('button', { name: 'Abort chosen…' }).click()
    expect(await s3.openUploads(BUCKET)).toEqual(['left/behind.bin'])
    await dialog.getByRole('button', { name: 'Abort 1 upload' }).click()
    await dialog.getByText('No upload of others is open here.').waitFor()
    expect(await s3.openUploads(BUCKET)).toEqual([])
    await dialog.getByText('Close', { exact: true }).click()
  })

  test('asks about files that were removed in great number, and brings them back', async () => {
    const s3 = plainS3Client(server)
    const names = Array.from({ length: 120 }, (_, at) => `many/${at}`)
    await Promise.all(names.map((name) => s3.put(BUCKET, name, name)))
    const count = () => runProgram('ls "$1/many" 2>&1 | wc -l', mountDir()).trim()
    await expect.poll(count, LISTED).toBe('120')
    runProgram('rm -r "$1/many"', mountDir())
    await verdict('120 removed files wait for your answer')
    await goTo('Folders')
    await window.getByRole('button', { name: 'Bring back or delete…' }).click()
    await window.getByRole('button', { name: 'Delete in the bucket…' }).click()
    await window.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
    await takePictures({ running, folders }, 'removed')
    await window.getByRole('button', { name: 'Bring them back' }).click()
    await verdict(ALL_UPLOADED)
    expect(await s3.list(BUCKET, 'many/')).toHaveLength(120)
    await expect.poll(count, LISTED).toBe('120')
  })

  test('asks before quitting with the figures of the engine, and stays when told to', async () => {
    await pause()
    runProgram('echo later > "$1/later.txt"', mountDir())
    await verdict('1 file, 6 bytes still to upload')
    const asked = await running.app.evaluate(({ app, dialog }) => {
      return new Promise<{ message: string; buttons: readonly string[] }>((resolve) => {
        dialog.showMessageBox = async (...args: readonly unknown[]) => {
          const options: { message: string; buttons: string[] } = JSON.parse(
            JSON.stringify(args.at(-1)),
          )
          resolve({ message: options.message, buttons: options.buttons })
          return { response: options.buttons.indexOf('Cancel'), checkboxChecked: false }
        }
        app.quit()
      })
    })
    expect(asked).toEqual({
      message: '1 file, 6 bytes still to upload',
      buttons: ['Quit, upload next time', 'Cancel'],
    })
    await resume()
    await verdict(ALL_UPLOADED)
    expect(await stored('later.txt')).toBe('later\n')
  })
})
