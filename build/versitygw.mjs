/** The S3 server of the tests: versitygw, compiled once by Go into its usual folder. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram, output, run, SetupError, say } from './common.mjs'

const MODULE = 'github.com/versity/versitygw'
const VERSION = 'v1.8.0'

function goPath() {
  const go = findProgram('go')
  if (!go) return undefined
  const folder = output(go, ['env', 'GOBIN']) || join(output(go, ['env', 'GOPATH']) ?? '', 'bin')
  return { go, program: join(folder, 'versitygw') }
}

/** @param {{ go: string, program: string }} place */
function isWantedVersion({ go, program }) {
  if (!existsSync(program)) return false
  return (output(go, ['version', '-m', program]) ?? '').includes(`${MODULE}\t${VERSION}`)
}

/**
 * @returns {string} the program's path: PAIL_VERSITYGW, Go's folder, or PATH
 * @throws SetupError when it is not there
 */
export function versitygwPath() {
  if (process.env.PAIL_VERSITYGW) return process.env.PAIL_VERSITYGW
  const place = goPath()
  if (place && existsSync(place.program)) return place.program
  const found = findProgram('versitygw')
  if (!found) throw new SetupError('versitygw is missing: run npm run setup -- --tests.')
  return found
}

/** Compiles it when it is missing or another version. */
export async function installVersitygw() {
  if (process.env.PAIL_VERSITYGW) return
  const place = goPath()
  if (!place) {
    if (findProgram('versitygw')) return
    throw new SetupError('The tests need an S3 server, built by Go: install Go 1.21 or newer.')
  }
  if (isWantedVersion(place)) return
  say(`compiling versitygw ${VERSION} (some minutes)`)
  const target = `${MODULE}/cmd/versitygw@${VERSION}`
  if ((await run(place.go, ['install', target], { isQuiet: true })) === 0) return
  throw new SetupError(`versitygw could not be built: go install ${target} failed.`)
}
