/**
 * What the metadata of an object says, taken into the tree: from the answer to any GET or HEAD, so
 * that nothing has to be asked for its sake.
 *
 * Keeps: what is learned is of exactly the version that the tree has. What programs changed here and
 *        the bucket does not have yet stands.
 * Never: asks the network, journals anything.
 */
import { componentOfName, nameOfComponent } from '../s3/keys.ts'
import type { ObjectFacts } from '../s3/object-store.ts'
import type { NodeChanges, NodeRow } from '../store/nodes.ts'
import { isLeavingBelow } from './leaving.ts'
import {
  encodeFacts,
  type FoundAttributes,
  isLinkSize,
  isSlashlessDirectory,
  LINK_MODE,
  readAttributes,
  slashlessVersion,
} from './object-attributes.ts'
import { decodeXattrs, isSystemXattr, VIRTUAL_PREFIX } from './s3fs-xattrs.ts'
import { supersede } from './supersede.ts'
import { DIRECTORY_MODE, type Tree, type TreeChange } from './tree.ts'
import { forgetRow } from './tree-merge.ts'

type Note = (change: TreeChange) => void

/** Attributes of one object that are learned; more would be no use to any program. */
const XATTRS_LEARNED_MAX = 64

/** Takes in what the version `etag` of `key` carries, wherever the tree has it. */
export function learn(
  tree: Tree,
  version: { key: string; etag: string },
  facts: ObjectFacts,
): void {
  const rows = tree.nodes
    .byRemoteKey(tree.volume, version.key)
    .filter((row) => row.etag === version.etag && row.metadata === null && row.parent !== null)
  if (rows.length === 0) return
  tree.changeLater((note) => {
    for (const row of rows) learnRow(tree, row, facts, note)
  })
}

/** A directory that no object stands for: nothing more is to be known of it. */
export function learnNothing(tree: Tree, id: number): void {
  tree.changeLater(() => tree.nodes.update(id, { metadata: encodeFacts({ metadata: {} }) }))
}

function learnRow(tree: Tree, row: NodeRow, facts: ObjectFacts, note: Note): void {
  const metadata = encodeFacts(facts)
  if (tree.isBusy(row) || tree.isWriting(row.id)) {
    // The next version keeps what this one carries; its attributes are the program's.
    tree.nodes.update(row.id, { metadata })
    return
  }
  const found = readAttributes(facts)
  if (row.kind === 'file' && found.kind === 'symlink' && isLinkSize(row.remoteSize)) {
    becomeLink(tree, row, { ...changesBy(tree, row, found), mode: LINK_MODE, metadata }, note)
    return
  }
  if (row.kind === 'file' && isSlashlessDirectory(row.remoteSize, facts)) {
    const mode = found.mode ?? DIRECTORY_MODE
    const known = { ...changesBy(tree, row, found), mode, metadata }
    if (joinDirectory(tree, row, known, note) || becomeDirectory(tree, row, known, note)) return
  }
  const changes = changesBy(tree, row, found)
  const hasXattrs = learnXattrs(tree, row, facts.metadata.xattr)
  const isVisible = Object.keys(changes).length > 0 || hasXattrs
  const change = isVisible ? { change: row.change + 1 } : {}
  tree.nodes.update(row.id, { ...changes, ...change, metadata })
  if (!isVisible || row.parent === null) return
  const { id, parent, name } = row
  note({ type: 'attributes', id, parent, name, origin: 'remote' })
}

/** What programs will see to be another than before. */
function changesBy(tree: Tree, row: NodeRow, found: FoundAttributes): NodeChanges {
  const { mode, uid, gid, mtime, ctime, atime } = found
  const wanted = {
    ...(mode === undefined || row.kind === 'symlink' ? {} : { mode }),
    ...(uid === undefined || !tree.honoursOwners ? {} : { uid }),
    ...(gid === undefined || !tree.honoursOwners ? {} : { gid }),
    ...(mtime === undefined ? {} : { mtime }),
    ...(ctime === undefined ? {} : { ctime }),
    ...(atime === undefined ? {} : { atime }),
  }
  const known: Readonly<Record<string, unknown>> = row
  return Object.fromEntries(Object.entries(wanted).filter(([name, value]) => known[name] !== value))
}

