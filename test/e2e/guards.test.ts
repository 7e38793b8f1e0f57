/** The real window and its limits: what it is made with, who may call, where it may go. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { electronLaunch } from '../../build/electron-runtime.mjs'
import {
  type AppFolders,
  closeAll,
  launchApp,
  makeAppFolders,
  openScreen,
  type RunningApp,
  type Screen,
} from '../support/electron.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const ROOT = join(import.meta.dirname, '../..')
const HOSTILE = '<img src=x onerror="document.title=1">.txt'

let screen: Screen
let folders: AppFolders
let running: RunningApp

const noKeyring = { DBUS_SESSION_BUS_ADDRESS: 'disabled:' }

beforeAll(async () => {
  screen = await openScreen()
  folders = await makeAppFolders()
  running = await launchApp({ folders, display: screen.display, env: noKeyring })
})

afterAll(() =>
  closeAll(
    () => running?.stop(),
    () => screen?.stop(),
    () => folders?.remove(),
  ),
)

/** A status of the real engine would replace the one that a test sends. */
async function untilEngineIsQuiet(): Promise<void> {
  const ask = () =>
    running.window.evaluate(async () => {
      const reply = await Reflect.get(globalThis, 'pail').invoke('status/get', {})
      return reply.value.engine.version
    })
  await expect.poll(ask, { timeout: 30_000 }).toBeTypeOf('string')
  await running.window.waitForTimeout(500)
}

describe('the window', () => {
  test('is isolated, sandboxed, and without Node', async () => {
    const preferences = await running.app.evaluate(({ BrowserWindow }) =>
      // Electron has this call, and leaves it out of its types.
      BrowserWindow.getAllWindows().map(({ webContents }) =>
        Reflect.apply(Reflect.get(webContents, 'getLastWebPreferences'), webContents, []),
      ),
    )
    expect(preferences).toHaveLength(1)
    for (const each of preferences) {
      expect(each).toMatchObject({
        contextIsolation: true,
        sandbox: true,
        nodeIntegration: false,
        nodeIntegrationInSubFrames: false,
        webSecurity: true,
        webviewTag: false,
      })
    }
    const globals = await running.window.evaluate(() => [
      typeof Reflect.get(globalThis, 'require'),
      typeof Reflect.get(globalThis, 'process'),
      Object.keys(Reflect.get(globalThis, 'pail') ?? {}).join(),
    ])
    expect(globals).toEqual(['undefined', 'undefined', 'invoke,subscribe'])
  })

  test('lets through no name that the contract does not have', async () => {
    const outcome = await running.window.evaluate(() =>
      Reflect.get(globalThis, 'pail')
        .invoke('shell/run', {})
        .then(
          () => 'answered',
          () => 'refused',
        ),
    )
    expect(outcome).toBe('refused')
  })

  test('gives nothing to a page that is not its own, even with the same bridge', async () => {
    const replies = await running.app.evaluate(async ({ app, BrowserWindow }) => {
      const preload = `${app.getAppPath()}/dist/preload.cjs`
      const foreign = new BrowserWindow({ show: false, webPreferences: { preload, sandbox: true } })
      try {
        await foreign.loadURL('data:text/html,<p>foreign</p>')
        const ask = (call: string) =>
          foreign.webContents.executeJavaScript(`window.pail.invoke('${call}', {})`)
        return [await ask('status/get'), await ask('connections/list'), await ask('folders/choose')]
      } finally {
        foreign.destroy()
      }
    })
    for (const reply of replies) {
      expect(reply).toMatchObject({ ok: false, error: { code: 'input/invalid' } })
    }
  })

  test('serves its own folder and nothing above it', async () => {
    const statuses = await running.app.evaluate(async ({ session }) => {
      const ask = async (url: string) => (await session.defaultSession.fetch(url)).status
      return [
        await ask('app://pail/index.html'),
        await ask('app://pail/..%2fmain.cjs'),
        await ask('app://pail/..%2f..%2fpackage.json'),
      ]
    })
    expect(statuses).toEqual([200, 404, 404])
  })

  test('shows hostile names and sentences as text', async () => {
    await untilEngineIsQuiet()
    await running.app.evaluate(({ BrowserWindow }, name) => {
      const error = { path: name, code: 'auth/denied', sentence: name, atMs: 0 }
      const mount = {
        dir: `/home/ana/Pail/${name}`,
        bucket: name,
        prefix: '',
        endpointUrl: 'https://s3.example.org',
        readOnly: false,
        state: 'failed',
        reason: name,
        pendingFiles: 1,
        pendingBytes: 1,
        renamedItems: 0,
        errors: [error],
        isWanted: true,
        isMounted: true,
      }
      const status = { engine: { state: 'running', isShared: false }, mounts: [mount] }
      BrowserWindow.getAllWindows()[0]?.webContents.send('status/changed', status)
    }, HOSTILE)
    const { window } = running
    await window.getByRole('listitem').getByText(HOSTILE).first().waitFor()
    await window.getByRole('button', { name: 'Activity' }).click()
    await window.getByText(HOSTILE).first().waitFor()
    expect(await window.locator('main img').count()).toBe(0)
    expect(await window.title()).toBe('Pail')
  })

  test('every page is reached by keyboard alone', async () => {
    const { window } = running
    for (const page of ['Buckets', 'Activity', 'Settings', 'Folders']) {
      await window.keyboard.press('Control+K')
      const search = window.getByRole('textbox', { name: 'Find an action' })
      await search.waitFor()
      await window.keyboard.type(`Go to ${page.toLowerCase()}`)
      // One action is left when the list has followed the typing.
      await expect.poll(() => window.locator('.mantine-Spotlight-action').count()).toBe(1)
      await window.keyboard.press('Enter')
      await window.getByRole('main', { name: page }).waitFor()
      await search.waitFor({ state: 'hidden' })
    }
  })

  test('a second start shows the first window and ends', async () => {
    const launch = electronLaunch()
    const second = spawn(
      launch.executablePath,
      [...launch.args, `--user-data-dir=${folders.userData}`],
      {
        env: {
          PATH: process.env.PATH ?? '',
          HOME: folders.home,
          DISPLAY: screen.display,
          PAIL_DATA_DIR: folders.dataDir,
          ...noKeyring,
          ...launch.env,
        },
        stdio: 'ignore',
      },
    )
    const [code] = await once(second, 'exit')
    expect(code).toBe(0)
    expect(running.app.windows()).toHaveLength(1)
  })

  // Last: a navigation that was refused keeps Playwright waiting for its end.
  test('goes nowhere else and opens nothing', async () => {
    const { window, app } = running
    await window.evaluate(() => {
      const link = document.createElement('a')
      link.href = 'https://example.org/'
      document.body.append(link)
      link.click()
      link.remove()
    })
    const opened = await window.evaluate(() => globalThis.open('https://example.org/') === null)
    expect(opened).toBe(true)
    expect(window.url()).toBe('app://pail/index.html')
    expect(app.windows()).toHaveLength(1)
    const permission = await window.evaluate(() => Notification.requestPermission())
    expect(permission).toBe('denied')
  })
})

