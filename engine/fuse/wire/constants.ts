/**
 * Numbers of the FUSE kernel protocol, as in include/uapi/linux/fuse.h (protocol 7.31 to 7.45).
 *
 * Owns:  operation codes, flags and sizes. Pure.
 */

export const PROTOCOL_MAJOR = 7
/** Linux 5.4: the oldest protocol that offers everything this front end relies on. */
export const PROTOCOL_MINOR_MIN = 31
/** The newest protocol whose structures this code knows. */
export const PROTOCOL_MINOR_MAX = 45
/** From this minor on, one notification outdates every name the kernel holds (Linux 6.16). */
export const PROTOCOL_MINOR_EPOCH = 44

export const ROOT_NODE = 1
export const PAGE_BYTES = 4096
export const IN_HEADER_BYTES = 40
export const OUT_HEADER_BYTES = 16
export const ATTRIBUTES_BYTES = 88
export const ENTRY_BYTES = 40 + ATTRIBUTES_BYTES
export const WRITE_HEADER_BYTES = 40

/** 1 MiB: the largest request without raising the system-wide limit `fuse.max_pages_limit`. */
export const REQUEST_PAGES_MAX = 256
export const REQUEST_DATA_BYTES_MAX = REQUEST_PAGES_MAX * PAGE_BYTES
/** The kernel refuses a read of /dev/fuse into anything smaller than headers and one full write. */
export const REQUEST_BYTES_MAX = REQUEST_DATA_BYTES_MAX + PAGE_BYTES

export const Opcode = {
  LOOKUP: 1,
  FORGET: 2,
  GETATTR: 3,
  SETATTR: 4,
  READLINK: 5,
  SYMLINK: 6,
  MKNOD: 8,
  MKDIR: 9,
  UNLINK: 10,
  RMDIR: 11,
  RENAME: 12,
  LINK: 13,
  OPEN: 14,
  READ: 15,
  WRITE: 16,
  STATFS: 17,
  RELEASE: 18,
  FSYNC: 20,
  SETXATTR: 21,
  GETXATTR: 22,
  LISTXATTR: 23,
  REMOVEXATTR: 24,
  FLUSH: 25,
  INIT: 26,
  OPENDIR: 27,
  READDIR: 28,
  RELEASEDIR: 29,
  FSYNCDIR: 30,
  ACCESS: 34,
  CREATE: 35,
  INTERRUPT: 36,
  DESTROY: 38,
  IOCTL: 39,
  POLL: 40,
  NOTIFY_REPLY: 41,
  BATCH_FORGET: 42,
  FALLOCATE: 43,
  READDIRPLUS: 44,
  RENAME2: 45,
  LSEEK: 46,
  COPY_FILE_RANGE: 47,
} as const

/** Names for logs and statistics, by operation code. */
export const OPCODE_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(Opcode).map(([name, code]) => [code, name.toLowerCase()]),
)

/** Flags of INIT, low word. */
export const InitFlag = {
  ASYNC_READ: 1 << 0,
  ATOMIC_O_TRUNC: 1 << 3,
  BIG_WRITES: 1 << 5,
  AUTO_INVAL_DATA: 1 << 12,
  DO_READDIRPLUS: 1 << 13,
  READDIRPLUS_AUTO: 1 << 14,
  ASYNC_DIO: 1 << 15,
  WRITEBACK_CACHE: 1 << 16,
  PARALLEL_DIROPS: 1 << 18,
  HANDLE_KILLPRIV: 1 << 19,
  MAX_PAGES: 1 << 22,
  CACHE_SYMLINKS: 1 << 23,
  NO_OPENDIR_SUPPORT: 1 << 24,
  EXPLICIT_INVAL_DATA: 1 << 25,
  HANDLE_KILLPRIV_V2: 1 << 28,
  INIT_EXT: 1 << 30,
} as const

export const SetattrField = {
  MODE: 1 << 0,
  UID: 1 << 1,
  GID: 1 << 2,
  SIZE: 1 << 3,
  ATIME: 1 << 4,
  MTIME: 1 << 5,
  HANDLE: 1 << 6,
  ATIME_NOW: 1 << 7,
  MTIME_NOW: 1 << 8,
  KILL_SUIDGID: 1 << 11,
} as const

/** What the reply to OPEN tells the kernel about this open. */
export const OpenReplyFlag = {
  DIRECT_IO: 1 << 0,
  KEEP_CACHE: 1 << 1,
  /** Since 7.35: closing needs no FLUSH. */
  NO_FLUSH: 1 << 5,
} as const

export const OPEN_KILL_SUIDGID = 1 << 0
export const GETATTR_HANDLE = 1 << 0
/** The data comes from the page cache (a shared mapping): the handle is a guess. */
export const WRITE_CACHE = 1 << 0
export const WRITE_KILL_SUIDGID = 1 << 2

/** setxattr(2) */
export const XATTR_CREATE = 1 << 0
export const XATTR_REPLACE = 1 << 1

/** renameat2(2) */
export const RENAME_NOREPLACE = 1 << 0
export const RENAME_EXCHANGE = 1 << 1

/** fallocate(2) */
export const FallocateFlag = { KEEP_SIZE: 1 << 0, PUNCH_HOLE: 1 << 1, ZERO_RANGE: 1 << 4 } as const

/** lseek(2); other places are the kernel's own to find. */
export const SEEK_DATA = 3
export const SEEK_HOLE = 4

export const NotifyCode = {
  INVAL_INODE: 2,
  INVAL_ENTRY: 3,
  INC_EPOCH: 8,
} as const

/** Bits of st_mode, the same on every Linux. */
export const ModeBits = {
  KIND: 0o170000,
  DIRECTORY: 0o040000,
  FILE: 0o100000,
  SYMLINK: 0o120000,
  SET_UID: 0o4000,
  SET_GID: 0o2000,
  GROUP_EXECUTE: 0o010,
  PERMISSIONS: 0o7777,
} as const
