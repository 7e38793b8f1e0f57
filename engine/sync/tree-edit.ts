/**
 * What programs do to the tree: each function is one transaction of rows and journal.
 *
 * Keeps: what a later change makes needless never reaches the server: a file that is written,
 *        renamed and removed within its quiet time costs no request.
 */
import { assert, present } from '../base/assert.ts'
import type { JournalRow } from '../store/journal.ts'
import { blankNode, type NodeKind, type NodeRow } from '../store/nodes.ts'
import type { StagedFile } from '../store/staging.ts'
import { leaveAttempts, leaveCopies } from './left-attempts.ts'
import { plannedMoves, plannedTarget } from './move-plan.ts'
import { etagOfSlashless, folderObjectOf } from './object-attributes.ts'
import { putQuietMs, QUIET_MS } from './quiet-times.ts'
import type { Tree, TreeChange } from './tree.ts'

type Note = (change: TreeChange) => void

/** Entries of a directory looked at in one go. */
const CHILDREN_PAGE = 500

export type NewEntry = {
  readonly kind: NodeKind
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Of a symbolic link. */
  readonly target?: string
}

/**
 * Adds an entry that the bucket does not have. A directory gets its marker, a link its object; a file
 * waits for its seal.
 */
export function addEntry(
  tree: Tree,
  directory: NodeRow,
  name: string,
  entry: NewEntry,
  origin: string,
): Promise<NodeRow> {
  const isFile = entry.kind === 'file'
  const isDirectory = entry.kind === 'directory'
  const add = (note: Note) => {
    const nowNs = tree.clock.nowNs()
    const nowMs = tree.clock.nowMs()
    const node = {
      ...entry,
      volume: tree.volume,
      parent: directory.id,
      name,
      seenMs: nowMs,
      isSealed: !isFile,
      isLocal: tree.staysLocal(directory, name),
      size: Buffer.byteLength(entry.target ?? ''),
      listedMs: isDirectory ? nowMs : 0,
    }
    const row = tree.nodes.insert(blankNode(node, nowNs))
    tree.nodes.touchDirectory(directory.id, nowNs)
    if (isDirectory) journalMarker(tree, row)
    if (entry.kind === 'symlink') journalPut(tree, row, null)
    note({ type: 'added', id: row.id, parent: directory.id, name, origin })
    return row
  }
  // Until its first close a file is nothing that was promised: recovery would take it away.
  return isFile ? Promise.resolve(tree.changeLater(add)) : tree.change(add)
}

export type Seal = {
  readonly size: number
  readonly mtime: bigint
  readonly ctime: bigint
  readonly change: number
  readonly staged: StagedFile | undefined
  readonly program: string | undefined
}

/** Makes the content of a file the one to be uploaded. Resolves when that survives kill -9. */
export function sealFile(tree: Tree, id: number, seal: Seal, origin: string): Promise<void> {
  return tree.change((note) => {
    const row = tree.node(id)
    const isLocal = row.isLocal || isShadow(tree, row)
    seal.staged?.saveRecord()
    tree.nodes.update(id, {
      isLocal,
      size: seal.size,
      mtime: seal.mtime,
      ctime: seal.ctime,
      change: seal.change,
      staged: seal.staged?.id ?? null,
      isSealed: true,
    })
    if (row.staged !== null && row.staged !== seal.staged?.id) tree.staging.removeRecord(row.staged)
    if (row.parent === null) return
    journalPut(tree, { ...row, isLocal, size: seal.size }, seal.program ?? null)
    note({ type: 'data', id, parent: row.parent, name: row.name, origin })
  })
}

/**
 * Junk that somebody stored in the bucket stays there as it is; what is written to it here, stays here.
 * What already waits for its upload is uploaded.
 */
function isShadow(tree: Tree, row: NodeRow): boolean {
  return tree.isJunk(row.name) && tree.journal.opOfNode(row.id, 'put') === undefined
}

function journalPut(tree: Tree, row: NodeRow, program: string | null): void {
  if (row.isLocal) return
  const key = tree.keyOf(row)
  for (const older of tree.journal.ofNode(row.id)) {
    // A put carries attributes and place along. What runs already ends first, and tells its outcome.
    const isReplaced = older.op === 'attributes' || older.op === 'move'
    if (isReplaced && !tree.isRunning(older)) tree.journal.remove(older.seq)
  }
  const waiting = tree.journal.opOfNode(row.id, 'put')
  const isNew = row.etag === null && waiting === undefined
  const readyMs = tree.clock.nowMs() + putQuietMs({ sizeBytes: row.size, isNew })
  if (waiting) tree.journal.renew(waiting.seq, { key, bytes: row.size, readyMs, program })
  else {
    tree.journal.insert({
      volume: tree.volume,
      op: 'put',
      node: row.id,
      key,
      bytes: row.size,
      readyMs,
      program,
    })
  }
  noteEdit(tree)
}

