/**
 * System calls that Node does not offer, for programs of the tests: maps, allocation, copies, locks.
 *
 * Keeps: a failed call throws an error whose `code` is the name of its error number.
 */
import { constants } from 'node:os'
import { address, errno, load, view } from 'koffi'

const PROT_READ = 1
const PROT_WRITE = 2
const MAP_SHARED = 1
const MAP_PRIVATE = 2
const MS_SYNC = 4
const PAGE_BYTES = 4096

export const Fallocate = { KEEP_SIZE: 1, PUNCH_HOLE: 2, COLLAPSE: 8, ZERO: 16, INSERT: 32 } as const
export const Whence = { DATA: 3, HOLE: 4 } as const
export const Rename = { NOREPLACE: 1, EXCHANGE: 2 } as const

const AT_FDCWD = -100
const library = load('libc.so.6')
const C = {
  mmap: library.func(
    'void *mmap(void *at, size_t length, int prot, int flags, int fd, long offset)',
  ),
  munmap: library.func('int munmap(void *at, size_t length)'),
  msync: library.func('int msync(void *at, size_t length, int flags)'),
  fallocate: library.func('int fallocate(int fd, int mode, long offset, long length)'),
  lseek: library.func('long lseek(int fd, long offset, int whence)'),
  flock: library.func('int flock(int fd, int operation)'),
  fcntl: library.func('int fcntl(int fd, int command, void *lock)'),
  copy_file_range: library.func(
    'long copy_file_range(int from, long *at, int to, long *into, size_t length, unsigned int flags)',
  ),
  pwritev2: library.func(
    'long pwritev2(int fd, void *vectors, int count, long offset, unsigned int flags)',
  ),
  renameat2: library.func(
    'int renameat2(int fromDir, str from, int toDir, str to, unsigned int flags)',
  ),
}

/** pwritev2(2) */
export const WriteFlag = { DATA_SYNC: 2, SYNC: 4, APPEND: 16 } as const

// Two names of one number: the one that the manual pages use.
const { EWOULDBLOCK: _, ENOTSUP: __, ...ERRORS } = constants.errno
const NAMES = new Map(Object.entries(ERRORS).map(([name, number]) => [number, name]))

function checked(call: string, result: number | bigint): number {
  if (Number(result) !== -1) return Number(result)
  const code = NAMES.get(errno()) ?? `errno ${errno()}`
  throw Object.assign(new Error(`${code}: ${call}`), { code })
}

/** A file in memory; `bytes` begins at `offset` of the file, wherever its page begins. */
export class Mapping {
  readonly bytes: Uint8Array
  readonly #start: unknown
  readonly #lengthBytes: number

  constructor(
    fd: number,
    range: { offset: number; lengthBytes: number },
    kind: 'shared' | 'private',
  ) {
    const skipped = range.offset % PAGE_BYTES
    this.#lengthBytes = range.lengthBytes + skipped
    const flags = kind === 'shared' ? MAP_SHARED : MAP_PRIVATE
    const prot = PROT_READ | PROT_WRITE
    this.#start = C.mmap(null, this.#lengthBytes, prot, flags, fd, range.offset - skipped)
    const all = new Uint8Array(view(this.#start, this.#lengthBytes))
    this.bytes = all.subarray(skipped)
  }

  sync(): void {
    checked('msync', C.msync(this.#start, this.#lengthBytes, MS_SYNC))
  }

  unmap(): void {
    checked('munmap', C.munmap(this.#start, this.#lengthBytes))
  }
}

export function fallocate(fd: number, mode: number, offset: number, lengthBytes: number): void {
  checked('fallocate', C.fallocate(fd, mode, offset, lengthBytes))
}

/** @returns where the next data, or the next hole, begins */
export function seek(fd: number, offset: number, whence: number): number {
  return checked('lseek', C.lseek(fd, offset, whence))
}

/** @returns bytes copied; fewer than asked at the end of the source */
export function copyFileRange(
  from: { readonly fd: number; readonly at: number },
  to: { readonly fd: number; readonly at: number },
  lengthBytes: number,
): number {
  const [source, target] = [BigInt64Array.of(BigInt(from.at)), BigInt64Array.of(BigInt(to.at))]
  const count = C.copy_file_range(from.fd, source, to.fd, target, lengthBytes, 0)
  return checked('copy_file_range', count)
}

/** One write with flags of its own. @returns bytes written */
export function writeWith(fd: number, data: Buffer, offset: number, flags: number): number {
  const vector = Buffer.alloc(16)
  vector.writeBigUInt64LE(address(data), 0)
  vector.writeBigUInt64LE(BigInt(data.length), 8)
  return checked('pwritev2', C.pwritev2(fd, vector, 1, offset, flags))
}

export function renameWith(from: string, to: string, flags: number): void {
  checked('renameat2', C.renameat2(AT_FDCWD, from, AT_FDCWD, to, flags))
}

export const Flock = { SHARED: 1, EXCLUSIVE: 2, NOW: 4, UNLOCK: 8 } as const

export function flock(fd: number, operation: number): void {
  checked('flock', C.flock(fd, operation))
}

export const RecordLock = { SET: 6, SET_OPEN: 37, READ: 0, WRITE: 1, UNLOCK: 2 } as const
/** struct flock of 64-bit Linux. */
const LOCK_BYTES = 32

/** A lock on a range of bytes, of the process (SET) or of the open file (SET_OPEN). Never waits. */
export function lockRange(
  fd: number,
  command: number,
  { type, start, lengthBytes }: { type: number; start: number; lengthBytes: number },
): void {
  const lock = Buffer.alloc(LOCK_BYTES)
  lock.writeInt16LE(type, 0)
  lock.writeBigInt64LE(BigInt(start), 8)
  lock.writeBigInt64LE(BigInt(lengthBytes), 16)
  checked('fcntl', C.fcntl(fd, command, lock))
}
