/**
 * Replies to the kernel, encoded with their header into one buffer. Pure.
 *
 * Keeps: every byte of a reply is written here or zero; nothing of this process's memory leaks.
 */
import type { Attributes, FileSystemFacts, NodeKind, Stamp } from '../../vfs/vfs.ts'
import {
  ATTRIBUTES_BYTES,
  ENTRY_BYTES,
  ModeBits,
  OUT_HEADER_BYTES,
  PAGE_BYTES,
} from './constants.ts'

const HIGH_WORD = 0x1_0000_0000
const NS_PER_SECOND = 1_000_000_000n
const DISK_SECTOR_BYTES = 512

const KIND_BITS: Readonly<Record<NodeKind, number>> = {
  file: ModeBits.FILE,
  directory: ModeBits.DIRECTORY,
  symlink: ModeBits.SYMLINK,
}

/** A successful reply whose body is all zero. */
export function emptyReply(unique: bigint, bodyBytes: number): Buffer {
  const reply = Buffer.allocUnsafe(OUT_HEADER_BYTES + bodyBytes).fill(0)
  writeHeader(reply, unique, 0)
  return reply
}

/** @param errno positive, as in errno(3) */
export function encodeError(unique: bigint, errno: number): Buffer {
  const reply = Buffer.allocUnsafe(OUT_HEADER_BYTES)
  writeHeader(reply, unique, -errno)
  return reply
}

/** Writes the header for a reply that fills `reply` completely. */
export function writeHeader(reply: Buffer, unique: bigint, error: number): void {
  reply.writeUInt32LE(reply.length, 0)
  reply.writeInt32LE(error, 4)
  reply.writeBigUInt64LE(unique, 8)
}

export function writeU64(into: Buffer, value: number, at: number): void {
  into.writeUInt32LE(value % HIGH_WORD, at)
  into.writeUInt32LE(Math.floor(value / HIGH_WORD), at + 4)
}

/** A node as the kernel is told about it. `node` is the kernel's number for `attributes.id`. */
export type WireNode = { readonly node: number; readonly attributes: Attributes }

/** How long the kernel may believe a name and the attributes without asking. */
export type Timeouts = { readonly entryMs: number; readonly attrMs: number }

export function writeAttributes(into: Buffer, at: number, { node, attributes }: WireNode): void {
  writeU64(into, node, at)
  writeU64(into, attributes.sizeBytes, at + 8)
  writeU64(into, Math.ceil(attributes.allocatedBytes / DISK_SECTOR_BYTES), at + 16)
  writeStamp(into, attributes.atime, at + 24, at + 48)
  writeStamp(into, attributes.mtime, at + 32, at + 52)
  writeStamp(into, attributes.ctime, at + 40, at + 56)
  into.writeUInt32LE(modeOf(attributes), at + 60)
  into.writeUInt32LE(attributes.linkCount, at + 64)
  into.writeUInt32LE(attributes.uid, at + 68)
  into.writeUInt32LE(attributes.gid, at + 72)
  into.writeUInt32LE(PAGE_BYTES, at + 80)
}

export function modeOf(attributes: Pick<Attributes, 'kind' | 'mode'>): number {
  return KIND_BITS[attributes.kind] | (attributes.mode & ModeBits.PERMISSIONS)
}

function writeStamp(into: Buffer, stamp: Stamp, secondsAt: number, nanosecondsAt: number): void {
  let nanoseconds = stamp % NS_PER_SECOND
  if (nanoseconds < 0n) nanoseconds += NS_PER_SECOND
  into.writeBigInt64LE((stamp - nanoseconds) / NS_PER_SECOND, secondsAt)
  into.writeUInt32LE(Number(nanoseconds), nanosecondsAt)
}

function writeTimeout(into: Buffer, ms: number, secondsAt: number, nanosecondsAt: number): void {
  writeU64(into, Math.floor(ms / 1000), secondsAt)
  into.writeUInt32LE(Math.floor((ms % 1000) * 1_000_000), nanosecondsAt)
}

