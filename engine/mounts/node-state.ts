/**
 * The state of a file or folder of a volume: gathers the facts, and leaves the rest to
 * file-state.ts and folder-state.ts.
 *
 * Never: asks the network, opens a file.
 */
import { type ErrorCode, isErrorCode } from '../../shared/errors.ts'
import type { FileState, FolderState, Pin } from '../../shared/sync-states.ts'
import { cutByExtents } from '../base/extents.ts'
import type { JournalRow } from '../store/journal.ts'
import type { NodeRow } from '../store/nodes.ts'
import { PinTable } from '../store/pin-table.ts'
import { type FileFacts, fileState, type RowFact } from '../sync/file-state.ts'
import { folderState, folderSums } from '../sync/folder-state.ts'
import { openSentence } from '../sync/open-writers.ts'
import type { Tree } from '../sync/tree.ts'
import { archivedWords } from './archived-words.ts'
import type { Stores, Volume } from './volume.ts'

/** Renames that wait and are looked at for the state of one folder; of more it may miss some. */
const MOVES_LOOKED_AT_MAX = 200

export type StateParts = {
  readonly stores: Stores
  readonly isPaused: () => boolean
}

export function stateOfFile(parts: StateParts, volume: Volume, node: NodeRow): FileState {
  return fileState(fileFacts(parts, volume, node))
}

export function stateOfFolder(parts: StateParts, volume: Volume, node: NodeRow): FolderState {
  const { stores } = parts
  const { tree } = volume
  const prefix = tree.keyOf(node)
  const sums = folderSums(stores.database, volume.id, prefix)
  return folderState({
    ...sums,
    waiting: sums.waiting + movedHere(volume, node, prefix),
    uploading: volume.uploadingBelow(prefix),
    downloading: fetchedVersions(stores, volume, prefix),
    pin: pinOf(stores, node),
    nowMs: stores.clock.nowMs(),
    listedMs: node.listedMs,
    connectivity: volume.connectivity.state,
  })
}

function fileFacts({ stores, isPaused }: StateParts, volume: Volume, node: NodeRow): FileFacts {
  const { tree } = volume
  const rows = rowsOf(volume, node)
  const content = volume.contents.peek(node.id)
  const isWritten = !node.isSealed || content?.isDirty === true
  const isHeldOpen = (content?.writers ?? 0) > 0 && rows.length > 0
  const archived = archivedWords(volume, node)
  const parent = node.parent === null ? undefined : tree.nodes.byId(node.parent)
  return {
    nowMs: stores.clock.nowMs(),
    sizeBytes: content?.overlay?.size ?? node.size,
    hereBytes: hereBytes(stores, node),
    isLocalOnly: false,
    pin: pinOf(stores, node),
    rows: rows.map(rowFact),
    upload: volume.transfers.ofNode(node.id),
    isDownloading: isFetched(stores, node),
    isConflict: stores.conflicts.ofNode(node.id) !== undefined,
    isBeingWritten: isWritten || isHeldOpen,
    openSentence: openSentenceOf(volume, node.id),
    connectivity: volume.connectivity.state,
    isPaused: isPaused(),
    meanwhile: meanwhileOf(node),
    storage: archived?.state === 'readable' ? undefined : archived?.state,
    archiveSentence: archived?.sentence,
    listedMs: parent?.listedMs ?? 0,
  }
}

/** What waits for the node, or for a folder around it that was renamed. */
function rowsOf({ tree }: Volume, node: NodeRow): JournalRow[] {
  const own = tree.journal.ofNode(node.id).filter(({ state }) => state !== 'cancelled')
  const isInPlace = node.remoteKey === null || tree.keyOf(node) === node.remoteKey
  if (own.length > 0 || isInPlace) return own
  for (let at = parentOf(tree, node); at; at = parentOf(tree, at)) {
    const move = tree.journal.opOfNode(at.id, 'move')
    if (move) return [move]
  }
  return own
}

