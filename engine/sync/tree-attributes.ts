/**
 * What programs do to attributes: mode, owner, times, extended attributes. Each function is one
 * transaction of rows and journal.
 */
import { PailError } from '../../shared/errors.ts'
import type { NodeRow } from '../store/nodes.ts'
import { QUIET_MS } from './quiet-times.ts'
import type { Tree } from './tree.ts'
import { journalMarker, noteEdit } from './tree-edit.ts'

export type AttributeEdit = {
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly atime?: bigint
  readonly mtime?: bigint
}

/** Changes attributes alone. They travel with the next upload, or by a copy of the object onto itself. */
export function editAttributes(
  tree: Tree,
  id: number,
  edit: AttributeEdit,
  origin: string,
): Promise<NodeRow> {
  return tree.change((note) => {
    const row = tree.node(id)
    tree.nodes.update(id, { ...edit, ctime: tree.clock.nowNs(), change: row.change + 1 })
    const isStored = Object.keys(edit).some((name) => name !== 'atime')
    if (isStored && row.parent !== null && row.isSealed) journalAttributes(tree, row)
    if (row.parent !== null) {
      note({ type: 'attributes', id, parent: row.parent, name: row.name, origin })
    }
    return tree.node(id)
  })
}

/** Has the attributes of the row carried to the bucket, with its next upload where one waits. */
function journalAttributes(tree: Tree, row: NodeRow): void {
  if (row.isLocal) return
  if (row.kind === 'directory') {
    journalMarker(tree, row)
    return
  }
  const put = tree.journal.opOfNode(row.id, 'put')
  if (put && !tree.isRunning(put)) return
  if (!put && row.remoteKey === null) return
  const readyMs = tree.clock.nowMs() + QUIET_MS.attributes
  const key = tree.keyOf(row)
  const waiting = tree.journal.opOfNode(row.id, 'attributes')
  if (waiting) tree.journal.renew(waiting.seq, { key, bytes: 0, readyMs })
  else tree.journal.insert({ volume: tree.volume, op: 'attributes', node: row.id, key, readyMs })
  noteEdit(tree)
}

export type XattrEdit = {
  readonly name: string
  /** undefined: it goes. */
  readonly value: Uint8Array | undefined
  /** `create`: it must not be there yet; `replace`: it must. */
  readonly mode: 'set' | 'create' | 'replace'
}

/**
 * @throws PailError `vfs/exists`, `vfs/no-attribute` where `mode`, or a removal, asks for something
 *         else than there is
 */
export function editXattr(tree: Tree, id: number, edit: XattrEdit, origin: string): Promise<void> {
  return tree.change((note) => {
    const row = tree.node(id)
    applyXattr(tree, id, edit)
    tree.nodes.update(id, { ctime: tree.clock.nowNs(), change: row.change + 1 })
    if (row.parent === null) return
    if (tree.syncsXattrs && row.isSealed) journalAttributes(tree, row)
    note({ type: 'attributes', id, parent: row.parent, name: row.name, origin })
  })
}

function applyXattr({ xattrs }: Tree, id: number, { name, value, mode }: XattrEdit): void {
  if (value === undefined) {
    if (!xattrs.remove(id, name)) throw new PailError('vfs/no-attribute', name)
    return
  }
  if (mode !== 'set') {
    const isThere = xattrs.get(id, name) !== undefined
    if (mode === 'create' && isThere) throw new PailError('vfs/exists', name)
    if (mode === 'replace' && !isThere) throw new PailError('vfs/no-attribute', name)
  }
  xattrs.set(id, name, value)
}
