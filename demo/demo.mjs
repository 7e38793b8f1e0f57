/**
 * `npm run demo`: a bucket as a folder, with everything that takes on this computer.
 *
 * Sets up, starts an S3 server with a sample bucket, mounts it at ~/Pail/demo by the `pail`
 * command, and opens the window on it. Ctrl-C ends everything and leaves nothing behind.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ROOT, runMain, SetupError } from '../build/common.mjs'
import { electronLaunch } from '../build/electron-runtime.mjs'
import { setUp } from '../build/setup.mjs'
import { sampleBucket } from './sample-bucket.mjs'
import { startServer } from './server.mjs'
import {
  APP_DATA_DIR,
  DATA_DIR,
  endProcess,
  foldersToMake,
  isMounted,
  KEY_FILE,
  MOUNT_DIR,
  owned,
  recover,
  undo,
  writeState,
} from './state.mjs'

const BUCKET = 'sample'
const PAIL = join(ROOT, 'bin/pail')
/** Keys of a server that only this computer reaches and that ends with this process. */
const KEYS = 'demo:demo-secret'
const WINDOW_END_MS = 5_000
const POLL_MS = 500

/** @param {string} text */
const tell = (text) => process.stdout.write(`${text}\n`)

const stop = new AbortController()

/** From here on a signal means: clean up, then end. */
function listenForSignals() {
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => stop.abort())
  }
  // A closed terminal takes the output along, and must not take the clean-up along.
  process.stdout.on('error', () => stop.abort())
}

/**
 * Runs the command line as a person would.
 * @param {readonly string[]} args
 * @returns {Promise<{ code: number, out: string }>}
 */
function pail(args) {
  const env = { ...process.env, PAIL_DATA_DIR: DATA_DIR }
  // A group of its own: Ctrl-C in the terminal is for the demo, which then ends it in order.
  const child = spawn(PAIL, args, {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text
  })
  return new Promise((resolve) => {
    child.on('error', () => resolve({ code: 127, out }))
    child.on('close', (code) => resolve({ code: code ?? 1, out }))
  })
}

/** @returns {Promise<number>} the process that serves the folder */
async function enginePid() {
  const { out } = await pail(['status', '--json'])
  return JSON.parse(out).engine.pid
}

/**
 * @param {import('./state.mjs').State} state
 * @param {string} url
 */
async function mountBucket(state, url) {
  writeFileSync(KEY_FILE, `${KEYS}\n`, { mode: 0o600 })
  mkdirSync(MOUNT_DIR, { recursive: true })
  const keys = ['--passwd-file', KEY_FILE]
  const { code } = await pail(['mount', BUCKET, MOUNT_DIR, '--endpoint', url, ...keys])
  if (code !== 0) throw new SetupError('The sample bucket could not be mounted.')
  state.engine = owned(await enginePid())
  writeState(state)
}

function hasDisplay() {
  return Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY)
}

/** @returns {import('node:child_process').ChildProcess | undefined} */
function openWindow() {
  if (!hasDisplay()) {
    tell('There is no display here, so no window opens: the folder is what there is to see.')
    return undefined
  }
  const { executablePath, args, env } = electronLaunch()
  if (args.includes('--no-sandbox')) tell('Started by root, the window runs without its sandbox.')
  const window = spawn(executablePath, [...args, `--user-data-dir=${APP_DATA_DIR}`], {
    env: { ...process.env, ...env, PAIL_DATA_DIR: DATA_DIR },
    stdio: 'ignore',
    detached: true,
  })
  window.on('error', () => tell('The window could not be opened; the folder works without it.'))
  window.on('exit', () => {
    if (!stop.signal.aborted) tell('The window is closed; the folder stays until Ctrl-C.')
  })
  return window
}

/** @param {string} url */
function tellWhatToTry(url) {
  const pailLine = `PAIL_DATA_DIR=${DATA_DIR} ${PAIL}`
  tell(`
The bucket "${BUCKET}" is now the folder ${MOUNT_DIR}. In another terminal, or the file manager:

  ls -l ${MOUNT_DIR}/spectra
  head ${MOUNT_DIR}/molecules/library.csv
  cp -r ${join(ROOT, 'docs')} ${MOUNT_DIR}/notes     # becomes objects of the bucket
  ${pailLine} flush --wait
  ${pailLine} status

The same bucket for any S3 tool: ${url}, any keys, path style.
It lives in the memory of this process. Ctrl-C unmounts it and cleans up.
`)
}

/** Until a signal comes, or somebody unmounts the folder. */
async function untilEnd() {
  while (!stop.signal.aborted && isMounted(MOUNT_DIR)) {
    await sleep(POLL_MS, undefined, { signal: stop.signal }).catch(() => undefined)
  }
  tell(stop.signal.aborted ? '\nCleaning up.' : 'The folder was unmounted. Cleaning up.')
}

/** @param {import('node:child_process').ChildProcess | undefined} window */
async function closeWindow(window) {
  stop.abort()
  if (window?.pid) await endProcess(owned(window.pid), WINDOW_END_MS)
}

/** A mount that was started while the demo failed has an engine all the same. */
function findEngine() {
  const done = spawnSync(PAIL, ['status', '--json'], {
    env: { ...process.env, PAIL_DATA_DIR: DATA_DIR },
    encoding: 'utf8',
    timeout: 10_000,
  })
  try {
    return owned(JSON.parse(done.stdout).engine.pid)
  } catch {
    return undefined
  }
}

async function demo() {
  if (process.platform !== 'linux') {
    throw new SetupError('Pail mounts folders on Linux only so far.')
  }
  await setUp('demo')
  await recover()
  listenForSignals()
  /** @type {import('./state.mjs').State} */
  const state = { demo: owned(process.pid), madeFolders: foldersToMake() }
  writeState(state)
  /** @type {Awaited<ReturnType<typeof startServer>> | undefined} */
  let server
  /** @type {ReturnType<typeof openWindow>} */
  let window
  try {
    server = await startServer(BUCKET, sampleBucket())
    await mountBucket(state, server.url)
    if (!stop.signal.aborted) {
      window = openWindow()
      tellWhatToTry(server.url)
      await untilEnd()
    }
  } finally {
    await closeWindow(window)
    await undo({ ...state, engine: state.engine ?? findEngine() }).finally(() => server?.stop())
  }
}

await runMain(demo)
