/** Flags of open(2), translated both ways. Pure. */
import { constants } from 'node:fs'
import type { CreateRequest, Opened, OpenRequest } from '../vfs/vfs.ts'
import { ModeBits, OpenReplyFlag } from './wire/constants.ts'
import type { CreateWireRequest } from './wire/requests.ts'

const ACCESS_MODE = 0o3

export function openRequestOf(flags: number): OpenRequest {
  const access = flags & ACCESS_MODE
  return {
    read: access !== constants.O_WRONLY,
    write: access !== constants.O_RDONLY,
    append: (flags & constants.O_APPEND) !== 0,
    truncate: (flags & constants.O_TRUNC) !== 0,
  }
}

/** The kernel has applied the umask already: FUSE_DONT_MASK is not negotiated. */
export function createRequestOf(request: CreateWireRequest): CreateRequest {
  return {
    ...openRequestOf(request.flags),
    mode: request.mode & ModeBits.PERMISSIONS,
    exclusive: (request.flags & constants.O_EXCL) !== 0,
  }
}

export function openReplyFlags(flags: number, opened: Opened): number {
  let reply = 0
  if (opened.keepCache) reply |= OpenReplyFlag.KEEP_CACHE
  // O_DIRECT has another number on each architecture, and none outside of Linux.
  if (flags & (constants.O_DIRECT ?? 0)) reply |= OpenReplyFlag.DIRECT_IO
  // Nothing to seal at close: saves one request per file read.
  if (!openRequestOf(flags).write) reply |= OpenReplyFlag.NO_FLUSH
  return reply
}
