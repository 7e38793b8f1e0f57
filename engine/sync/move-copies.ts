/**
 * Copies that a directory's move made, and that leave the bucket again before it is over: while it
 * waits for a person, programs remove what was copied, or take it elsewhere.
 *
 * Keeps: what left by a request of ours is not copied once more, which would bring it back; and what
 *        it was made from goes as well, unless it is a file's object by now.
 */
import { plannedMoves } from './move-plan.ts'
import type { Tree } from './tree.ts'
import { journalDelete } from './tree-edit.ts'

/** @param keys  that the bucket does not have any more. Inside a change of the tree. */
export function forgetCopies(tree: Tree, keys: readonly string[]): void {
  const { journal, nodes, volume } = tree
  const moves = plannedMoves(tree)
  for (const { seq, key: from, target } of moves) {
    for (const key of keys) {
      if (!key.startsWith(target)) continue
      const source = from + key.slice(target.length)
      const item = journal.moveItems.find(seq, source)
      if (!item || item.copiedEtag === null) continue
      journal.moveItems.remove(seq, source)
      const isHeld = nodes.byRemoteKey(volume, source).some(({ parent }) => parent !== null)
      if (!isHeld) journalDelete(tree, source, item.etag)
    }
  }
}
