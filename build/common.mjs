/**
 * What every set-up step shares: places, running a program, stamps that make a second run quick.
 *
 * Keeps: plain Node, no dependencies: it runs before `npm install` did.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The checkout. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
/** Results that belong to this checkout and may be deleted at any time. */
export const LOCAL_CACHE = join(ROOT, '.cache')

/** A step that cannot go on, told in one sentence that says what to do. */
export class SetupError extends Error {}

/** Downloads shared by all checkouts of this user. */
export function userCache() {
  const base =
    process.platform === 'darwin'
      ? join(homedir(), 'Library', 'Caches')
      : process.platform === 'win32'
        ? (process.env.LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'))
        : process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  return join(base, 'pail')
}

/** @param {string} sentence */
export function say(sentence) {
  process.stdout.write(`setup: ${sentence}\n`)
}

/**
 * @param {string} name
 * @returns {string | undefined} the program's full path
 */
export function findProgram(name) {
  const folders = (process.env.PATH ?? '').split(delimiter)
  if (process.platform === 'linux') folders.push('/usr/sbin', '/sbin', '/usr/local/go/bin')
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

/** What a quiet program said is shown when it fails; its end says why. */
const SHOWN_ON_FAILURE = 4_000

/**
 * Runs a program to its end.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string>, isQuiet?: boolean }} [options]
 * @returns {Promise<number>} its exit code
 */
export function run(command, args, options = {}) {
  const output = options.isQuiet ? 'pipe' : 'inherit'
  const child = spawn(command, args, {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', output, output],
    shell: process.platform === 'win32',
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text) => {
      said = (said + text).slice(-SHOWN_ON_FAILURE)
    })
  }
  return new Promise((resolve) => {
    child.on('error', () => resolve(127))
    child.on('close', (code) => {
      if (code !== 0) process.stderr.write(said)
      resolve(code ?? 1)
    })
  })
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @returns {string | undefined} standard output; undefined when the program is missing or fails
 */
export function output(command, args) {
  const done = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8', timeout: 60_000 })
  return done.status === 0 ? done.stdout.trim() : undefined
}

/** @param {...string} parts */
export function hashOf(...parts) {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part).update('\0')
  return hash.digest('hex')
}

/** @param {string} path relative to the checkout */
export function hashOfFile(path) {
  const full = join(ROOT, path)
  return hashOf(existsSync(full) ? readFileSync(full, 'utf8') : '')
}

/**
 * @param {string} name of the step
 * @param {string} key what the step's result depends on
 */
export function isDone(name, key) {
  const path = join(LOCAL_CACHE, `${name}.stamp`)
  return existsSync(path) && readFileSync(path, 'utf8') === key
}

/**
 * @param {string} name
 * @param {string} key
 */
export function markDone(name, key) {
  mkdirSync(LOCAL_CACHE, { recursive: true })
  writeFileSync(join(LOCAL_CACHE, `${name}.stamp`), key)
}

/**
 * True when `path` (a module's file) was started by the person, rather than imported.
 * @param {string} moduleUrl
 */
export function isMain(moduleUrl) {
  return process.argv[1] !== undefined && fileURLToPath(moduleUrl) === process.argv[1]
}

/**
 * Runs a command-line entry: an expected failure is one sentence, anything else a stack.
 * @param {() => Promise<void>} main
 */
export async function runMain(main) {
  try {
    await main()
  } catch (thrown) {
    const stack = thrown instanceof Error ? thrown.stack : thrown
    const text = thrown instanceof SetupError ? `pail: ${thrown.message}` : stack
    process.stderr.write(`${text}\n`)
    process.exitCode = 1
  }
}
