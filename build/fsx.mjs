/**
 * The file system exerciser fsx (crates.io), for `npm run conformance`: compiled once by cargo into
 * the user's cache.
 */
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { findProgram, run, SetupError, say, userCache } from './common.mjs'

const VERSION = '0.3.2'
const FOLDER = join(userCache(), `fsx-${VERSION}`)

/** @returns {string} the program's path: PAIL_FSX, or where `installFsx` puts it */
export function fsxPath() {
  return process.env.PAIL_FSX ?? join(FOLDER, 'bin', 'fsx')
}

/** @param {string | undefined} path */
const isThere = (path) => path !== undefined && existsSync(path)

/** Compiles it when it is missing. */
export async function installFsx() {
  if (existsSync(fsxPath())) return
  const cargo = [findProgram('cargo'), join(homedir(), '.cargo', 'bin', 'cargo')].find(isThere)
  if (!cargo) {
    throw new SetupError('The conformance run needs fsx, built by Rust: install cargo, or rustup.')
  }
  say(`compiling fsx ${VERSION} (some minutes)`)
  const args = ['install', 'fsx', '--version', VERSION, '--locked', '--root', FOLDER]
  if ((await run(cargo, args, { isQuiet: true })) === 0) return
  throw new SetupError(`fsx could not be built: cargo ${args.join(' ')} failed.`)
}