export function journalMarker(tree: Tree, row: NodeRow): void {
  if (row.id === tree.rootId || row.isLocal) return
  const readyMs = tree.clock.nowMs() + QUIET_MS.marker
  const key = tree.keyOf(row)
  const waiting = tree.journal.opOfNode(row.id, 'marker')
  if (waiting) tree.journal.renew(waiting.seq, { key, bytes: 0, readyMs })
  else tree.journal.insert({ volume: tree.volume, op: 'marker', node: row.id, key, readyMs })
  noteEdit(tree)
}

/**
 * Removes a file or an empty directory. Open files stay readable as orphans until they are closed.
 * @param askedBelow  the directory for which a person is asked when much of it is removed at once
 */
export function removeEntry(
  tree: Tree,
  row: NodeRow,
  origin: string,
  askedBelow?: number,
): Promise<void> {
  return tree.change((note) => {
    const directory = tree.node(present(row.parent, `parent of node ${row.id}`))
    const deletion = dropEntry(tree, row, note, origin)
    if (deletion !== undefined && askedBelow !== undefined) {
      tree.deletions.note(tree, askedBelow, deletion)
    }
    tree.nodes.touchDirectory(directory.id, tree.clock.nowNs())
    keepDirectory(tree, directory)
  })
}

/** @returns the row of the object's deletion, when the bucket has it */
function dropEntry(tree: Tree, row: NodeRow, note: Note, origin: string): number | undefined {
  const record = tree.journal.opOfNode(row.id, 'put')?.record ?? null
  for (const waiting of tree.journal.ofNode(row.id)) {
    // What a request of it may still store lies where the directory's objects are.
    if (waiting.op === 'marker') tree.journal.setKey(waiting.seq, row.remoteKey ?? waiting.key)
    dropJournal(tree, waiting)
  }
  const isInBucket = row.kind === 'directory' ? row.hasMarker : row.remoteKey !== null
  const deletion = isInBucket
    ? journalDelete(tree, present(row.remoteKey, 'key of what the bucket has'), row.etag, record)
    : undefined
  if (isInBucket && row.kind === 'directory') dropCopies(tree, row.remoteKey ?? '')
  leaveMarker(tree, row)
  if (tree.isOpen(row.id)) {
    tree.nodes.update(row.id, { parent: null })
  } else {
    if (row.staged !== null) tree.staging.removeRecord(row.staged)
    tree.nodes.remove(row.id)
  }
  dropFolderObjects(tree, row)
  note({ type: 'removed', id: row.id, parent: row.parent ?? 0, name: row.name, origin })
  return deletion
}

/** A directory's own object that a move under way may have copied already. */
function dropCopies(tree: Tree, source: string): void {
  for (const { key, target } of plannedMoves(tree, source)) {
    journalDelete(tree, target + source.slice(key.length), null)
  }
}

/** An object of Hadoop or of old s3fs lies beside its directory: it would bring the directory back. */
function dropFolderObjects(tree: Tree, { hasFolderObject, slashless, remoteKey }: NodeRow): void {
  if (remoteKey === null) return
  if (hasFolderObject) journalDelete(tree, folderObjectOf(remoteKey), null)
  if (slashless === null) return
  const key = remoteKey.slice(0, -1)
  journalDelete(tree, key, etagOfSlashless(slashless))
  dropCopies(tree, key)
}

/** Content under a directory's own key is its marker as well: what takes it away takes that. */
function leaveMarker(tree: Tree, row: NodeRow): void {
  if (row.component !== '' || row.kind === 'directory' || row.parent === null) return
  tree.nodes.update(row.parent, { hasMarker: false, etag: null, remoteSize: 0 })
}

/** A request of a running row may still land: the row stays until its outcome is known. */
function dropJournal(tree: Tree, row: JournalRow): void {
  if (isUnderWay(tree, row)) tree.journal.cancel(row.seq)
  else tree.journal.remove(row.seq)
}

function isUnderWay(tree: Tree, row: JournalRow): boolean {
  return tree.isRunning(row) || row.record !== null
}

/**
 * @param record of an upload that may have left a version of ours under the key, though its answer
 *        was lost: that version goes as well
 * @returns the row of the deletion, which may have waited already
 */