/** s3fs's links look like small files until their metadata is seen. */
function becomeLink(tree: Tree, row: NodeRow, known: NodeChanges, note: Note): void {
  const { id, parent, name } = row
  if (parent === null) return
  const link = supersede(tree, row, { ...known, kind: 'symlink', change: row.change + 1 })
  note({ type: 'removed', id, parent, name, origin: 'remote' })
  note({ type: 'added', id: link.id, parent, name, origin: 'remote' })
}

/** The version of an object of old s3fs for a directory; undefined: its place is not that of its key. */
function slashlessOf(tree: Tree, row: NodeRow): string | undefined {
  const { etag, modifiedMs } = row
  if (etag === null || modifiedMs === null || row.remoteKey !== tree.keyOf(row)) return undefined
  return slashlessVersion(etag, modifiedMs)
}

/** An object of old s3fs that is shown beside the directory which it stands for is no file of its own. */
function joinDirectory(tree: Tree, row: NodeRow, known: NodeChanges, note: Note): boolean {
  const slashless = slashlessOf(tree, row)
  const { name } = nameOfComponent(row.component ?? componentOfName(row.name))
  if (slashless === undefined || row.parent === null || name === row.name) return false
  const directory = tree.nodes.child(row.parent, name)
  if (directory?.kind !== 'directory' || directory.remoteKey !== `${row.remoteKey}/`) return false
  // What its own object says, or a program has set, is newer.
  const isSaid = directory.hasMarker || tree.isBusy(directory)
  const change = directory.change + 1
  tree.nodes.update(directory.id, isSaid ? { slashless } : { ...known, slashless, change })
  const { id, parent } = directory
  note({ type: 'attributes', id, parent: parent ?? 0, name, origin: 'remote' })
  forgetRow(tree, row, note)
  return true
}

/**
 * Directories of old s3fs look like empty files until their type is seen. The object stays, and goes
 * with the directory; what is stored for the directory from now on has its usual form.
 *
 * @returns false where something else has the place of the directory, or is about to leave it
 */
function becomeDirectory(tree: Tree, row: NodeRow, known: NodeChanges, note: Note): boolean {
  const { id, parent, name, remoteKey } = row
  const slashless = slashlessOf(tree, row)
  if (slashless === undefined || parent === null) return false
  if (nameOfComponent(row.component ?? componentOfName(name)).name !== name) return false
  const prefix = `${remoteKey}/`
  if (isLeavingBelow(tree, prefix)) return false
  const place = { remoteKey: prefix, etag: null, modifiedMs: null, storageClass: null, listedMs: 0 }
  const version = { ...known, ...place, slashless, change: row.change + 1 }
  const directory = supersede(tree, row, { ...version, kind: 'directory' })
  note({ type: 'removed', id, parent, name, origin: 'remote' })
  note({ type: 'added', id: directory.id, parent, name, origin: 'remote' })
  return true
}

/** @returns whether there are any */
function learnXattrs(tree: Tree, row: NodeRow, text: string | undefined): boolean {
  const found = (text === undefined ? undefined : decodeXattrs(text)) ?? []
  const allowed = found
    .filter(({ name }) => !isSystemXattr(name) && !name.startsWith(VIRTUAL_PREFIX))
    .slice(0, XATTRS_LEARNED_MAX)
  if (text !== undefined && tree.syncsXattrs) tree.xattrs.clear(row.id)
  for (const { name, value } of allowed) tree.xattrs.set(row.id, name, value)
  return allowed.length > 0
}
