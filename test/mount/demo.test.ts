/** `npm run demo` as a person without a display runs it, in a home folder of its own. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findElectron } from '../../build/electron-runtime.mjs'

const ROOT = dirname(dirname(import.meta.dirname))
const runProgram = promisify(execFile)

let home = ''
let running: ChildProcess | undefined

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'pail-demo-'))
})
afterEach(async () => {
  if (running?.exitCode === null && running.signalCode === null) {
    const ended = once(running, 'exit')
    running.kill('SIGTERM')
    await ended
  }
  rmSync(home, { recursive: true, force: true })
})

const mountDir = () => join(home, 'Pail', 'demo')
const isMounted = () => readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${mountDir()} `)
const leftovers = () => [mountDir(), join(home, '.cache/pail/demo')].filter(existsSync)

function environment(): NodeJS.ProcessEnv {
  const { DISPLAY: _, WAYLAND_DISPLAY: __, ...rest } = process.env
  const electron = dirname(findElectron()?.executablePath ?? '')
  const cache = join(home, '.cache')
  return { ...rest, HOME: home, XDG_CACHE_HOME: cache, ELECTRON_OVERRIDE_DIST_PATH: electron }
}

/** Resolves when the demo has said what to try. */
async function startDemo(): Promise<ChildProcess> {
  const child = spawn(process.execPath, [join(ROOT, 'demo/demo.mjs')], {
    env: environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  running = child
  let said = ''
  for await (const text of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    said += text
    if (said.includes('Ctrl-C unmounts it')) {
      child.stdout.resume()
      return child
    }
  }
  expect.unreachable(`the demo ended: ${said}`)
}

describe('The demo', () => {
  test('mounts the sample bucket, and leaves nothing behind when it is told to end', async () => {
    const demo = await startDemo()
    const { stdout } = await runProgram('cat', [join(mountDir(), 'manifest.json')])
    expect(JSON.parse(stdout).files.length).toBeGreaterThan(200)
    const ended = once(demo, 'exit')
    demo.kill('SIGINT')
    expect(await ended).toEqual([0, null])
    expect(isMounted()).toBe(false)
    expect(leftovers()).toEqual([])
  })

  test('cleans up after one that was killed, and starts again', async () => {
    const killed = await startDemo()
    const dead = once(killed, 'exit')
    killed.kill('SIGKILL')
    await dead
    expect(isMounted()).toBe(true)
    const demo = await startDemo()
    await runProgram('head', ['-1', join(mountDir(), 'molecules/library.csv')])
    const ended = once(demo, 'exit')
    demo.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
    expect(isMounted()).toBe(false)
    expect(leftovers()).toEqual([])
  })

  test('ends by itself when somebody unmounts the folder', async () => {
    const demo = await startDemo()
    const ended = once(demo, 'exit')
    const env = { ...environment(), PAIL_DATA_DIR: join(home, '.cache/pail/demo/data') }
    await runProgram(join(ROOT, 'bin/pail'), ['unmount', mountDir()], { env })
    expect(await ended).toEqual([0, null])
    expect(leftovers()).toEqual([])
  })
})
