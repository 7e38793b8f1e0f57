/**
 * s3fs stores a symbolic link as a small object that only its metadata tells from a file. Before a
 * small file of unknown metadata is opened, it is fetched: its bytes are wanted anyway, and with
 * them comes what it is.
 *
 * Keeps: no request for what is known, for what is large, and for what waits for upload.
 */
import { PailError } from '../../shared/errors.ts'
import { isLinkSize } from '../sync/object-attributes.ts'
import type { MountVfsParts } from './mount-parts.ts'
import type { Context, NodeId } from './vfs.ts'

/** A version that another client replaced is looked at once more. */
const TRIES_MAX = 2

/**
 * @throws PailError `vfs/stale` when the file turned out to be a link, or is gone: the kernel then
 *         walks the path again. What else fails is told to all but those who empty the file: they do
 *         not need its bytes, and what it was is looked up before anything takes its place
 */
export async function learnBeforeOpen(
  parts: MountVfsParts,
  id: NodeId,
  how: { readonly context: Pick<Context, 'signal'>; readonly isEmptied: boolean },
): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await learnOnce(parts, id, how.context)
      return
    } catch (thrown) {
      const { signal } = how.context
      if (!parts.tree.nodes.byId(id)) throw isALink(id)
      const error = PailError.from(thrown)
      const { parent } = parts.tree.node(id)
      const isOutdated = error.code === 'vfs/stale' || error.code === 's3/no-key'
      if (isOutdated && tries < TRIES_MAX && parent !== null) {
        await parts.listings.refresh(parent, signal)
      } else if (!how.isEmptied || signal.aborted) throw error
      else return
    }
  }
}

async function learnOnce(
  parts: MountVfsParts,
  id: NodeId,
  context: Pick<Context, 'signal'>,
): Promise<void> {
  const { tree, contents, attributes } = parts
  const row = tree.node(id)
  const isUnknown = row.metadata === null && row.etag !== null && isLinkSize(row.remoteSize)
  if (!isUnknown || row.parent === null || tree.isBusy(row)) return
  const { signal } = context
  await contents.readSmall(row, signal)
  const now = tree.nodes.byId(id)
  // The bytes may have been in the cache already, without what they came with.
  if (now && now.metadata === null) await attributes.ensure([now], signal)
  if (!tree.nodes.byId(id)) throw isALink(id)
}

function isALink(id: NodeId): PailError {
  return new PailError('vfs/stale', `node ${id} is a link, or gone`)
}
