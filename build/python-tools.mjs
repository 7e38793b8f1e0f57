/**
 * Python programs for `npm run conformance`, in an environment of their own in the user's cache:
 * HDF5 and Parquet, which people keep data with, and moto, an S3 server that keeps keys as they are.
 */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram, run, SetupError, say, userCache } from './common.mjs'

const FOLDER = join(userCache(), 'python-tools-2')
const PACKAGES = ['h5py', 'pyarrow', 'moto[server]==5.2.5']

/** @returns {string} the Python that has them */
export function pythonPath() {
  return join(FOLDER, 'bin', 'python')
}

/** @returns {string} moto's server */
export function motoPath() {
  return join(FOLDER, 'bin', 'moto_server')
}

/** Makes the environment when it is missing. */
export async function installPythonTools() {
  if (existsSync(pythonPath())) return
  const python = findProgram('python3')
  if (!python) throw new SetupError('The conformance run needs python3 with its venv module.')
  say(`installing ${PACKAGES.join(' and ')} for Python`)
  const isMade = (await run(python, ['-m', 'venv', FOLDER], { isQuiet: true })) === 0
  const pip = ['-m', 'pip', 'install', '--quiet', ...PACKAGES]
  if (isMade && (await run(pythonPath(), pip, { isQuiet: true })) === 0) return
  rmSync(FOLDER, { recursive: true, force: true })
  throw new SetupError(`${PACKAGES.join(' and ')} could not be installed: check python3 and pip.`)
}