describe('an engine that the command line started', () => {
  let server: Versitygw
  let shared: AppFolders

  beforeAll(async () => {
    server = await startVersitygw()
    await server.createBucket('demo')
    shared = await makeAppFolders()
  })

  afterAll(() =>
    closeAll(
      () => spawnSync('umount', ['-l', join(shared.home, 'demo')]),
      () => server?.stop(),
      () => shared?.remove(),
    ),
  )

  const pail = (...args: string[]) =>
    spawnSync(join(ROOT, 'bin/pail'), [...args, '--data-dir', shared.dataDir], {
      encoding: 'utf8',
      timeout: 60_000,
    })

  test('is joined by the app, shows its folders, and goes on when the app quits', async () => {
    const dir = join(shared.home, 'demo')
    const keys = join(shared.root, 'keys')
    await mkdir(dir)
    await writeFile(keys, `${server.accessKeyId}:${server.secretAccessKey}`, { mode: 0o600 })
    const mounted = pail('mount', 'demo', dir, '--endpoint', server.url, '--passwd-file', keys)
    expect(mounted.status, mounted.stderr).toBe(0)
    const app = await launchApp({ folders: shared, display: screen.display, env: noKeyring })
    try {
      await app.window.locator('li[aria-label="demo"][data-state="mounted"]').waitFor()
      await app.window.getByText('command line').waitFor()
    } finally {
      await app.stop()
    }
    const status = pail('status', '--json')
    expect(JSON.parse(status.stdout).mounts).toMatchObject([{ dir, state: 'mounted' }])
    expect(pail('unmount', dir).status).toBe(0)
    expect(existsSync(dir)).toBe(true)
  })
})
