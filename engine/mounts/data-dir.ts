/**
 * The folder of everything one engine keeps: where it is, that it is private, what is in it.
 *
 * Keeps: nobody but its owner can read or plant anything in it.
 * Never: follows a link to it, or lies inside a mounted folder (the engine would wait for itself).
 */
import * as fs from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import envPaths from 'env-paths'
import { PailError } from '../../shared/errors.ts'
import { diskError } from '../base/disk.ts'
import { parseMountTable } from '../fuse/mount-table.ts'
import { isRemoteFuse, mountCovering } from './mount-info.ts'

const PRIVATE_FOLDER = 0o700
const STICKY = 0o1000
const OTHERS_WRITE = 0o002
const OTHERS_ANYTHING = 0o077

export type DataDir = {
  readonly path: string
  readonly databaseFile: string
  readonly cacheDir: string
  readonly stagingDir: string
  readonly lockFile: string
  readonly socketFile: string
  readonly logFile: string
}

export function layoutOf(path: string): DataDir {
  return {
    path,
    databaseFile: join(path, 'pail.db'),
    cacheDir: join(path, 'cache'),
    stagingDir: join(path, 'staging'),
    lockFile: join(path, 'engine.lock'),
    socketFile: join(path, 'engine.sock'),
    logFile: join(path, 'engine.log'),
  }
}

/** An explicit folder, `PAIL_DATA_DIR`, or the system's place for such data, in this order. */
export function resolveDataDir(
  explicit: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const wanted = explicit ?? environment.PAIL_DATA_DIR
  if (wanted === '') throw new PailError('input/invalid', 'the data folder has no name')
  return wanted === undefined ? envPaths('pail', { suffix: '' }).data : resolve(wanted)
}

/**
 * Makes the folder when it is missing, and private when it is ours.
 *
 * @throws PailError `store/data-folder` when others own it, could replace it, or it is a link
 */
export function openDataDir(path: string): DataDir {
  try {
    fs.mkdirSync(dirname(path), { recursive: true, mode: PRIVATE_FOLDER })
    refuseInsideMount(path)
    refuseOpenParent(path)
    makePrivate(path)
    const layout = layoutOf(fs.realpathSync(path))
    makePrivate(layout.cacheDir)
    makePrivate(layout.stagingDir)
    return layout
  } catch (thrown) {
    throw diskError(thrown, path)
  }
}

function makePrivate(path: string): void {
  fs.mkdirSync(path, { recursive: true, mode: PRIVATE_FOLDER })
  // A held descriptor: what is checked is what is changed, whatever the name points to meanwhile.
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants
  const fd = openFolder(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
  try {
    const { uid, mode } = fs.fstatSync(fd)
    if (process.getuid && uid !== process.getuid()) throw untrusted(path, 'another user owns it')
    if ((mode & OTHERS_ANYTHING) !== 0) fs.fchmodSync(fd, PRIVATE_FOLDER)
  } finally {
    fs.closeSync(fd)
  }
}

function openFolder(path: string, flags: number): number {
  try {
    return fs.openSync(path, flags)
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException | undefined)?.code
    if (code === 'ELOOP' || code === 'ENOTDIR') throw untrusted(path, 'it is a link or a file')
    throw thrown
  }
}

/** Whoever can write to the parent could put another folder in this one's place. */
function refuseOpenParent(path: string): void {
  const { mode } = fs.statSync(dirname(path))
  const isOpen = (mode & OTHERS_WRITE) !== 0 && (mode & STICKY) === 0
  if (isOpen) throw untrusted(path, 'everybody can write to the folder above it')
}

function refuseInsideMount(path: string): void {
  if (!fs.existsSync('/proc/self/mountinfo')) return
  const mounts = parseMountTable(fs.readFileSync('/proc/self/mountinfo', 'utf8'))
  const mount = mountCovering(mounts, join(fs.realpathSync(dirname(path)), 'x'))
  if (mount && isRemoteFuse(mount)) throw untrusted(path, `it is inside ${mount.dir}`)
}

const untrusted = (path: string, why: string): PailError =>
  new PailError('store/data-folder', why, { path, why })
