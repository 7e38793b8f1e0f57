/**
 * Reads that meet another version in the bucket than the last listing told of.
 *
 * Keeps: a program that opens the file again gets the new version. One that has seen nothing of the
 *        older one goes on with the new one, where both are as long: it may know the size already.
 */
import { PailError } from '../../shared/errors.ts'
import type { NodeRow } from '../store/nodes.ts'
import { follow } from '../sync/supersede.ts'
import type { OpenFile } from './handles.ts'
import type { MountVfsParts } from './mount-parts.ts'

/**
 * Reads; a version that is gone from the bucket is looked up first.
 *
 * @throws PailError `vfs/stale` when something of the older version may have been seen
 */
export async function readUnseen(
  parts: MountVfsParts,
  { content, session }: Pick<OpenFile, 'content' | 'session'>,
  read: () => Promise<number>,
  signal: AbortSignal,
): Promise<number> {
  try {
    return await read()
  } catch (thrown) {
    const row = parts.tree.nodes.byId(content.id)
    if (PailError.from(thrown).code !== 'vfs/stale' || row?.parent == null) throw thrown
    await parts.listings.refresh(row.parent, signal)
    if (!content.canRestart(session) || !(await isFollowed(parts, row))) throw thrown
    if (!content.restart(session)) throw thrown
    return await read()
  }
}

/** Does the node that is open stand for the newest version now? */
async function isFollowed(
  { tree }: MountVfsParts,
  { id, parent, name }: NodeRow,
): Promise<boolean> {
  return tree.change((note) => {
    const now = tree.nodes.byId(id)
    if (!now || parent === null) return false
    if (now.parent !== null) return true
    return follow(tree, { id, next: tree.nodes.child(parent, name) }, note)
  })
}
