/**
 * Gives to the bucket what stayed on this computer and is no junk any more.
 *
 * Keeps: what lies in a folder that stays here, stays here with it.
 */
import type { NodeRow } from '../store/nodes.ts'
import type { Tree } from './tree.ts'
import { shareEntry } from './tree-edit.ts'

/** Entries given to the bucket in one transaction. */
const SHARE_BATCH_MAX = 200

/** After the list changed, or was changed while nothing of this volume was mounted. */
export async function shareUnmatched(tree: Tree): Promise<void> {
  let after = 0
  for (;;) {
    const rows = tree.nodes.localEntries(tree.volume, after, SHARE_BATCH_MAX)
    if (rows.length === 0) return
    after = rows.at(-1)?.id ?? 0
    const outgrown = rows.filter((row) => isOutgrown(tree, row))
    if (outgrown.length === 0) continue
    await tree.change(() => {
      for (const row of outgrown) shareEntry(tree, tree.node(row.id))
    })
  }
}

function isOutgrown(tree: Tree, row: NodeRow): boolean {
  if (row.parent === null || tree.isJunk(row.name)) return false
  return tree.nodes.byId(row.parent)?.isLocal === false
}