function parentOf({ nodes }: Tree, { parent }: NodeRow): NodeRow | undefined {
  return parent === null ? undefined : nodes.byId(parent)
}

/** Renames that wait and lead here from elsewhere: their rows are known by where the objects are. */
function movedHere(volume: Volume, folder: NodeRow, prefix: string): number {
  const { tree } = volume
  const isElsewhere = folder.remoteKey !== null && folder.remoteKey !== prefix
  if (isElsewhere && rowsOf(volume, folder).some(({ op }) => op === 'move')) return 1
  return tree.journal.moves(volume.id, MOVES_LOOKED_AT_MAX).filter(({ key, node }) => {
    const row = node === null ? undefined : tree.nodes.byId(node)
    return (
      row && row.parent !== null && !key.startsWith(prefix) && tree.keyOf(row).startsWith(prefix)
    )
  }).length
}

/** What is said of a file that a program has open for writing; undefined: none has. */
export function openSentenceOf({ contents }: Volume, node: number): string | undefined {
  const content = contents.peek(node)
  if (!content || content.writers === 0) return undefined
  return openSentence(contents.writers.of(node), !content.isDirty)
}

export function rowFact(row: JournalRow): RowFact {
  return {
    state: row.state === 'failed' ? 'failed' : 'waiting',
    op: row.op,
    readyMs: row.readyMs,
    attempts: row.attempts,
    errorCode: errorCodeOf(row),
  }
}

export function errorCodeOf({ errorCode }: JournalRow): ErrorCode | undefined {
  return errorCode !== null && isErrorCode(errorCode) ? errorCode : undefined
}

function meanwhileOf({ meanwhile }: NodeRow): FileFacts['meanwhile'] {
  return meanwhile === 'changed' || meanwhile === 'deleted' ? meanwhile : undefined
}

/** Bytes that a program gets without the network: staged ones, and cached ones below them. */
function hereBytes(stores: Stores, node: NodeRow): number {
  const { staging } = stores
  if (node.staged === null || !staging.hasRecord(node.staged)) {
    return node.etag === null ? node.size : cachedBytes(stores, node)
  }
  const { sizeBytes, extents, baseBytes } = staging.readRecord(node.staged)
  const gaps = cutByExtents(extents, { start: 0, end: Math.min(baseBytes, sizeBytes) })
  const gapBytes = gaps.reduce((sum, gap) => sum + (gap.isCovered ? 0 : gap.end - gap.start), 0)
  if (gapBytes === 0) return sizeBytes
  return sizeBytes - gapBytes + Math.min(gapBytes, cachedBytes(stores, node))
}

function pinOf(stores: Stores, node: NodeRow): Pin {
  return new PinTable(stores.database).effective(stores.nodes, node)
}

/** Of the version that the bucket has, as far as the blocks on this disk tell. */
function cachedBytes({ database }: Stores, node: NodeRow): number {
  if (node.etag === null || node.remoteKey === null) return 0
  const row = database.get(
    `SELECT coalesce(sum(f.bytes), 0) AS bytes FROM cached_version v
     JOIN cached_file f ON f.version = v.id
     WHERE v.volume = ? AND v.key = ? AND v.etag = ? AND v.size = ?`,
    node.volume,
    node.remoteKey,
    node.etag,
    node.remoteSize,
  )
  return Number(row?.bytes ?? 0)
}

function isFetched({ fetcher }: Stores, node: NodeRow): boolean {
  return fetcher
    .status()
    .versions.some(
      ({ version }) =>
        version.volume === node.volume &&
        version.key === node.remoteKey &&
        version.etag === node.etag,
    )
}

function fetchedVersions({ fetcher }: Stores, volume: Volume, prefix: string): number {
  return fetcher
    .status()
    .versions.filter(
      ({ version }) => version.volume === volume.id && version.key.startsWith(prefix),
    ).length
}
