/** Shows in the tree what a look at one key found, as a listing of its folder would. */
import type { ObjectInfo } from '../s3/object-store.ts'
import type { Tree } from './tree.ts'
import { mergePage } from './tree-merge.ts'

/** While the directory itself moves, nothing is done: its next listing shows what is there. */
export async function showObject(
  tree: Tree,
  directoryId: number | null,
  object: ObjectInfo,
): Promise<void> {
  const prefix = tree.nodes.byId(directoryId ?? tree.rootId)?.remoteKey
  if (prefix == null || !object.key.startsWith(prefix)) return
  const page = { objects: [object], prefixes: [] }
  await mergePage(tree, directoryId ?? tree.rootId, prefix, page, tree.clock.nowMs())
}