export function journalDelete(
  tree: Tree,
  key: string,
  etag: string | null,
  record: Uint8Array | null = null,
): number {
  const waiting = tree.journal.deletionOf(tree.volume, key)
  if (waiting) {
    // A version of ours that came to stand there meanwhile is the one to go.
    if (etag !== null && waiting.etag !== etag) tree.journal.setEtag(waiting.seq, etag)
    return waiting.seq
  }
  const readyMs = tree.clock.nowMs() + QUIET_MS.delete
  const { volume } = tree
  const seq = tree.journal.insert({ volume, op: 'delete', node: null, key, etag, record, readyMs })
  noteEdit(tree)
  return seq
}

/** A directory that only existed through its last file stays: it gets a marker of its own. */
function keepDirectory(tree: Tree, directory: NodeRow): void {
  if (directory.hasMarker || directory.remoteKey === null) return
  if (tree.nodes.hasSharedChildren(directory.id)) return
  journalMarker(tree, directory)
}

export type RenameRequest = {
  readonly row: NodeRow
  readonly directory: NodeRow
  readonly name: string
  /** What has the name now and gives way: a file, or a directory that is known to be empty. */
  readonly replaced: NodeRow | undefined
  readonly origin: string
}

/** Instant here; what the bucket has under the old name follows by journal. */
export function renameEntry(tree: Tree, request: RenameRequest): Promise<void> {
  const { row, directory, name, replaced, origin } = request
  return tree.change((note) => {
    const oldKey = tree.keyOf(row)
    const nowNs = tree.clock.nowNs()
    // What a person keeps is the name: an editor saves by renaming a new file over the old one.
    if (replaced) {
      tree.database.run('UPDATE OR IGNORE pin SET node = ? WHERE node = ?', row.id, replaced.id)
    }
    if (replaced) dropEntry(tree, replaced, note, origin)
    leaveMarker(tree, row)
    const isSaved = row.kind === 'file' && row.remoteKey === null && replaced?.kind === 'file'
    const isLocal = isLocalAt(tree, request)
    tree.nodes.update(row.id, {
      isLocal,
      parent: directory.id,
      name,
      component: tree.componentFor(row, name),
      // What other tools wrote beside the object that is replaced stays with its key.
      metadata: isSaved ? replaced.metadata : row.metadata,
      ctime: nowNs,
      change: row.change + 1,
    })
    if (isLocal) for (const waiting of tree.journal.ofNode(row.id)) dropJournal(tree, waiting)
    const moved = tree.node(row.id)
    if (row.isLocal && !isLocal) shareEntry(tree, moved)
    journalMove(tree, moved, oldKey)
    replaceFolderObjects(tree, moved)
    note({ type: 'removed', id: row.id, parent: row.parent ?? 0, name: row.name, origin })
    note({ type: 'added', id: row.id, parent: directory.id, name, origin })
    const source = tree.node(present(row.parent, `parent of node ${row.id}`))
    for (const id of new Set([source.id, directory.id])) tree.nodes.touchDirectory(id, nowNs)
    keepDirectory(tree, source)
  })
}

/**
 * What the bucket has, or is about to get, stays its own under whatever name; and so does what takes
 * the place of something that the bucket has.
 */
function isLocalAt(tree: Tree, { row, directory, name, replaced }: RenameRequest): boolean {
  if (!tree.staysLocal(directory, name)) return false
  if (row.isLocal) return true
  const isReplacing = replaced !== undefined && replaced.remoteKey !== null
  if (row.kind === 'directory' || row.remoteKey !== null || isReplacing) return false
  return tree.journal.ofNode(row.id).every((waiting) => !isUnderWay(tree, waiting))
}

/** What stayed on this computer goes to the bucket from now on, with what lies in it. */
export function shareEntry(tree: Tree, row: NodeRow): void {
  tree.nodes.update(row.id, { isLocal: false })
  const shared = tree.node(row.id)
  if (row.kind !== 'directory') {
    if (row.isSealed) journalPut(tree, shared, null)
    return
  }
  journalMarker(tree, shared)
  let after = 0
  for (;;) {
    const children = tree.nodes.children(row.id, after, CHILDREN_PAGE)
    for (const child of children) {
      if (child.isLocal && !tree.isJunk(child.name)) shareEntry(tree, child)
    }
    const last = children.at(-1)
    if (!last) return
    after = last.id
  }
}

/** The renamed directory gets an object of its own in the form that everybody knows. */
function replaceFolderObjects(tree: Tree, row: NodeRow): void {
  if (!row.hasFolderObject && row.slashless === null) return
  dropFolderObjects(tree, row)
  tree.nodes.update(row.id, { hasFolderObject: false, slashless: null })
  if (!row.hasMarker) journalMarker(tree, row)
}

