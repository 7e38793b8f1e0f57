/**
 * INIT: what kernel and file system agree on when a mount begins. Pure.
 */
import { PailError } from '../../../shared/errors.ts'
import {
  InitFlag,
  OUT_HEADER_BYTES,
  PROTOCOL_MAJOR,
  PROTOCOL_MINOR_MAX,
  PROTOCOL_MINOR_MIN,
  REQUEST_DATA_BYTES_MAX,
  REQUEST_PAGES_MAX,
} from './constants.ts'
import type { WireReader } from './reader.ts'
import { emptyReply } from './replies.ts'

export type InitRequest = {
  readonly major: number
  readonly minor: number
  readonly readAheadBytesMax: number
  readonly flags: number
}

export type InitAgreement = {
  readonly minor: number
  readonly readAheadBytesMax: number
  readonly flags: number
}

/** Background requests (read-ahead, asynchronous direct I/O) under way at once; kernel default 12. */
export const BACKGROUND_REQUESTS_MAX = 128
/** From here on the kernel calls the mount congested and reads less far ahead. */
export const CONGESTION_THRESHOLD = 96
/** The kernel's own read-ahead; the default of 128 KiB makes eight requests of one. */
export const KERNEL_READ_AHEAD_BYTES = 1 << 20
/** Times are kept to the nanosecond. */
const TIME_GRANULARITY_NS = 1
const INIT_REPLY_BYTES = 64

/**
 * Asked for where the kernel offers it. Left out on purpose:
 * - READDIRPLUS_AUTO: it falls back to plain READDIR after the first page, because `ls -l` reads the
 *   whole directory before its first stat; then 10,000 LOOKUPs follow. Attributes cost nothing here.
 * - WRITEBACK_CACHE: the kernel would own size and mtime while dirty.
 * - ATOMIC_O_TRUNC: a program that runs would be cut to nothing before the kernel looks whether it
 *   may be; without it, the kernel looks first and then truncates by SETATTR.
 * - NO_OPENDIR_SUPPORT: it turns on the kernel's cache of names, which serves a second `ls -l` without
 *   attributes and so with a LOOKUP per file.
 */
const WANTED =
  InitFlag.ASYNC_READ |
  InitFlag.BIG_WRITES |
  InitFlag.DO_READDIRPLUS |
  InitFlag.ASYNC_DIO |
  InitFlag.PARALLEL_DIROPS |
  InitFlag.MAX_PAGES |
  InitFlag.CACHE_SYMLINKS |
  InitFlag.EXPLICIT_INVAL_DATA |
  InitFlag.HANDLE_KILLPRIV_V2 |
  InitFlag.INIT_EXT

export function decodeInit(body: WireReader): InitRequest {
  return {
    major: body.u32(0),
    minor: body.u32(4),
    readAheadBytesMax: body.u32(8),
    flags: body.u32(12),
  }
}

/**
 * @returns undefined when the kernel is newer by a whole major version and has to ask again
 * @throws PailError `mount/refused` when the kernel is too old
 */
export function negotiate(request: InitRequest): InitAgreement | undefined {
  if (request.major > PROTOCOL_MAJOR) return undefined
  if (request.major < PROTOCOL_MAJOR || request.minor < PROTOCOL_MINOR_MIN) {
    throw new PailError(
      'mount/refused',
      `the kernel speaks FUSE ${request.major}.${request.minor}; ` +
        `${PROTOCOL_MAJOR}.${PROTOCOL_MINOR_MIN} (Linux 5.4) is needed`,
    )
  }
  return {
    minor: Math.min(request.minor, PROTOCOL_MINOR_MAX),
    readAheadBytesMax: Math.min(request.readAheadBytesMax, KERNEL_READ_AHEAD_BYTES),
    flags: chooseFlags(request.flags),
  }
}

function chooseFlags(offered: number): number {
  let chosen = offered & WANTED
  // Without explicit invalidation, at least a changed size or time drops the kernel's pages.
  if (!(chosen & InitFlag.EXPLICIT_INVAL_DATA)) chosen |= offered & InitFlag.AUTO_INVAL_DATA
  return chosen >>> 0
}

export function encodeInit(unique: bigint, agreement: InitAgreement): Buffer {
  const reply = emptyReply(unique, INIT_REPLY_BYTES)
  const at = OUT_HEADER_BYTES
  reply.writeUInt32LE(PROTOCOL_MAJOR, at)
  reply.writeUInt32LE(agreement.minor, at + 4)
  reply.writeUInt32LE(agreement.readAheadBytesMax, at + 8)
  reply.writeUInt32LE(agreement.flags, at + 12)
  reply.writeUInt16LE(BACKGROUND_REQUESTS_MAX, at + 16)
  reply.writeUInt16LE(CONGESTION_THRESHOLD, at + 18)
  reply.writeUInt32LE(REQUEST_DATA_BYTES_MAX, at + 20)
  reply.writeUInt32LE(TIME_GRANULARITY_NS, at + 24)
  reply.writeUInt16LE(REQUEST_PAGES_MAX, at + 28)
  return reply
}

/** Tells a kernel of a newer major version which one to ask with. */
export function encodeInitRetry(unique: bigint): Buffer {
  const reply = emptyReply(unique, INIT_REPLY_BYTES)
  reply.writeUInt32LE(PROTOCOL_MAJOR, OUT_HEADER_BYTES)
  reply.writeUInt32LE(PROTOCOL_MINOR_MAX, OUT_HEADER_BYTES + 4)
  return reply
}
