/**
 * A name for a socket in a folder whose path is too long for the system's socket addresses.
 *
 * Linux gives an open folder a short name under /proc, so neither end has to change its working
 * directory (which would be a process-wide surprise).
 */
import * as fs from 'node:fs'
import { basename, dirname } from 'node:path'
import { PailError } from '../../shared/errors.ts'

/** sun_path holds 108 bytes on Linux and 104 on macOS, the final zero included. */
const SOCKET_PATH_BYTES_MAX = 103

export type ShortPath = { readonly path: string; readonly release: () => void }

/** @throws PailError `input/invalid` where the path is too long and there is no other name */
export function shortSocketPath(path: string): ShortPath {
  if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX) return { path, release: () => {} }
  if (process.platform !== 'linux') {
    throw new PailError('input/invalid', 'the path of the data folder is too long', { path })
  }
  const folder = fs.openSync(dirname(path), fs.constants.O_RDONLY | fs.constants.O_DIRECTORY)
  return {
    path: `/proc/self/fd/${folder}/${basename(path)}`,
    release: () => fs.closeSync(folder),
  }
}
