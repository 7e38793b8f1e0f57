/**
 * Folders that send batches: what of them is in the bucket, and what may go there now.
 *
 * Keeps: nothing of a new batch reaches the bucket while an older marker is there or may be; a
 *        marker reaches it when nothing else of the folder is on its way.
 * Never: makes or removes a marker; send-batches.ts does.
 */
import { MARKER_NAMES } from '../../shared/folder-roles.ts'
import { SCRATCH_NAME } from '../base/scratch-name.ts'
import { componentOfName } from '../s3/keys.ts'
import { isScratchKey } from '../s3/probe.ts'
import type { FolderRoles, RoleRow } from '../store/folder-roles.ts'
import type { JournalRow } from '../store/journal.ts'
import type { NodeRow } from '../store/nodes.ts'
import type { FileContents } from './file-contents.ts'
import type { MarkerState, SendFacts } from './send-plan.ts'
import type { Tree } from './tree.ts'

const NAMES = Object.values(MARKER_NAMES)
/** Rows by which things enter or leave a batch; the others change nothing that a marker speaks of. */
const CHANGES: ReadonlySet<string> = new Set(['put', 'move', 'delete'])

/** @param keys everything that the row reads or writes */
export type IsHeldBack = (row: JournalRow, keys: readonly string[]) => boolean

export type FolderFacts = Omit<SendFacts, 'busyMs' | 'nowMs' | 'quietMs' | 'isClosing'>

export class SendFolders {
  readonly #tree: Tree
  readonly #contents: FileContents
  readonly #roles: FolderRoles
  #folders: readonly RoleRow[] = []

  constructor(tree: Tree, contents: FileContents, roles: FolderRoles) {
    this.#tree = tree
    this.#contents = contents
    this.#roles = roles
    this.reload()
  }

