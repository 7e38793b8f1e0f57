/**
 * Requests of the kernel, decoded: the header, and one function per body. Pure.
 *
 * Keeps: a field is read only where the request says that it is valid.
 */
import { PailError } from '../../../shared/errors.ts'
import type { RangeEdit, RenameMode, Stamp, XattrMode } from '../../vfs/vfs.ts'
import {
  FallocateFlag,
  GETATTR_HANDLE,
  IN_HEADER_BYTES,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  SEEK_DATA,
  SEEK_HOLE,
  SetattrField,
  WRITE_HEADER_BYTES,
  XATTR_CREATE,
  XATTR_REPLACE,
} from './constants.ts'
import { WireReader } from './reader.ts'

export type RequestHeader = {
  readonly lengthBytes: number
  readonly opcode: number
  readonly unique: bigint
  /** As the kernel names it; undefined when no node can have this number. */
  readonly node: number | undefined
  readonly uid: number
  readonly gid: number
  readonly pid: number
}

/** @returns undefined when there is not even a header */
export function decodeHeader(request: Buffer): RequestHeader | undefined {
  if (request.length < IN_HEADER_BYTES) return undefined
  const node = request.readBigUInt64LE(16)
  return {
    lengthBytes: request.readUInt32LE(0),
    opcode: request.readUInt32LE(4),
    unique: request.readBigUInt64LE(8),
    node: node <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(node) : undefined,
    uid: request.readUInt32LE(24),
    gid: request.readUInt32LE(28),
    pid: request.readUInt32LE(32),
  }
}

export function bodyOf(request: Buffer, header: RequestHeader): WireReader {
  if (header.lengthBytes !== request.length) {
    throw new PailError('vfs/invalid', `request of ${request.length} says ${header.lengthBytes}`)
  }
  return new WireReader(request.subarray(IN_HEADER_BYTES))
}

export const decodeName = (body: WireReader): string => body.name(0).text

export function decodeSymlink(body: WireReader): { name: string; target: string } {
  const name = body.name(0)
  return { name: name.text, target: body.text(name.next).text }
}

export const decodeForget = (body: WireReader): number => body.u64(0)

export function decodeBatchForget(body: WireReader): Array<{ node: number; count: number }> {
  const count = body.u32(0)
  if (8 + count * 16 > body.length) {
    throw new PailError('vfs/invalid', `batch of ${count} in ${body.length} bytes`)
  }
  return Array.from({ length: count }, (_, index) => ({
    node: body.u64(8 + index * 16),
    count: body.u64(16 + index * 16),
  }))
}

/** @returns the handle, when the program asked through an open file */
export function decodeGetattr(body: WireReader): number | undefined {
  return (body.u32(0) & GETATTR_HANDLE) === 0 ? undefined : body.u64(8)
}

export type SetattrRequest = {
  readonly handle?: number
  readonly sizeBytes?: number
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly atime?: Stamp | 'now'
  readonly mtime?: Stamp | 'now'
  readonly killsPrivileges: boolean
}

export function decodeSetattr(body: WireReader): SetattrRequest {
  const valid = body.u32(0)
  body.bytes(0, 88)
  const atime = decodeTime(body, valid, TIMES.atime)
  const mtime = decodeTime(body, valid, TIMES.mtime)
  return {
    ...(valid & SetattrField.HANDLE ? { handle: body.u64(8) } : {}),
    ...(valid & SetattrField.SIZE ? { sizeBytes: body.fileOffset(16) } : {}),
    ...(valid & SetattrField.MODE ? { mode: body.u32(68) } : {}),
    ...(valid & SetattrField.UID ? { uid: body.u32(76) } : {}),
    ...(valid & SetattrField.GID ? { gid: body.u32(80) } : {}),
    ...(atime === undefined ? {} : { atime }),
    ...(mtime === undefined ? {} : { mtime }),
    killsPrivileges: (valid & SetattrField.KILL_SUIDGID) !== 0,
  }
}

const TIMES = {
  atime: { set: SetattrField.ATIME, now: SetattrField.ATIME_NOW, seconds: 32, nanoseconds: 56 },
  mtime: { set: SetattrField.MTIME, now: SetattrField.MTIME_NOW, seconds: 40, nanoseconds: 60 },
} as const

function decodeTime(
  body: WireReader,
  valid: number,
  where: (typeof TIMES)[keyof typeof TIMES],
): Stamp | 'now' | undefined {
  if (valid & where.now) return 'now'
  if (!(valid & where.set)) return undefined
  // Seconds are signed: a file may be older than 1970.
  return body.i64(where.seconds) * 1_000_000_000n + BigInt(body.u32(where.nanoseconds))
}

export function decodeMknod(body: WireReader): { name: string; mode: number } {
  return { mode: body.u32(0), name: body.name(16).text }
}

export function decodeMkdir(body: WireReader): { name: string; mode: number } {
  return { mode: body.u32(0), name: body.name(8).text }
}

export type RenameRequest = {
  readonly newDirectory: number
  readonly mode: RenameMode
  readonly oldName: string
  readonly newName: string
}

export function decodeRename(body: WireReader): RenameRequest {
  return { newDirectory: body.u64(0), mode: 'replace', ...twoNames(body, 8) }
}

export function decodeRename2(body: WireReader): RenameRequest {
  const mode = renameMode(body.u32(8))
  return { newDirectory: body.u64(0), mode, ...twoNames(body, 16) }
}

