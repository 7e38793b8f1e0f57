/**
 * Messages to the kernel that nobody asked for: what it holds is outdated. Pure.
 */
import { NotifyCode, OUT_HEADER_BYTES } from './constants.ts'
import { writeU64 } from './replies.ts'

/** A notification has no request: its unique number is zero and `error` holds the code. */
function notification(code: number, bodyBytes: number): Buffer {
  const message = Buffer.alloc(OUT_HEADER_BYTES + bodyBytes)
  message.writeUInt32LE(message.length, 0)
  message.writeInt32LE(code, 4)
  return message
}

/** Attributes of a node; `pages` drops its cached content as well. */
export function encodeInvalidateNode(node: number, pages: boolean): Buffer {
  const message = notification(NotifyCode.INVAL_INODE, 24)
  writeU64(message, node, OUT_HEADER_BYTES)
  // A negative offset leaves the pages alone; length 0 means all of them.
  message.writeBigInt64LE(pages ? 0n : -1n, OUT_HEADER_BYTES + 8)
  return message
}

/** A name, whether it exists or is known not to. */
export function encodeInvalidateEntry(parent: number, name: string): Buffer {
  const nameBytes = Buffer.byteLength(name)
  const message = notification(NotifyCode.INVAL_ENTRY, 16 + nameBytes + 1)
  writeU64(message, parent, OUT_HEADER_BYTES)
  message.writeUInt32LE(nameBytes, OUT_HEADER_BYTES + 8)
  message.write(name, OUT_HEADER_BYTES + 16)
  return message
}

/** Every name the kernel holds (protocol 7.44 and newer). */
export const encodeInvalidateAllEntries = (): Buffer => notification(NotifyCode.INC_EPOCH, 0)
