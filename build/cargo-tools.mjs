/**
 * The judges of `npm run conformance` that come from crates.io: compiled once by cargo into the
 * user's cache.
 */
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { findProgram, run, SetupError, say, userCache } from './common.mjs'

/** Each crate has one program, of its own name. */
const VERSIONS = { fsx: '0.3.2', pjdfstest: '0.2.2' }

/** @typedef {keyof typeof VERSIONS} Tool */

/** @param {Tool} tool */
const folderOf = (tool) => join(userCache(), `${tool}-${VERSIONS[tool]}`)

/**
 * @param {Tool} tool
 * @returns {string} the program's path: PAIL_FSX or PAIL_PJDFSTEST, or where it is installed
 */
export function cargoToolPath(tool) {
  return process.env[`PAIL_${tool.toUpperCase()}`] ?? join(folderOf(tool), 'bin', tool)
}

/** Compiles what is missing. */
export async function installCargoTools() {
  for (const tool of /** @type {Tool[]} */ (Object.keys(VERSIONS))) await install(tool)
}

/** @param {string | undefined} path */
const isThere = (path) => path !== undefined && existsSync(path)

/** @param {Tool} tool */
async function install(tool) {
  if (existsSync(cargoToolPath(tool))) return
  const cargo = [findProgram('cargo'), join(homedir(), '.cargo', 'bin', 'cargo')].find(isThere)
  if (!cargo) {
    const what = `The conformance run needs ${tool}, built by Rust`
    throw new SetupError(`${what}: install cargo, or rustup.`)
  }
  say(`compiling ${tool} ${VERSIONS[tool]} (some minutes)`)
  const args = ['install', tool, '--version', VERSIONS[tool], '--locked']
  if ((await run(cargo, [...args, '--root', folderOf(tool)], { isQuiet: true })) === 0) return
  throw new SetupError(`${tool} could not be built: cargo ${args.join(' ')} failed.`)
}
