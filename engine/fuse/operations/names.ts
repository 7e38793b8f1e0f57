/** Operations on names: look up, make, remove, rename. */
import { PailError } from '../../../shared/errors.ts'
import { ModeBits } from '../wire/constants.ts'
import { emptyReply, encodeEntry, encodeNegativeEntry, encodeText } from '../wire/replies.ts'
import {
  decodeMkdir,
  decodeMknod,
  decodeName,
  decodeRename,
  decodeRename2,
  decodeSymlink,
  type RenameRequest,
} from '../wire/requests.ts'
import { type Call, type Operation, rememberedNode, type Session } from './operation.ts'

export const lookup: Operation = async (session, call) => {
  const directory = session.nodes.require(call.node)
  try {
    const name = lookedUpName(call)
    const found = await session.vfs.lookup(call.context, directory, name)
    return encodeEntry(call.unique, rememberedNode(session, found.attributes), session.timeouts)
  } catch (thrown) {
    if (!isSurelyMissing(thrown) || session.timeouts.negativeMs === 0) throw thrown
    return encodeNegativeEntry(call.unique, session.timeouts.negativeMs)
  }
}

/** What is not text is no key: nothing of this name can be there, though it cannot be made either. */
function lookedUpName(call: Call): string {
  try {
    return decodeName(call.body)
  } catch (thrown) {
    if (!(thrown instanceof PailError) || thrown.code !== 'vfs/not-text') throw thrown
    throw new PailError('vfs/not-found', thrown.detail)
  }
}

/** Other errors with ENOENT, such as a missing bucket, are not facts about this name. */
function isSurelyMissing(thrown: unknown): boolean {
  return thrown instanceof PailError && thrown.code === 'vfs/not-found'
}

export const mkdir: Operation = async (session, call) => {
  const directory = session.nodes.require(call.node)
  const { name, mode } = decodeMkdir(call.body)
  const made = await session.vfs.mkdir(call.context, directory, name, mode & ModeBits.PERMISSIONS)
  return encodeEntry(call.unique, rememberedNode(session, made.attributes), session.timeouts)
}

export const symlink: Operation = async (session, call) => {
  const directory = session.nodes.require(call.node)
  const { name, target } = decodeSymlink(call.body)
  const made = await session.vfs.symlink(call.context, directory, name, target)
  return encodeEntry(call.unique, rememberedNode(session, made.attributes), session.timeouts)
}

export const readlink: Operation = async (session, call) => {
  const id = session.nodes.require(call.node)
  return encodeText(call.unique, await session.vfs.readlink(call.context, id))
}

/** mknod(2) of an ordinary file is a create and a close; devices, pipes and sockets cannot be kept. */
export const mknod: Operation = async (session, call) => {
  const directory = session.nodes.require(call.node)
  const { name, mode } = decodeMknod(call.body)
  const kind = mode & ModeBits.KIND
  if (kind !== 0 && kind !== ModeBits.FILE) {
    throw new PailError('vfs/not-permitted', `mknod of kind ${kind.toString(8)}`)
  }
  const made = await session.vfs.create(call.context, directory, name, {
    read: false,
    write: true,
    exclusive: true,
    mode: mode & ModeBits.PERMISSIONS,
  })
  try {
    await session.vfs.flush(call.context, { id: made.attributes.id, handle: made.handle })
  } finally {
    await session.vfs.release(made.handle)
  }
  return encodeEntry(call.unique, rememberedNode(session, made.attributes), session.timeouts)
}

export const unlink: Operation = (session, call) => remove(session, call, 'file')
export const rmdir: Operation = (session, call) => remove(session, call, 'directory')

async function remove(session: Session, call: Call, kind: 'file' | 'directory'): Promise<Buffer> {
  const directory = session.nodes.require(call.node)
  await session.vfs.remove(call.context, directory, decodeName(call.body), { kind })
  return emptyReply(call.unique, 0)
}

export const rename: Operation = (session, call) => renameAs(session, call, decodeRename(call.body))
export const rename2: Operation = (session, call) =>
  renameAs(session, call, decodeRename2(call.body))

async function renameAs(session: Session, call: Call, request: RenameRequest): Promise<Buffer> {
  const from = { directory: session.nodes.require(call.node), name: request.oldName }
  const to = { directory: session.nodes.require(request.newDirectory), name: request.newName }
  await session.vfs.rename(call.context, from, to, request.mode)
  return emptyReply(call.unique, 0)
}
