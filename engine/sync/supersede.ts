/**
 * Puts another node in the place of one: a new version of a file, or a file that turned out to be a
 * link. An id stands for one version of one kind.
 */
import type { NewNode, NodeRow } from '../store/nodes.ts'
import type { Tree, TreeChange } from './tree.ts'

/**
 * A new version is another file under the old name, as when one is renamed over another: it gets
 * an id of its own. The kernel keeps size and pages by id, and whatever it still holds, or is
 * about to ask for, belongs to one version. Who has the old one open reads that one on.
 *
 * Inside of a change of the tree, whose listeners are to be told.
 */
export function supersede(tree: Tree, row: NodeRow, version: Partial<NewNode>): NodeRow {
  const { nodes, database } = tree
  const { id, ...rest } = row
  nodes.update(id, { parent: null })
  const next = nodes.insert({ ...rest, ...version })
  database.run('UPDATE xattr SET node = ? WHERE node = ?', next.id, id)
  database.run('UPDATE pin SET node = ? WHERE node = ?', next.id, id)
  if (!tree.isOpen(id)) nodes.remove(id)
  return next
}

/**
 * A file that was superseded while open becomes the version that took its place: for one that
 * nobody has read anything of yet, when both are as long.
 *
 * Inside of a change of the tree.
 * @returns false when no such version of the same object stands there
 */
export function follow(
  tree: Tree,
  { id, next }: { readonly id: number; readonly next: NodeRow | undefined },
  note: (change: TreeChange) => void,
): boolean {
  const row = tree.nodes.byId(id)
  if (!row || next?.kind !== 'file' || next.etag === null || tree.isBusy(next)) return false
  if (row.remoteKey === null || row.remoteKey !== next.remoteKey) return false
  if (row.size !== next.size || row.remoteSize !== next.remoteSize) return false
  const { etag, mtime, ctime, storageClass, metadata } = next
  const change = row.change + 1
  tree.nodes.update(id, { etag, mtime, ctime, storageClass, metadata, change })
  note({ type: 'data', id, parent: 0, name: row.name, origin: 'remote' })
  return true
}
