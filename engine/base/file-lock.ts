/**
 * A lock that the system itself releases when its holder dies, however it dies.
 *
 * Owns:  the lock file, which names its holder for the message another process shows.
 * Keeps: two processes never hold the same file's lock; a dead holder never holds it.
 * Never: waits, believes a process id, removes the file (a removed file would be a second lock).
 */
import * as fs from 'node:fs'
import koffi from 'koffi'
import { PailError } from '../../shared/errors.ts'
import { diskError } from './disk.ts'

/** flock(2): LOCK_EX | LOCK_NB, the same numbers on Linux and macOS. */
const EXCLUSIVE_NONBLOCKING = 2 | 4

export type LockHolder = { readonly pid: number; readonly startedMs: number }

export interface FileLock {
  release(): void
}

type Flock = (fd: number, operation: number) => number
let flock: Flock | undefined

/** Loaded at first use: only a process that locks something pays for it. */
function systemFlock(): Flock {
  // A null path is this process itself, which has the C library loaded already.
  flock ??= koffi.load(null).func('int flock(int fd, int operation)') as Flock
  return flock
}

/**
 * Takes the lock on `path`, or refuses at once.
 *
 * @param holder who is named to others; absent: the file keeps the name of the last one
 * @throws PailError `store/locked` with the holder's pid and start time in `where`
 */
export function lockFile(path: string, holder?: LockHolder): FileLock {
  const fd = openLockFile(path)
  if (systemFlock()(fd, EXCLUSIVE_NONBLOCKING) !== 0) {
    const other = parseHolder(fs.readFileSync(fd, 'utf8'))
    fs.closeSync(fd)
    throw new PailError('store/locked', `${path} is locked`, { path, ...other })
  }
  if (!holder) return new HeldLock(fd)
  try {
    fs.ftruncateSync(fd, 0)
    fs.writeSync(fd, `${holder.pid} ${holder.startedMs}\n`, 0)
  } catch (thrown) {
    fs.closeSync(fd)
    throw diskError(thrown, path)
  }
  return new HeldLock(fd)
}

/** Reads who holds the lock; nothing when the file says nothing sensible. */
export function parseHolder(text: string): Partial<LockHolder> {
  const match = /^(\d{1,10}) (\d{1,16})\n$/.exec(text)
  if (!match) return {}
  return { pid: Number(match[1]), startedMs: Number(match[2]) }
}

/** O_NOFOLLOW: a link planted here must not make us truncate another file. */
function openLockFile(path: string): number {
  const { O_RDWR, O_CREAT, O_NOFOLLOW } = fs.constants
  try {
    return fs.openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600)
  } catch (thrown) {
    throw diskError(thrown, path)
  }
}

class HeldLock implements FileLock {
  #fd: number | undefined

  constructor(fd: number) {
    this.#fd = fd
  }

  release(): void {
    if (this.#fd === undefined) return
    fs.closeSync(this.#fd)
    this.#fd = undefined
  }
}