function journalMove(tree: Tree, row: NodeRow, oldKey: string): void {
  const key = tree.keyOf(row)
  retargetJournal(tree, row, oldKey, key)
  const waiting = tree.journal.opOfNode(row.id, 'move')
  if (row.kind === 'directory' && row.remoteKey !== oldKey) {
    // A move that is planned ends there, and takes what it finds along to the new path.
    if (!waiting || plannedTarget(waiting) !== oldKey) journalStrays(tree, oldKey, key)
  }
  const isHome = row.remoteKey === null || row.remoteKey === key
  if (isHome && waiting && !tree.isRunning(waiting) && !hasCopies(tree, waiting)) {
    leaveCopies(tree, waiting)
    tree.journal.remove(waiting.seq)
  }
  const isCarriedByPut = tree.journal.opOfNode(row.id, 'put') !== undefined
  if (isHome || waiting || isCarriedByPut || !row.isSealed) return
  journalHome(tree, row)
}

/**
 * What was stored at the old path of a directory while the directory's own objects still lay under
 * another one: its move does not know of it.
 */
function journalStrays(tree: Tree, oldKey: string, key: string): void {
  let after = ''
  let carried: string | undefined
  for (;;) {
    const nodes = tree.nodes.byRemotePrefix(tree.volume, oldKey, after, CHILDREN_PAGE)
    for (const node of nodes) {
      const remoteKey = node.remoteKey ?? ''
      const isBelow = node.parent !== null && tree.keyOf(node).startsWith(key)
      if (!isBelow || (carried !== undefined && remoteKey.startsWith(carried))) continue
      journalStray(tree, node.id)
      if (node.kind === 'directory') carried = remoteKey
    }
    const last = nodes.at(-1)?.remoteKey
    if (!last) return
    after = last
  }
}

/** The object goes to the node's path, unless something that waits takes it there anyway. */
export function journalStray(tree: Tree, id: number): void {
  const row = tree.nodes.byId(id)
  if (!row || row.parent === null) return
  const isCarried = tree.journal.ofNode(id).some(({ op }) => op === 'put' || op === 'move')
  if (!isCarried) journalHome(tree, row)
}

/** Moves the object to the file's path, when it lies elsewhere. */
export function journalHome(tree: Tree, row: NodeRow): void {
  if (row.remoteKey === null || row.remoteKey === tree.keyOf(row)) return
  const readyMs = tree.clock.nowMs() + QUIET_MS.move
  const { volume } = tree
  tree.journal.insert({ volume, op: 'move', node: row.id, key: row.remoteKey, readyMs })
  noteEdit(tree)
}

function hasCopies(tree: Tree, row: JournalRow): boolean {
  return tree.journal.moveItems.page(row.seq, true, '', 1).length > 0
}

/** Everything that waits to be written at or below the old path is to be written at the new one. */
function retargetJournal(tree: Tree, row: NodeRow, oldKey: string, key: string): void {
  if (row.kind !== 'directory') {
    for (const waiting of tree.journal.ofNode(row.id)) {
      // What was given up is looked for where it was sent to.
      if (waiting.state === 'cancelled') continue
      if (waiting.op === 'put') leaveAttempts(tree, waiting)
      if (waiting.op === 'put' || waiting.op === 'attributes') tree.journal.setKey(waiting.seq, key)
    }
    return
  }
  for (const waiting of tree.journal.attempts.below(tree.volume, oldKey))
    leaveAttempts(tree, waiting)
  tree.database.run(
    `UPDATE journal SET key = ? || substr(key, ?) WHERE volume = ? AND key >= ? AND key < ?
     AND op IN ('put', 'marker', 'attributes') AND state <> 'cancelled'`,
    key,
    [...oldKey].length + 1,
    tree.volume,
    oldKey,
    `${oldKey}\u{10ffff}`,
  )
}

/** The last handle of a removed file is closed: nothing of it is needed any more. */
export function forgetOrphan(tree: Tree, id: number): Promise<void> {
  return tree.change(() => {
    const row = tree.nodes.byId(id)
    if (!row || row.parent !== null) return
    assert(row.id !== tree.rootId, 'the root is never an orphan')
    if (row.staged !== null) tree.staging.removeRecord(row.staged)
    tree.nodes.remove(id)
  })
}

/** The journal has something new: programs come first for a while. */
export function noteEdit(tree: Tree): void {
  tree.lastEditMs = tree.clock.monotonicMs()
  tree.onDidJournal()
}
