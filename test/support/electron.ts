/**
 * The real app in a real window, driven by Playwright, on a screen that nobody sees.
 *
 * Keeps: every run has its own home, settings and data folder; a violation of the content security
 *        policy, anywhere in the window's life, fails the test at `stop`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { _electron, type ElectronApplication, type Page } from 'playwright-core'
import { bundle } from '../../build/bundle.mjs'
import { electronLaunch } from '../../build/electron-runtime.mjs'

const SCREEN = '1600x1200x24'
const LAUNCH_MS = 60_000
const END_MS = 40_000

export type Screen = { readonly display: string; stop(): Promise<void> }

/** The screen that is there, or a virtual one. */
export async function openScreen(): Promise<Screen> {
  const { DISPLAY } = process.env
  if (DISPLAY) return { display: DISPLAY, stop: async () => {} }
  const server = spawn('Xvfb', ['-displayfd', '1', '-screen', '0', SCREEN, '-nolisten', 'tcp'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const ended = once(server, 'exit').then(() => {
    throw new Error('Xvfb ended: is xkb-data installed?')
  })
  const [number] = await Promise.race([once(server.stdout, 'data'), ended])
  ended.catch(() => {})
  return { display: `:${String(number).trim()}`, stop: () => endChild(server) }
}

/** Closes everything that was opened, in this order; the first failure is told when all is closed. */
export async function closeAll(...closers: ReadonlyArray<() => unknown>): Promise<void> {
  const failures: unknown[] = []
  for (const close of closers) {
    try {
      await close()
    } catch (thrown) {
      failures.push(thrown)
    }
  }
  if (failures.length > 0) throw failures[0]
}

export type AppFolders = {
  readonly root: string
  readonly home: string
  readonly userData: string
  readonly dataDir: string
  remove(): Promise<void>
}

export async function makeAppFolders(): Promise<AppFolders> {
  const root = await mkdtemp(join(tmpdir(), 'pail-app-'))
  const home = join(root, 'home')
  await mkdir(home)
  return {
    root,
    home,
    userData: join(root, 'settings'),
    dataDir: join(root, 'data'),
    remove: () => rm(root, { recursive: true, force: true }),
  }
}

export type AppOptions = {
  /** The folder of the app's package.json; the checkout when absent. */
  readonly appDir?: string
  readonly folders: AppFolders
  readonly display: string
  readonly env: Readonly<Record<string, string>>
}

export type RunningApp = {
  readonly app: ElectronApplication
  readonly window: Page
  /** Everything that the app wrote to its terminal. */
  readonly output: () => string
  readonly violations: readonly string[]
  /** Quits as a person would. @throws when the content security policy was violated */
  stop(): Promise<void>
}

export async function launchApp(options: AppOptions): Promise<RunningApp> {
  if (options.appDir === undefined) await bundle()
  const launch = electronLaunch(options.appDir)
  const app = await _electron.launch({
    executablePath: launch.executablePath,
    args: [...launch.args, `--user-data-dir=${options.folders.userData}`, '--lang=en-US'],
    env: { ...appEnvironment(options), ...launch.env },
    timeout: LAUNCH_MS,
  })
  let output = ''
  const child = app.process()
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  }
  const window = await app.firstWindow()
  const violations = await watchViolations(window)
  return {
    app,
    window,
    output: () => output,
    violations,
    stop: async () => {
      await quit(app)
      if (violations.length > 0)
        throw new Error(`content security policy: ${violations.join('; ')}`)
    },
  }
}

function appEnvironment({ folders, display, env }: AppOptions): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    LANG: 'C.UTF-8',
    TMPDIR: tmpdir(),
    ...(process.env.PAIL_TEST_RUN ? { PAIL_TEST_RUN: process.env.PAIL_TEST_RUN } : {}),
    HOME: folders.home,
    DISPLAY: display,
    PAIL_DATA_DIR: folders.dataDir,
    ...env,
  }
}

/** Loads the page again, so that nothing of its start is missed. */
async function watchViolations(window: Page): Promise<string[]> {
  const violations: string[] = []
  window.on('console', (message) => {
    const text = message.text()
    if (/content security policy/i.test(text)) violations.push(text)
  })
  window.on('pageerror', (error) => violations.push(`error in the window: ${error.message}`))
  await window.reload()
  await window.getByRole('navigation', { name: 'Main' }).waitFor()
  return violations
}

async function quit(app: ElectronApplication): Promise<void> {
  const child = app.process()
  const ended = child.exitCode === null ? once(child, 'exit') : Promise.resolve()
  // A question about pending uploads is answered with its first button: quit, upload next time.
  // The app answers the call by ending, which can cut off this very call.
  await app
    .evaluate(({ app: electron, dialog }) => {
      dialog.showMessageBox = async () => ({ response: 0, checkboxChecked: false })
      electron.quit()
    })
    .catch(() => undefined)
  await Promise.race([ended, sleep(END_MS)])
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  throw new Error('the app did not quit')
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}
