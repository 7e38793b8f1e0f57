/**
 * Symbolic links: text that is kept and handed out. Pail itself never follows one.
 */
import { PailError } from '../../shared/errors.ts'
import { isLinkSize } from '../sync/object-attributes.ts'
import type { MountVfsParts } from './mount-parts.ts'
import type { NodeId } from './vfs.ts'

/**
 * Where the link points. A link that another tool stored is fetched when it is first asked for.
 *
 * @throws PailError `vfs/invalid` for what is no link, or an object that holds no target
 */
export async function readLink(
  { tree, contents }: MountVfsParts,
  id: NodeId,
  signal: AbortSignal,
): Promise<string> {
  const row = tree.node(id)
  if (row.kind !== 'symlink') throw new PailError('vfs/invalid', `node ${id} is not a link`)
  if (row.target !== null) return row.target
  if (!isLinkSize(row.remoteSize)) throw new PailError('vfs/invalid', `a link of ${row.remoteSize}`)
  const target = targetOf(await contents.readSmall(row, signal))
  const isCurrent = tree.nodes.byId(id)?.etag === row.etag
  if (isCurrent) tree.changeLater(() => tree.nodes.update(id, { target }))
  return target
}

/** Some tools end it with a NUL. */
function targetOf(body: Uint8Array): string {
  const end = body.indexOf(0)
  const text = end < 0 ? body : body.subarray(0, end)
  try {
    if (text.length > 0) return new TextDecoder('utf-8', { fatal: true }).decode(text)
  } catch {
    // Told below: there is no way to hand it out.
  }
  throw new PailError('vfs/invalid', 'the object of a link holds no target')
}