  /** After a role was set or taken away. */
  reload(): void {
    this.#folders = this.#roles
      .ofVolume(this.#tree.volume)
      .filter(({ role, node }) => role === 'send' && this.#placed(node) !== undefined)
  }

  /** As they are now: their batches go on while the list stays. */
  get folders(): readonly RoleRow[] {
    return this.#folders.flatMap(({ node }) => this.#roles.of(node) ?? [])
  }

  get isNone(): boolean {
    return this.#folders.length === 0
  }

  /** The send folder that the node is in, however deep. */
  folderOf(node: NodeRow): RoleRow | undefined {
    if (this.#folders.length === 0) return undefined
    let at: NodeRow | undefined = node
    while (at && at.parent !== null) {
      const { parent } = at
      const folder = this.#folders.find((one) => one.node === parent)
      if (folder) return folder
      at = this.#tree.nodes.byId(parent)
    }
    return undefined
  }

  isMarker(directory: number, name: string): boolean {
    return NAMES.includes(name) && this.#folders.some((folder) => folder.node === directory)
  }

  /** Part of the change by which the bucket's version of the file became known. */
  noteStored(node: NodeRow): void {
    const folder = this.folderOf(node)
    if (!folder || node.etag === null) return
    const nowMs = this.#tree.clock.nowMs()
    if (node.parent === folder.node && NAMES.includes(node.name)) {
      if (this.#roles.batchOf(folder.node).files > 0) this.#roles.finishBatch(folder.node, nowMs)
      return
    }
    const { id, etag, remoteSize } = node
    this.#roles.addFile(folder.node, { node: id, etag, sizeBytes: remoteSize, atMs: nowMs })
  }

  /** For one look through the journal: which rows must wait because of a marker. */
  holds(): IsHeldBack {
    if (this.#folders.length === 0) return () => false
    const holders = this.#folders.map((folder) => this.#holder(folder))
    return (row, keys) => CHANGES.has(row.op) && holders.some((isHeld) => isHeld(row, keys))
  }

  /** The deletion of a marker that a rename of its folder waits for. */
  isMarkerDeletion(row: JournalRow): boolean {
    if (this.#folders.length === 0 || row.op !== 'delete') return false
    return this.#folders.some((folder) => this.markerKeys(folder).includes(row.key))
  }

  /** Where markers of the folder are, or would be: two places while it is renamed. */
  markerKeys(folder: RoleRow): string[] {
    return this.#prefixes(folder).flatMap((prefix) =>
      NAMES.map((name) => prefix + componentOfName(name)),
    )
  }

  /** The entries of markers that the folder shows. */
  markers(folder: RoleRow): NodeRow[] {
    return NAMES.map((name) => this.#tree.nodes.child(folder.node, name)).filter(
      (node) => node !== undefined,
    )
  }

  facts(folder: RoleRow): FolderFacts {
    const marker = this.#markerState(folder)
    const rows = this.#waiting(folder, marker === 'none')
    return {
      marker,
      waiting: rows.waiting,
      failed: rows.failed,
      writers: this.#writers(folder),
      files: this.#roles.batchOf(folder.node).files,
      isMoving: this.#isMoving(folder),
    }
  }

  /** The change that holds the batch back: one that waits for a person. */
  failedRow(folder: RoleRow): JournalRow | undefined {
    const { journal, volume } = this.#tree
    const keys = this.#prefixes(folder)
    return keys.map((prefix) => journal.firstFailed(volume, prefix)).find((row) => row)
  }

  #placed(node: number): NodeRow | undefined {
    const row = this.#tree.nodes.byId(node)
    return row && (row.parent !== null || row.id === this.#tree.rootId) ? row : undefined
  }

  #prefixes({ node }: RoleRow): string[] {
    const row = this.#placed(node)
    if (!row) return []
    const prefix = this.#tree.keyOf(row)
    return row.remoteKey === null || row.remoteKey === prefix ? [prefix] : [prefix, row.remoteKey]
  }

  #holder(folder: RoleRow): IsHeldBack {
    const prefixes = this.#prefixes(folder)
    const markerKeys = this.markerKeys(folder)
    const isHeld = this.#markerState(folder) !== 'none'
    const isMoving = this.#isMoving(folder)
    return (row, keys) => {
      const isIts = keys.some((key) => prefixes.some((prefix) => isConcerned(row, key, prefix)))
      if (!isIts || isScratchKey(row.key)) return false
      if (!markerKeys.includes(row.key)) return isHeld
      return row.op === 'put' && row.state !== 'cancelled' && isMoving
    }
  }

  #markerState(folder: RoleRow): MarkerState {
    const states = this.markers(folder).map((node) => this.#stateOf(node))
    for (const state of ['standing', 'refused', 'made'] as const) {
      if (states.includes(state)) return state
    }
    const { journal, volume } = this.#tree
    return this.markerKeys(folder).some((key) => journal.attempts.leaving(volume, key).length > 0)
      ? 'leaving'
      : 'none'
  }

  #stateOf(marker: NodeRow): MarkerState {
    const put = this.#tree.journal.opOfNode(marker.id, 'put')
    if (put?.state === 'failed') return 'refused'
    return put || marker.remoteKey === null ? 'made' : 'standing'
  }

  #waiting(folder: RoleRow, isAll: boolean): { waiting: number; failed: number } {
    const { journal, volume } = this.#tree
    const sum = { waiting: 0, failed: 0 }
    for (const prefix of this.#prefixes(folder)) {
      const except = this.markerKeys(folder)
      const which = { except, exceptNames: SCRATCH_NAME, isAll }
      const found = journal.changesBelow(volume, prefix, which)
      sum.waiting += found.waiting
      sum.failed += found.failed
    }
    if (sum.waiting === 0 && (this.#isMoving(folder) || this.#isMovedInto(folder))) sum.waiting = 1
    return sum
  }

  /** A rename brings something here that the bucket still has elsewhere. */
  #isMovedInto(folder: RoleRow): boolean {
    const { journal, volume, nodes } = this.#tree
    return journal.moves(volume).some((move) => {
      const node = move.node === null ? undefined : nodes.byId(move.node)
      return node !== undefined && this.folderOf(node)?.node === folder.node
    })
  }

  #isMoving(folder: RoleRow): boolean {
    const { journal, volume, nodes } = this.#tree
    const prefixes = this.#prefixes(folder)
    return journal.directoryMoves(volume).some((move) => {
      const node = move.node === null ? undefined : nodes.byId(move.node)
      const target = node && node.parent !== null ? this.#tree.keyOf(node) : move.key
      return prefixes.some((prefix) => prefix.startsWith(move.key) || prefix.startsWith(target))
    })
  }

  #writers(folder: RoleRow): number {
    return this.#contents.writtenNow().filter((id) => {
      const node = this.#tree.nodes.byId(id)
      return node && this.folderOf(node)?.node === folder.node && !this.#isOwn(folder, node)
    }).length
  }

  #isOwn(folder: RoleRow, node: NodeRow): boolean {
    return node.parent === folder.node && NAMES.includes(node.name)
  }
}

/** Is the key inside the folder, or does the row move the folder or one around it? */
function isConcerned(row: JournalRow, key: string, prefix: string): boolean {
  if (key.startsWith(prefix)) return key !== prefix || row.op === 'move'
  return row.op === 'move' && key.endsWith('/') && prefix.startsWith(key)
}
