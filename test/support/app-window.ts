/** What tests of the real window share: a way around it, another program, pictures for the docs. */
import { spawnSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import type { AppFolders, RunningApp } from './electron.ts'

const IMAGES = join(import.meta.dirname, '../../docs/images')
/** A file operation of another program on a healthy mount takes milliseconds. */
const PROGRAM_MS = 20_000
/** From a file's last byte to the sentence, with the time that an upload takes. */
const VERDICT_MS = 60_000
/** What a reader of the docs sees instead of the folder of a test. */
const SHOWN_HOME = '/home/ana'

/** Another program: this process must not wait on a mount, and nor must the app. */
export function runProgram(script: string, ...args: readonly string[]): string {
  const done = spawnSync('sh', ['-c', script, 'sh', ...args], { timeout: PROGRAM_MS })
  expect(done.status, done.stderr?.toString()).toBe(0)
  return done.stdout.toString()
}

/** The ways around the window, whichever window is open when they are taken. */
export function ways(window: () => Page) {
  return {
    verdict: (sentence: string | RegExp) =>
      expect
        .poll(() => window().getByTestId('verdict').textContent(), { timeout: VERDICT_MS })
        .toMatch(sentence),
    goTo: (page: string) =>
      window()
        .getByRole('navigation', { name: 'Main' })
        .getByRole('button', { name: page })
        .click(),
    mountRow: (name: string, state: string) =>
      window()
        .locator(`li[aria-label="${name}"][data-state="${state}"]`)
        .waitFor({ timeout: 30_000 }),
  }
}

type Shown = { readonly running: RunningApp; readonly folders: AppFolders }

/** A picture for the docs, light and dark; nothing unless pictures are asked for. */
export async function takePictures(shown: Shown, name: string): Promise<void> {
  if (process.env.PAIL_SCREENSHOTS !== '1') return
  for (const colorScheme of ['dark', 'light'] as const) {
    await shown.running.window.emulateMedia({ colorScheme })
    await takePicture(shown, `${name}-${colorScheme}`)
  }
}

/** The paths in it are those of a person instead of those of a test. */
export async function takePicture({ running, folders }: Shown, name: string): Promise<void> {
  if (process.env.PAIL_SCREENSHOTS !== '1') return
  const { app, window } = running
  await mkdir(IMAGES, { recursive: true })
  for (const close of await window.locator('.mantine-Notification-closeButton').all()) {
    await close.click()
  }
  await window.mouse.move(4, 4)
  await window.waitForTimeout(400)
  const swap = async (from: string, to: string) => {
    const script = `(${SWAP_TEXT})(${JSON.stringify(from)}, ${JSON.stringify(to)})`
    await app.evaluate(({ BrowserWindow }, code) => {
      return BrowserWindow.getAllWindows()[0]?.webContents.executeJavaScript(code)
    }, script)
  }
  await swap(folders.home, SHOWN_HOME)
  await window.screenshot({ path: join(IMAGES, `${name}.png`) })
  await swap(SHOWN_HOME, folders.home)
}

/** Runs in the page. */
const SWAP_TEXT = `(from, to) => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (texts.nextNode()) {
    const { data } = texts.currentNode
    if (data.includes(from)) texts.currentNode.data = data.replaceAll(from, to)
  }
}`
