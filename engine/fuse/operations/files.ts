/** Operations on open files. */
import { assert } from '../../base/assert.ts'
import { createRequestOf, openReplyFlags, openRequestOf } from '../open-flags.ts'
import {
  OPEN_KILL_SUIDGID,
  OUT_HEADER_BYTES,
  WRITE_CACHE,
  WRITE_KILL_SUIDGID,
} from '../wire/constants.ts'
import {
  emptyReply,
  encodeCreate,
  encodeOpen,
  encodePosition,
  encodeWritten,
  writeHeader,
} from '../wire/replies.ts'
import {
  decodeCopyRange,
  decodeCreate,
  decodeFallocate,
  decodeHandle,
  decodeOpen,
  decodeRead,
  decodeSeek,
  decodeWrite,
} from '../wire/requests.ts'
import { dropPrivileges } from './attributes.ts'
import { checkSize, type Operation, rememberedNode } from './operation.ts'

export const open: Operation = async (session, call) => {
  const id = session.nodes.require(call.node)
  const { flags, fuseFlags } = decodeOpen(call.body)
  const request = openRequestOf(flags)
  const opened = await session.vfs.open(call.context, id, request)
  session.handles.add(opened.handle, { id, appends: request.append === true })
  if (request.truncate && fuseFlags & OPEN_KILL_SUIDGID) {
    await dropPrivileges(session, call.context, { id, attributes: opened.attributes })
  }
  return encodeOpen(call.unique, {
    handle: opened.handle,
    flags: openReplyFlags(flags, opened),
  })
}

export const create: Operation = async (session, call) => {
  const directory = session.nodes.require(call.node)
  const wire = decodeCreate(call.body)
  const request = createRequestOf(wire)
  const made = await session.vfs.create(call.context, directory, wire.name, request)
  const id = made.attributes.id
  session.handles.add(made.handle, { id, appends: request.append === true })
  const openReply = { handle: made.handle, flags: openReplyFlags(wire.flags, made) }
  const entry = rememberedNode(session, made.attributes)
  return encodeCreate(call.unique, entry, openReply, session.timeouts)
}

export const read: Operation = async (session, call) => {
  const id = session.nodes.require(call.node)
  const request = decodeRead(call.body)
  checkSize(request.sizeBytes)
  const target = session.handles.require(request.handle, id)
  const reply = session.buffers.take(OUT_HEADER_BYTES + request.sizeBytes)
  try {
    const into = reply.subarray(OUT_HEADER_BYTES)
    const count = await session.vfs.read(call.context, target, request.offset, into)
    // A wrong count would show the program what the buffer held before.
    assert(Number.isInteger(count) && count >= 0 && count <= into.length, `read ${count} bytes`)
    const filled = reply.subarray(0, OUT_HEADER_BYTES + count)
    writeHeader(filled, call.unique, 0)
    return filled
  } catch (thrown) {
    session.buffers.give(reply)
    throw thrown
  }
}

/**
 * The kernel names the offset even for O_APPEND, from the size it believes in. The file system
 * appends at the size it knows; where the two differ, the kernel's pages are wrong afterwards.
 */
export const write: Operation = async (session, call) => {
  const id = session.nodes.require(call.node)
  const { handle, offset, writeFlags, data } = decodeWrite(call.body)
  checkSize(data.length)
  const target = session.handles.require(handle, id)
  // From a shared mapping the offset counts, whichever handle the kernel picked.
  const appends = target.appends && !(writeFlags & WRITE_CACHE)
  const position = appends ? 'append' : offset
  const result = await session.vfs.write(call.context, target, position, data)
  const { written, attributes } = result
  assert(Number.isInteger(written) && written >= 0 && written <= data.length, `wrote ${written}`)
  if (appends && attributes.sizeBytes !== offset + written) session.onPagesOutdated(id)
  if (writeFlags & WRITE_KILL_SUIDGID) {
    await dropPrivileges(session, call.context, { id, attributes })
  }
  return encodeWritten(call.unique, written)
}

export const fallocate: Operation = async (session, call) => {
  const id = session.nodes.require(call.node)
  const { handle, edit, ...range } = decodeFallocate(call.body)
  await session.vfs.editRange(call.context, session.handles.require(handle, id), range, edit)
  return emptyReply(call.unique, 0)
}

export const lseek: Operation = async (session, call) => {
  const id = session.nodes.require(call.node)
  const { handle, offset, what } = decodeSeek(call.body)
  const target = session.handles.require(handle, id)
  const found = await session.vfs.seek(call.context, target, offset, what)
  return encodePosition(call.unique, found)
}

/** The kernel has written back what it holds of both ranges, and drops its pages of the second. */
export const copyFileRange: Operation = async (session, call) => {
  const id = session.nodes.require(call.node)
  const { from, to, lengthBytes } = decodeCopyRange(call.body)
  const source = session.handles.require(from.handle, id)
  const target = session.handles.require(to.handle, session.nodes.require(to.node))
  const copied = await session.vfs.copyRange(
    call.context,
    { ...source, offset: from.offset },
    { ...target, offset: to.offset },
    lengthBytes,
  )
  return encodeWritten(call.unique, copied)
}

/** Its error is what close(2) returns to the program. */
export const flush: Operation = async (session, call) => {
  const id = session.nodes.require(call.node)
  await session.vfs.flush(call.context, session.handles.require(decodeHandle(call.body), id))
  return emptyReply(call.unique, 0)
}

/** For files and directories alike. */
export const fsync: Operation = async (session, call) => {
  const id = session.nodes.require(call.node)
  await session.vfs.commit(call.context, session.handles.require(decodeHandle(call.body), id))
  return emptyReply(call.unique, 0)
}

/** For files and directories alike. The kernel drops the result, so a failure goes to the log. */
export const release: Operation = async (session, call) => {
  const handle = decodeHandle(call.body)
  session.handles.remove(handle)
  try {
    await session.vfs.release(handle)
  } catch (thrown) {
    session.log.write('error', 'fuse/release-failed', { handle, error: String(thrown) })
  }
  return emptyReply(call.unique, 0)
}
