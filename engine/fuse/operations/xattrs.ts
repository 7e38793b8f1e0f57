/** Operations on extended attributes. */
import { PailError } from '../../../shared/errors.ts'
import { ERRNO } from '../wire/errno.ts'
import { emptyReply, encodeBytes, encodeError, encodeXattrSize } from '../wire/replies.ts'
import { decodeGetxattr, decodeRemovexattr, decodeSetxattr } from '../wire/requests.ts'
import type { Operation } from './operation.ts'

/**
 * The kernel asks for it before it lets a program write, to learn whether the write takes a
 * privilege away. No file has any: answered without a look at the file system.
 */
const CAPABILITY = 'security.capability'

export const getxattr: Operation = async (session, call) => {
  const id = session.nodes.require(call.node)
  const { name, sizeBytes } = decodeGetxattr(call.body)
  if (name === CAPABILITY) return encodeError(call.unique, ERRNO.ENODATA)
  const value = await session.vfs.getxattr(call.context, { id }, name)
  return answer(call.unique, value, sizeBytes)
}

export const listxattr: Operation = async (session, call) => {
  const id = session.nodes.require(call.node)
  const sizeBytes = call.body.u32(0)
  const names = await session.vfs.listxattr(call.context, { id })
  return answer(call.unique, Buffer.from(names.map((name) => `${name}\0`).join('')), sizeBytes)
}

export const setxattr: Operation = async (session, call) => {
  const id = session.nodes.require(call.node)
  await session.vfs.setxattr(call.context, { id }, decodeSetxattr(call.body))
  return emptyReply(call.unique, 0)
}

export const removexattr: Operation = async (session, call) => {
  const id = session.nodes.require(call.node)
  await session.vfs.removexattr(call.context, { id }, decodeRemovexattr(call.body))
  return emptyReply(call.unique, 0)
}

/** A program that gives no room asks how much it needs. */
function answer(unique: bigint, value: Uint8Array, sizeBytes: number): Buffer {
  if (sizeBytes === 0) return encodeXattrSize(unique, value.length)
  if (value.length > sizeBytes) throw new PailError('vfs/range', `${value.length} bytes`)
  return encodeBytes(unique, value)
}
