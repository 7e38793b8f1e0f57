/**
 * Puts another node in the place of one: a new version of a file, or a file that turned out to be a
 * link. An id stands for one version of one kind.
 */
import type { NewNode, NodeRow } from '../store/nodes.ts'
import type { Tree } from './tree.ts'

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
