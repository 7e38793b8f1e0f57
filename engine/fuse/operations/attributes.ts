/** Operations on attributes, and on the file system as a whole. */
import type { AttributeChanges, Attributes, Context, NodeId, Target } from '../../vfs/vfs.ts'
import { ModeBits } from '../wire/constants.ts'
import { emptyReply, encodeAttributes, encodeStatfs } from '../wire/replies.ts'
import {
  decodeAccess,
  decodeGetattr,
  decodeSetattr,
  type SetattrRequest,
} from '../wire/requests.ts'
import { type Operation, type Session, wireNode } from './operation.ts'

export const getattr: Operation = async (session, call) => {
  const id = session.nodes.require(call.node)
  const target = session.handles.target(id, decodeGetattr(call.body))
  const attributes = await session.vfs.getattr(call.context, target)
  return encodeAttributes(call.unique, wireNode(session, attributes), session.timeouts)
}

export const setattr: Operation = async (session, call) => {
  const id = session.nodes.require(call.node)
  const request = decodeSetattr(call.body)
  const target = session.handles.target(id, request.handle)
  const changes = await changesOf(session, call.context, target, request)
  const attributes =
    Object.keys(changes).length === 0
      ? await session.vfs.getattr(call.context, target)
      : await session.vfs.setattr(call.context, target, changes)
  return encodeAttributes(call.unique, wireNode(session, attributes), session.timeouts)
}

/** With HANDLE_KILLPRIV_V2 the set-uid and set-gid bits are ours to drop when the owner changes. */
async function changesOf(
  session: Session,
  context: Context,
  target: Target,
  request: SetattrRequest,
): Promise<AttributeChanges> {
  const { handle: _handle, killsPrivileges, ...asked } = request
  const changes = { ...asked, ...(asked.mode === undefined ? {} : permissionsOf(asked.mode)) }
  const changesOwner = asked.uid !== undefined || asked.gid !== undefined
  if (asked.mode !== undefined || !(killsPrivileges || changesOwner)) return changes
  const mode = modeWithoutPrivileges(await session.vfs.getattr(context, target))
  return mode === undefined ? changes : { ...changes, mode }
}

const permissionsOf = (mode: number): { mode: number } => ({ mode: mode & ModeBits.PERMISSIONS })

/**
 * Set-uid always goes; set-gid only from a file that its group may execute (elsewhere it is not a
 * privilege), as Linux does for its own file systems.
 * @returns undefined when there is nothing to drop
 */
export function modeWithoutPrivileges(
  attributes: Pick<Attributes, 'kind' | 'mode'>,
): number | undefined {
  if (attributes.kind !== 'file') return undefined
  let mode = attributes.mode & ~ModeBits.SET_UID
  if (mode & ModeBits.GROUP_EXECUTE) mode &= ~ModeBits.SET_GID
  return mode === attributes.mode ? undefined : mode
}

/** After a write or a truncating open by somebody who may not keep set-uid bits alive. */
export async function dropPrivileges(
  session: Session,
  context: Context,
  node: { readonly id: NodeId; readonly attributes: Attributes },
): Promise<void> {
  const mode = modeWithoutPrivileges(node.attributes)
  if (mode !== undefined) await session.vfs.setattr(context, { id: node.id }, { mode })
}

export const access: Operation = async (session, call) => {
  const id = session.nodes.require(call.node)
  await session.vfs.access(call.context, id, decodeAccess(call.body))
  return emptyReply(call.unique, 0)
}

export const statfs: Operation = async (session, call) =>
  encodeStatfs(call.unique, await session.vfs.statfs())

/** The kernel says good-bye; the device reports the end itself. */
export const destroy: Operation = async (_session, call) => emptyReply(call.unique, 0)
