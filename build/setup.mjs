/**
 * Everything a fresh checkout needs, done once and quick when it is done already.
 *
 *   node build/setup.mjs            to run Pail: packages, system libraries, Electron, bundles
 *   node build/setup.mjs --tests    also what the tests need: a screen, a keychain, an S3 server
 *   node build/setup.mjs --check    npm packages alone
 *
 * Keeps: plain Node, no dependencies; the steps that use installed packages import them late.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundle } from './bundle.mjs'
import { findProgram, isMain, ROOT, run, runMain, SetupError, say } from './common.mjs'
import { installElectron } from './electron-runtime.mjs'
import { installSystemPackages } from './system-packages.mjs'
import { installVersitygw } from './versitygw.mjs'

const NODE_MIN = [20, 18]

/** @typedef {'check' | 'demo' | 'tests'} Purpose */

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const [majorMin = 0, minorMin = 0] = NODE_MIN
  if (major > majorMin || (major === majorMin && minor >= minorMin)) return
  throw new SetupError(`Node ${NODE_MIN.join('.')} or newer is needed; this is ${process.version}.`)
}

/** @param {string} path @returns {Record<string, { version?: string, optional?: boolean }>} */
function lockedPackages(path) {
  const full = join(ROOT, path)
  return existsSync(full) ? JSON.parse(readFileSync(full, 'utf8')).packages : {}
}

/** npm writes what it really installed into node_modules/.package-lock.json. */
function areNpmPackagesCurrent() {
  const installed = lockedPackages('node_modules/.package-lock.json')
  return Object.entries(lockedPackages('package-lock.json')).every(([path, wanted]) => {
    if (path === '' || (wanted.optional && !installed[path])) return true
    return installed[path]?.version === wanted.version
  })
}

/**
 * Installs what the lock file says and leaves the lock file alone.
 *
 * `npm ci` would refuse it: it lacks the optional packages of platforms that the registry it was
 * written against does not offer. Install scripts stay off: every native package used brings its
 * binaries along.
 */
async function installNpmPackages() {
  if (areNpmPackagesCurrent()) return
  const npm = findProgram('npm') ?? 'npm'
  say('installing npm packages')
  const args = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund']
  if ((await run(npm, [...args, '--loglevel', 'error'], { isQuiet: true })) === 0) return
  throw new SetupError('npm could not install the packages: check the network, then try again.')
}

/**
 * @param {Purpose} purpose
 */
export async function setUp(purpose) {
  checkNode()
  await installNpmPackages()
  if (purpose === 'check') return
  await installSystemPackages(purpose)
  // The server compiles for minutes on two cores; what is fetched meanwhile hardly slows it.
  const server = purpose === 'tests' ? installVersitygw() : Promise.resolve()
  const app = installElectron().then(bundle)
  const failed = (await Promise.allSettled([server, app])).find(
    (done) => done.status === 'rejected',
  )
  if (failed) throw failed.reason
}

/** @returns {Purpose} */
function purposeOf() {
  if (process.argv.includes('--check')) return 'check'
  return process.argv.includes('--tests') ? 'tests' : 'demo'
}

if (isMain(import.meta.url)) {
  await runMain(async () => {
    await setUp(purposeOf())
    say('ready')
  })
}
