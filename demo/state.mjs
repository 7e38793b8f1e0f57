/**
 * What a running demo has made on this computer, written down before it is made, so that the next
 * run cleans up after one that was killed.
 *
 * Never: removes a folder that is not empty, or ends a process that is not the demo's own.
 */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SetupError, userCache } from '../build/common.mjs'

export const MOUNT_DIR = join(homedir(), 'Pail', 'demo')
export const STATE_DIR = join(userCache(), 'demo')
export const DATA_DIR = join(STATE_DIR, 'data')
export const APP_DATA_DIR = join(STATE_DIR, 'app')
export const KEY_FILE = join(STATE_DIR, 'keys')
const STATE_FILE = join(STATE_DIR, 'state.json')
/** The engine gives itself 20 s to unmount and stop. */
const ENGINE_END_MS = 25_000
const POLL_MS = 100

/** @typedef {{ pid: number, started: string }} Owned a process, told from a later one of its id */
/**
 * @typedef {object} State
 * @property {Owned} demo
 * @property {Owned | undefined} [engine]
 * @property {string[]} madeFolders outermost first
 */

/** @param {number} pid @returns {Owned} */
export function owned(pid) {
  return { pid, started: startOf(pid) }
}

/** Start time in clock ticks since boot: field 22 of proc(5) stat. @param {number} pid */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

/** @param {Owned | undefined} one @returns {one is Owned} */
function isAlive(one) {
  return one !== undefined && one.started !== '' && startOf(one.pid) === one.started
}

/** @param {State} state */
export function writeState(state) {
  mkdirSync(STATE_DIR, { recursive: true, mode: 0o700 })
  chmodSync(STATE_DIR, 0o700)
  writeFileSync(STATE_FILE, JSON.stringify(state))
}

/** @returns {State | undefined} */
function readState() {
  try {
    return JSON.parse(readFileSync(STATE_FILE, 'utf8'))
  } catch {
    return undefined
  }
}

/** Cleans up after a demo that was killed. @throws SetupError when one is running */
export async function recover() {
  const state = readState()
  if (state && isAlive(state.demo)) {
    throw new SetupError(`The demo runs already, in process ${state.demo.pid}. End it first.`)
  }
  if (state) await undo(state)
  rmSync(STATE_DIR, { recursive: true, force: true })
}

/**
 * Makes the folder to mount on, and says which folders were made for it.
 * @returns {string[]}
 */
export function foldersToMake() {
  return [dirname(MOUNT_DIR), MOUNT_DIR].filter((dir) => !isMounted(dir) && !existsSync(dir))
}

/** Ends the engine, takes away the mount and the folders. @param {State} state */
export async function undo(state) {
  await endProcess(state.engine, ENGINE_END_MS)
  if (isMounted(MOUNT_DIR)) detach()
  for (const dir of state.madeFolders.toReversed()) removeEmpty(dir)
  rmSync(STATE_DIR, { recursive: true, force: true })
}

/**
 * @param {Owned | undefined} one
 * @param {number} limitMs until it is not asked any more
 */
export async function endProcess(one, limitMs) {
  if (!isAlive(one)) return
  kill(one.pid, 'SIGTERM')
  const deadline = performance.now() + limitMs
  while (isAlive(one) && performance.now() < deadline) await sleep(POLL_MS)
  if (isAlive(one)) kill(one.pid, 'SIGKILL')
}

/** @param {number} pid @param {NodeJS.Signals} signal */
function kill(pid, signal) {
  try {
    process.kill(pid, signal)
  } catch {
    // It has just ended.
  }
}

/** Asks the kernel's table: touching a folder whose engine is gone may hang. @param {string} dir */
export function isMounted(dir) {
  const table = readFileSync('/proc/self/mountinfo', 'utf8')
  return table.split('\n').some((line) => line.split(' ')[4]?.replaceAll('\\040', ' ') === dir)
}

/** The folder of an engine that was killed: every access fails until it is detached. */
function detach() {
  if (spawnSync('umount', ['-l', MOUNT_DIR]).status === 0) return
  spawnSync('fusermount3', ['-u', '-z', MOUNT_DIR])
}

/** @param {string} dir */
function removeEmpty(dir) {
  try {
    rmdirSync(dir)
  } catch {
    // Somebody keeps something in it, or it is gone: it stays as it is.
  }
}