function twoNames(body: WireReader, at: number): { oldName: string; newName: string } {
  const oldName = body.name(at)
  return { oldName: oldName.text, newName: body.name(oldName.next).text }
}

function renameMode(flags: number): RenameMode {
  if (flags === 0) return 'replace'
  if (flags === RENAME_NOREPLACE) return 'noreplace'
  if (flags === RENAME_EXCHANGE) return 'exchange'
  // RENAME_WHITEOUT needs a character device: renameat2(2) asks for EINVAL.
  throw new PailError('vfs/invalid', `rename flags ${flags}`)
}

export function decodeOpen(body: WireReader): { flags: number; fuseFlags: number } {
  return { flags: body.u32(0), fuseFlags: body.u32(4) }
}

export type CreateWireRequest = {
  readonly flags: number
  readonly mode: number
  readonly fuseFlags: number
  readonly name: string
}

export function decodeCreate(body: WireReader): CreateWireRequest {
  return {
    flags: body.u32(0),
    mode: body.u32(4),
    fuseFlags: body.u32(12),
    name: body.name(16).text,
  }
}

export type ReadRequest = {
  readonly handle: number
  readonly offset: number
  readonly sizeBytes: number
}

/** READ, READDIR and READDIRPLUS. An offset of a directory is a cookie. */
export function decodeRead(body: WireReader): ReadRequest {
  body.bytes(0, 40)
  return { handle: body.u64(0), offset: body.fileOffset(8), sizeBytes: body.u32(16) }
}

export type WriteRequest = {
  readonly handle: number
  readonly offset: number
  readonly writeFlags: number
  readonly data: Buffer
}

export function decodeWrite(body: WireReader): WriteRequest {
  const sizeBytes = body.u32(16)
  return {
    handle: body.u64(0),
    offset: body.fileOffset(8),
    writeFlags: body.u32(20),
    data: body.bytes(WRITE_HEADER_BYTES, sizeBytes),
  }
}

/** A name of an extended attribute may have a slash. */
export function decodeGetxattr(body: WireReader): { name: string; sizeBytes: number } {
  return { sizeBytes: body.u32(0), name: xattrName(body, 8).text }
}

export const decodeRemovexattr = (body: WireReader): string => xattrName(body, 0).text

/** The short form: SETXATTR_EXT is not agreed on at INIT. */
export function decodeSetxattr(body: WireReader): {
  name: string
  value: Buffer
  mode: XattrMode
} {
  const name = xattrName(body, 8)
  return {
    name: name.text,
    value: body.bytes(name.next, body.u32(0)),
    mode: xattrMode(body.u32(4)),
  }
}

function xattrName(body: WireReader, at: number): { text: string; next: number } {
  const name = body.text(at)
  if (name.text === '') throw new PailError('vfs/invalid', 'an extended attribute without a name')
  return name
}

function xattrMode(flags: number): XattrMode {
  if (flags === 0) return 'set'
  if (flags === XATTR_CREATE) return 'create'
  if (flags === XATTR_REPLACE) return 'replace'
  throw new PailError('vfs/invalid', `setxattr flags ${flags}`)
}

export type FallocateRequest = {
  readonly handle: number
  readonly offset: number
  readonly lengthBytes: number
  readonly edit: RangeEdit
}

export function decodeFallocate(body: WireReader): FallocateRequest {
  return {
    handle: body.u64(0),
    offset: body.fileOffset(8),
    lengthBytes: body.fileOffset(16),
    edit: rangeEdit(body.u32(24)),
  }
}

function rangeEdit(mode: number): RangeEdit {
  const { KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE } = FallocateFlag
  if (mode === 0) return 'extend'
  if (mode === KEEP_SIZE) return 'reserve'
  if (mode === (PUNCH_HOLE | KEEP_SIZE)) return 'punch'
  if (mode === ZERO_RANGE) return 'zero'
  if (mode === (ZERO_RANGE | KEEP_SIZE)) return 'punch'
  throw new PailError('vfs/unsupported', `fallocate mode ${mode}`)
}

export type SeekRequest = {
  readonly handle: number
  readonly offset: number
  readonly what: 'data' | 'hole'
}

export function decodeSeek(body: WireReader): SeekRequest {
  const whence = body.u32(16)
  if (whence !== SEEK_DATA && whence !== SEEK_HOLE) {
    throw new PailError('vfs/invalid', `seek from ${whence}`)
  }
  const what = whence === SEEK_DATA ? 'data' : 'hole'
  return { handle: body.u64(0), offset: body.fileOffset(8), what }
}

export type CopyRangeRequest = {
  readonly from: { readonly handle: number; readonly offset: number }
  readonly to: { readonly node: number; readonly handle: number; readonly offset: number }
  readonly lengthBytes: number
}

export function decodeCopyRange(body: WireReader): CopyRangeRequest {
  if (body.id64(48) !== 0n) throw new PailError('vfs/invalid', 'flags of a copied range')
  return {
    from: { handle: body.u64(0), offset: body.fileOffset(8) },
    to: { node: body.u64(16), handle: body.u64(24), offset: body.fileOffset(32) },
    lengthBytes: body.fileOffset(40),
  }
}

/** FLUSH, RELEASE, RELEASEDIR, FSYNC and FSYNCDIR all begin with the handle. */
export const decodeHandle = (body: WireReader): number => body.u64(0)

export const decodeAccess = (body: WireReader): number => body.u32(0)

export const decodeInterrupt = (body: WireReader): bigint => body.id64(0)