/** struct fuse_entry_out */
export function writeEntry(into: Buffer, at: number, entry: WireNode, timeouts: Timeouts): void {
  writeU64(into, entry.node, at)
  writeU64(into, entry.attributes.generation, at + 8)
  writeTimeout(into, timeouts.entryMs, at + 16, at + 32)
  writeTimeout(into, timeouts.attrMs, at + 24, at + 36)
  writeAttributes(into, at + 40, entry)
}

export function encodeEntry(unique: bigint, entry: WireNode, timeouts: Timeouts): Buffer {
  const reply = emptyReply(unique, ENTRY_BYTES)
  writeEntry(reply, OUT_HEADER_BYTES, entry, timeouts)
  return reply
}

/** The name does not exist, and the kernel may believe that for `forMs`. */
export function encodeNegativeEntry(unique: bigint, forMs: number): Buffer {
  const reply = emptyReply(unique, ENTRY_BYTES)
  writeTimeout(reply, forMs, OUT_HEADER_BYTES + 16, OUT_HEADER_BYTES + 32)
  return reply
}

export function encodeAttributes(unique: bigint, node: WireNode, timeouts: Timeouts): Buffer {
  const reply = emptyReply(unique, 16 + ATTRIBUTES_BYTES)
  writeTimeout(reply, timeouts.attrMs, OUT_HEADER_BYTES, OUT_HEADER_BYTES + 8)
  writeAttributes(reply, OUT_HEADER_BYTES + 16, node)
  return reply
}

/** What the kernel is told about an open: our handle, and OpenReplyFlag. */
export type WireOpen = { readonly handle: number; readonly flags: number }

export function encodeOpen(unique: bigint, open: WireOpen): Buffer {
  const reply = emptyReply(unique, 16)
  writeOpen(reply, OUT_HEADER_BYTES, open)
  return reply
}

export function encodeCreate(
  unique: bigint,
  entry: WireNode,
  open: WireOpen,
  timeouts: Timeouts,
): Buffer {
  const reply = emptyReply(unique, ENTRY_BYTES + 16)
  writeEntry(reply, OUT_HEADER_BYTES, entry, timeouts)
  writeOpen(reply, OUT_HEADER_BYTES + ENTRY_BYTES, open)
  return reply
}

function writeOpen(into: Buffer, at: number, open: WireOpen): void {
  writeU64(into, open.handle, at)
  into.writeUInt32LE(open.flags, at + 8)
}

export function encodeWritten(unique: bigint, written: number): Buffer {
  const reply = emptyReply(unique, 8)
  reply.writeUInt32LE(written, OUT_HEADER_BYTES)
  return reply
}

/** Where LSEEK found what it was asked for. */
export function encodePosition(unique: bigint, offset: number): Buffer {
  const reply = emptyReply(unique, 8)
  writeU64(reply, offset, OUT_HEADER_BYTES)
  return reply
}

export function encodeText(unique: bigint, text: string): Buffer {
  const reply = emptyReply(unique, Buffer.byteLength(text))
  reply.write(text, OUT_HEADER_BYTES)
  return reply
}

export function encodeBytes(unique: bigint, bytes: Uint8Array): Buffer {
  const reply = emptyReply(unique, bytes.length)
  reply.set(bytes, OUT_HEADER_BYTES)
  return reply
}

/** How much room the value of an extended attribute, or the list of their names, needs. */
export function encodeXattrSize(unique: bigint, sizeBytes: number): Buffer {
  const reply = emptyReply(unique, 8)
  reply.writeUInt32LE(sizeBytes, OUT_HEADER_BYTES)
  return reply
}

export function encodeStatfs(unique: bigint, facts: FileSystemFacts): Buffer {
  const reply = emptyReply(unique, 80)
  const at = OUT_HEADER_BYTES
  const freeBlocks = Math.floor(facts.freeBytes / facts.blockSizeBytes)
  writeU64(reply, Math.floor(facts.totalBytes / facts.blockSizeBytes), at)
  writeU64(reply, freeBlocks, at + 8)
  writeU64(reply, freeBlocks, at + 16)
  writeU64(reply, facts.files, at + 24)
  reply.writeUInt32LE(facts.blockSizeBytes, at + 40)
  reply.writeUInt32LE(facts.nameBytesMax, at + 44)
  reply.writeUInt32LE(facts.blockSizeBytes, at + 48)
  return reply
}
