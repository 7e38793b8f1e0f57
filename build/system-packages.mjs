/**
 * What Pail needs of the operating system, and how it gets there on Debian and Ubuntu.
 *
 * Keeps: only what is missing is installed, and only by root; everyone else reads the one line
 * that does it.
 */
import { existsSync, readFileSync } from 'node:fs'
import { findProgram, output, run, SetupError, say } from './common.mjs'

/**
 * `names` are alternatives, newest spelling first; `program` on PATH makes the package needless.
 * @typedef {{ names: readonly string[], program?: string }} Need
 */

/** @type {readonly Need[]} */
const MOUNT = [{ names: ['fuse3'], program: 'fusermount3' }]

/** Shared libraries of Electron, and a font to draw with. @type {readonly Need[]} */
const WINDOW = [
  { names: ['libnss3'] },
  { names: ['libgtk-3-0t64', 'libgtk-3-0'] },
  { names: ['libgbm1'] },
  { names: ['libasound2t64', 'libasound2'] },
  { names: ['libatk-bridge2.0-0t64', 'libatk-bridge2.0-0'] },
  { names: ['libxss1'] },
  { names: ['libsecret-1-0'] },
  { names: ['fonts-dejavu-core'] },
]

/** A screen, a keychain, tools for attributes, a compiler for the S3 server, the peers, and what people use. @type {readonly Need[]} */
const TESTS = [
  { names: ['xvfb'], program: 'Xvfb' },
  { names: ['xauth'], program: 'xauth' },
  { names: ['gnome-keyring'], program: 'gnome-keyring-daemon' },
  { names: ['dbus'], program: 'dbus-run-session' },
  { names: ['dbus-x11'], program: 'dbus-launch' },
  { names: ['libsecret-tools'], program: 'secret-tool' },
  { names: ['attr'], program: 'setfattr' },
  { names: ['golang-go'], program: 'go' },
  { names: ['s3fs'], program: 's3fs' },
  { names: ['rclone'], program: 'rclone' },
  { names: ['git'], program: 'git' },
  { names: ['vim'], program: 'vim' },
  { names: ['nano'], program: 'nano' },
  { names: ['rsync'], program: 'rsync' },
  { names: ['zip'], program: 'zip' },
  { names: ['unzip'], program: 'unzip' },
  { names: ['xz-utils'], program: 'xz' },
]

function isDebian() {
  if (process.platform !== 'linux' || !existsSync('/etc/os-release')) return false
  return /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8'))
}

/** @param {string} name */
function isInstalled(name) {
  return (output('dpkg', ['-s', name]) ?? '').includes('Status: install ok installed')
}

/** @param {string} name */
function isOffered(name) {
  return /Candidate: (?!\(none\))/.test(output('apt-cache', ['policy', name]) ?? '')
}

/** @param {readonly Need[]} needs */
function missingOf(needs) {
  return needs.filter((need) => {
    if (need.program && findProgram(need.program)) return false
    return !need.names.some(isInstalled)
  })
}

/** @param {Need} need */
function spelling(need) {
  return need.names.find(isOffered) ?? need.names.at(-1) ?? ''
}

/** @param {readonly string[]} names */
async function aptInstall(names) {
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  const install = ['install', '-y', '-q', '--no-install-recommends']
  install.push('-o', 'DPkg::Lock::Timeout=300', ...names)
  return (await run('apt-get', install, { env, isQuiet: true })) === 0
}

/** @param {readonly Need[]} missing */
async function installAsRoot(missing) {
  // Without package lists no candidate is known: a fresh image has none.
  await run('apt-get', ['update', '-q'], { isQuiet: true })
  const names = missing.map(spelling)
  say(`installing ${names.join(' ')}`)
  if (await aptInstall(names)) return
  throw new SetupError(`Installing system packages failed. Run: apt-get install ${names.join(' ')}`)
}

/**
 * Makes sure that the system's part is there.
 * @param {'demo' | 'tests'} purpose
 * @throws SetupError with the one line to run, when something essential is missing
 */
export async function installSystemPackages(purpose) {
  const needs = purpose === 'tests' ? [...MOUNT, ...WINDOW, ...TESTS] : [...MOUNT, ...WINDOW]
  if (process.platform !== 'linux') return
  if (!isDebian()) {
    const programs = needs.flatMap((need) => (need.program ? [need.program] : []))
    const gone = programs.filter((name) => !findProgram(name))
    if (gone.length > 0) throw new SetupError(`Install these programs first: ${gone.join(', ')}.`)
    return
  }
  const missing = missingOf(needs)
  if (missing.length === 0) return
  if (process.getuid?.() === 0) return installAsRoot(missing)
  const line = `sudo apt-get install ${missing.map(spelling).join(' ')}`
  const isEssential = purpose === 'tests' || missingOf(MOUNT).length > 0
  if (isEssential) throw new SetupError(`System packages are missing. Run: ${line}`)
  say(`for the window, run: ${line}`)
}
