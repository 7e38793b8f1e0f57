/**
 * The tree as rows: one per file, directory or link that is known, local or remote.
 *
 * Owns:  table `node`. Runs in: engine process. Answers come from SQLite's page cache, so that
 *        memory does not grow with the bucket; rows asked for by id are kept for a while, because
 *        one operation asks for the same few a dozen times. One instance for one database.
 * Keeps: ids rise and are never reused; a directory's entries in order of id are its stable order.
 * Never: decides what an operation means; that is the tree's.
 */
import { isArchiveClass } from '../../shared/archive.ts'
import type { Database, Row, SqlValue } from './database.ts'
import { KeptNodes } from './kept-nodes.ts'
import type { Trust } from './trust.ts'

export type NodeKind = 'file' | 'directory' | 'symlink'

export type NodeRow = {
  readonly id: number
  readonly volume: number
  /** null: the volume's root, or an orphan that was removed while open. */
  readonly parent: number | null
  readonly name: string
  /** The component of the key when it differs from the name. */
  readonly component: string | null
  readonly kind: NodeKind
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly atime: bigint
  readonly mtime: bigint
  readonly ctime: bigint
  readonly birthtime: bigint
  readonly change: number
  /** Where the bucket holds it now: a key, or for directories a prefix ending in `/`. */
  readonly remoteKey: string | null
  readonly etag: string | null
  readonly remoteSize: number
  readonly storageClass: string | null
  /** When a listing or an upload last saw it in the bucket, ms. */
  readonly seenMs: number
  /** Staging file with its content, when that is not (only) in the bucket. */
  readonly staged: string | null
  /** false: created, and nothing of it was closed yet. */
  readonly isSealed: boolean
  /** Directories: when the listing was complete; 0: never. */
  readonly listedMs: number
  readonly hasMarker: boolean
  /** Never in the bucket: junk of an operating system, and what lies in a folder of such. */
  readonly isLocal: boolean
  /** Directories: Hadoop's `name_$folder$` lies beside it. */
  readonly hasFolderObject: boolean
  /** Directories: version of an empty object `name` that stands for it as well (old s3fs); null: none. */
  readonly slashless: string | null
  /** Directories: entries of its last listing that cannot be shown. */
  readonly unshown: number
  /** What the version in the bucket carries beside its bytes, as JSON; null: not known. */
  readonly metadata: string | null
  /** Where a symbolic link points; null: not known. */
  readonly target: string | null
  /** What a listing saw in the bucket beside a change of ours: `changed` or `deleted`. */
  readonly meanwhile: string | null
  /** When the object was stored, as listings tell, ms; null: none has told since it is this version. */
  readonly modifiedMs: number | null
}

export type NewNode = Omit<NodeRow, 'id'>
export type NodeChanges = Partial<Omit<NodeRow, 'id' | 'volume' | 'kind'>>

/** What every new node says of itself. */
type NodeStart = Pick<NewNode, 'volume' | 'parent' | 'name' | 'kind' | 'mode' | 'uid' | 'gid'>

/** A new node that neither the bucket nor any program has said more of than `known`. */
export function blankNode(known: NodeStart & Partial<NewNode>, nowNs: bigint): NewNode {
  return {
    component: null,
    size: 0,
    atime: nowNs,
    mtime: nowNs,
    ctime: nowNs,
    birthtime: nowNs,
    change: 1,
    remoteKey: null,
    etag: null,
    remoteSize: 0,
    storageClass: null,
    seenMs: 0,
    staged: null,
    isSealed: true,
    listedMs: 0,
    hasMarker: false,
    isLocal: false,
    hasFolderObject: false,
    slashless: null,
    unshown: 0,
    metadata: null,
    target: null,
    meanwhile: null,
    modifiedMs: null,
    ...known,
  }
}

const KINDS: readonly NodeKind[] = ['file', 'directory', 'symlink']
const KIND_NUMBERS = new Map<string, number>(KINDS.map((kind, number) => [kind, number]))

const COLUMNS = {
  volume: 'volume',
  parent: 'parent',
  name: 'name',
  component: 'component',
  kind: 'kind',
  mode: 'mode',
  uid: 'uid',
  gid: 'gid',
  size: 'size',
  atime: 'atime',
  mtime: 'mtime',
  ctime: 'ctime',
  birthtime: 'birthtime',
  change: 'change',
  remoteKey: 'remote_key',
  etag: 'etag',
  remoteSize: 'remote_size',
  storageClass: 'storage_class',
  seenMs: 'seen_ms',
  staged: 'staged',
  isSealed: 'sealed',
  listedMs: 'listed_ms',
  hasMarker: 'has_marker',
  isLocal: 'local',
  hasFolderObject: 'has_folder_object',
  slashless: 'slashless',
  unshown: 'unshown',
  metadata: 'metadata',
  target: 'target',
  meanwhile: 'meanwhile',
  modifiedMs: 'modified_ms',
} as const satisfies Record<keyof NewNode, string>

const STAMPS = ['atime', 'mtime', 'ctime', 'birthtime'] as const
const NS_PER_S = 1_000_000_000n

/** Stamps pass 2^53, which the SQLite binding refuses to read as a number: seconds and rest. */
const SELECT = `SELECT id, ${Object.values(COLUMNS)
  .filter((column) => !STAMPS.some((stamp) => stamp === column))
  .join(', ')}, ${STAMPS.map(
  (stamp) => `${stamp} / 1000000000 AS ${stamp}_s, ${stamp} % 1000000000 AS ${stamp}_ns`,
).join(', ')} FROM node`
const SELECT_BY_ID = `${SELECT} WHERE id = ?`
const SELECT_BY_NAME = `${SELECT} WHERE parent = ? AND name = ?`
const PROPERTIES = Object.keys(COLUMNS) as Array<keyof typeof COLUMNS>
const INSERT = `INSERT INTO node (${Object.values(COLUMNS).join(', ')})
  VALUES (${PROPERTIES.map(() => '?').join(', ')})`

export class Nodes {
  readonly #database: Database
  readonly #kept = new KeptNodes<NodeRow>()

  constructor(database: Database) {
    this.#database = database
    database.onDidUndo = () => this.#kept.forgetAll()
  }

  byId(id: number): NodeRow | undefined {
    return this.#kept.byId(id) ?? this.#keepRow(this.#database.get(SELECT_BY_ID, id))
  }

  child(parent: number, name: string): NodeRow | undefined {
    const kept = this.#kept.child(parent, name)
    if (kept !== undefined) return kept ?? undefined
    const found = this.#keepRow(this.#database.get(SELECT_BY_NAME, parent, name))
    this.#kept.keepChild(parent, name, found)
    return found
  }

  /** Up to `countMax` entries with an id above `afterId`, in order of id. */
  children(parent: number, afterId: number, countMax: number): NodeRow[] {
    return this.#many(
      `${SELECT} WHERE parent = ? AND id > ? ORDER BY id LIMIT ?`,
      parent,
      afterId,
      countMax,
    )
  }

  /** Directories directly in `parent`, as far as they are known. */
  countDirectories(parent: number): number {
    const sql =
      'SELECT count(*) AS n FROM node INDEXED BY node_directory WHERE parent = ? AND kind = 1'
    return Number(this.#database.get(sql, parent)?.n)
  }

  /** Directories of this name anywhere in a volume, as far as they are known. */
  directoriesNamed(volume: number, name: string, countMax: number): NodeRow[] {
    return this.#many(
      `${SELECT} INDEXED BY node_directory WHERE kind = 1 AND name = ? AND volume = ? AND parent > 0
       LIMIT ?`,
      name,
      volume,
      countMax,
    )
  }

  /** Bytes of the longest path below a directory, as far as it is known; 0 when nothing is. */
  longestPathBytes(id: number): number {
    const component = 'length(CAST(coalesce(node.component, node.name) AS BLOB))'
    const sql = `WITH RECURSIVE below (id, bytes) AS (
      SELECT node.id, ${component} + (node.kind = 1) FROM node WHERE parent = ?
      UNION ALL
      SELECT node.id, below.bytes + ${component} + (node.kind = 1)
      FROM node JOIN below ON node.parent = below.id
    ) SELECT max(bytes) AS bytes FROM below`
    return Number(this.#database.get(sql, id)?.bytes ?? 0)
  }

  /** Entries below a prefix that have another name here than in the bucket. */
  countRenamed(volume: number, prefix: string): number {
    const sql = `SELECT count(*) AS n FROM node INDEXED BY node_renamed
      WHERE component IS NOT NULL AND volume = ? AND remote_key >= ? AND remote_key < ?`
    return Number(this.#database.get(sql, volume, prefix, `${prefix}\u{10ffff}`)?.n)
  }

  /** Entries below a prefix that listings had and that cannot be shown. */
  countUnshown(volume: number, prefix: string): number {
    const sql = `SELECT sum(unshown) AS n FROM node INDEXED BY node_unshown
      WHERE unshown > 0 AND volume = ? AND remote_key >= ? AND remote_key < ?`
    return Number(this.#database.get(sql, volume, prefix, `${prefix}\u{10ffff}`)?.n ?? 0)
  }

  /** Is there an entry that is not on this computer alone? */
  hasSharedChildren(parent: number): boolean {
    const sql = 'SELECT 1 FROM node WHERE parent = ? AND local = 0 LIMIT 1'
    return this.#database.get(sql, parent) !== undefined
  }

  /** What is on this computer alone, in order of id. */
  localEntries(volume: number, afterId: number, countMax: number): NodeRow[] {
    return this.#many(
      `${SELECT} WHERE local = 1 AND volume = ? AND id > ? ORDER BY id LIMIT ?`,
      volume,
      afterId,
      countMax,
    )
  }

  countLocal(): number {
    return Number(this.#database.get('SELECT count(*) AS n FROM node WHERE local = 1')?.n)
  }

  hasChildren(parent: number): boolean {
    return this.#database.get('SELECT 1 FROM node WHERE parent = ? LIMIT 1', parent) !== undefined
  }

  /** Files below a directory; undefined when a directory of it was never listed. */
  filesBelow(root: number): number | undefined {
    const row = this.#database.get(
      `WITH RECURSIVE below (id) AS (
         VALUES (?) UNION ALL SELECT node.id FROM node JOIN below ON node.parent = below.id
       )
       SELECT sum(kind <> 1) AS files, sum(kind = 1 AND listed_ms = 0) AS unlisted
       FROM node WHERE id IN below`,
      root,
    )
    return Number(row?.unlisted) > 0 ? undefined : Number(row?.files)
  }

  /** Every directory of a volume is to be listed anew before it is believed. */
  outdateListings(volume: number): void {
    this.#database.run(
      'UPDATE node SET listed_ms = 1 WHERE volume = ? AND listed_ms > 1 AND remote_key IS NOT NULL',
      volume,
    )
    this.#kept.forgetAll()
  }

  /** No row of a volume was seen or listed later than now. */
  endSightingsAt(volume: number, nowMs: number): void {
    this.#database.run(
      `UPDATE node SET seen_ms = min(seen_ms, ?), listed_ms = min(listed_ms, ?)
       WHERE volume = ? AND (seen_ms > ? OR listed_ms > ?)`,
      nowMs - 1,
      nowMs - 1,
      volume,
      nowMs,
      nowMs,
    )
    this.#kept.forgetAll()
  }

  /** Did a listing show one of its entries since then? */
  hasChildSeenSince(parent: number, sinceMs: number): boolean {
    const row = this.#database.get(
      'SELECT 1 FROM node WHERE parent = ? AND seen_ms >= ? LIMIT 1',
      parent,
      sinceMs,
    )
    return row !== undefined
  }

  byRemoteKey(volume: number, key: string): NodeRow[] {
    return this.#many(`${SELECT} WHERE volume = ? AND remote_key = ?`, volume, key)
  }

  /** Nodes whose remote key is or begins with `prefix` and is above `afterKey`, in order of key. */
  byRemotePrefix(volume: number, prefix: string, afterKey: string, countMax: number): NodeRow[] {
    return this.#many(
      `${SELECT} WHERE volume = ? AND remote_key >= ? AND remote_key > ? AND remote_key < ?
       ORDER BY remote_key LIMIT ?`,
      volume,
      prefix,
      afterKey,
      `${prefix}\u{10ffff}`,
      countMax,
    )
  }

  withStaging(): NodeRow[] {
    return this.#many(`${SELECT} INDEXED BY node_unsettled WHERE staged IS NOT NULL`)
  }

  /** Rows that no directory holds and that are no volume's root: left by a crash while open. */
  orphans(): NodeRow[] {
    return this.#many(`${SELECT} WHERE parent IS NULL AND id NOT IN (SELECT root FROM volume)`)
  }

  unsealed(): NodeRow[] {
    return this.#many(`${SELECT} INDEXED BY node_unsettled WHERE sealed = 0`)
  }

  /** Children of `parent` that a listing which began at `startedMs` did not see. */
  unseen(parent: number, startedMs: number, countMax: number, prefix: string): NodeRow[] {
    return this.#many(
      `${SELECT} WHERE parent = ? AND remote_key >= ? AND remote_key < ? AND seen_ms < ? LIMIT ?`,
      parent,
      prefix,
      `${prefix}\u{10ffff}`,
      startedMs,
      countMax,
    )
  }

  insert(node: NewNode): NodeRow {
    const values = PROPERTIES.map((name) => toValue(name, node[name]))
    const { lastId } = this.#database.run(INSERT, ...values)
    const row = { ...node, id: lastId }
    if (node.parent !== null) this.#kept.forgetName(node.parent, node.name)
    // What a program made is asked for at once; what a listing brought, most often not.
    if (node.remoteKey === null) this.#kept.keep(row)
    return row
  }

  update(id: number, changes: NodeChanges): void {
    // A new base makes old what was seen beside the one before, and when that one was stored.
    const isNewBase = changes.etag !== undefined
    const old = isNewBase ? { meanwhile: null, modifiedMs: null, ...this.#classNow(id) } : {}
    const all = { ...old, ...changes }
    const names = Object.keys(all).filter((name): name is keyof NodeChanges => name in COLUMNS)
    if (names.length === 0) return
    const sql = `UPDATE node SET ${names.map((name) => `${COLUMNS[name]} = ?`).join(', ')} WHERE id = ?`
    const values = names.map((name) => toValue(name, all[name] ?? null))
    const { changes: rows } = this.#database.run(sql, ...values, id)
    this.#database.trust.assert(rows === 1, `node ${id} is there to be updated`)
    if ('parent' in all || 'name' in all) this.#kept.forgetNames()
    this.#kept.change(id, () => all)
  }

  /** What is written anew is in no archive, where nobody could read it. */
  #classNow(id: number): NodeChanges {
    return isArchiveClass(this.byId(id)?.storageClass) ? { storageClass: null } : {}
  }

  /** Files in an archive below a prefix, in order of key. */
  archivedBelow(volume: number, prefix: string, countMax: number): NodeRow[] {
    return this.#many(
      `${SELECT} INDEXED BY node_archived WHERE volume = ? AND remote_key >= ? AND remote_key < ?
       AND storage_class IN ('GLACIER', 'DEEP_ARCHIVE', 'ACCELERATED') AND parent > 0
       ORDER BY remote_key LIMIT ?`,
      volume,
      prefix,
      `${prefix}\u{10ffff}`,
      countMax,
    )
  }

  /** A directory's attributes change with its entries: times and counter together. */
  touchDirectory(id: number, nowNs: bigint): void {
    this.#database.run(
      'UPDATE node SET mtime = ?, ctime = ?, change = change + 1 WHERE id = ?',
      nowNs,
      nowNs,
      id,
    )
    this.#kept.change(id, (row) => ({ mtime: nowNs, ctime: nowNs, change: row.change + 1 }))
  }

  remove(id: number): void {
    this.#kept.remove(id)
    this.#database.run('DELETE FROM node WHERE id = ?', id)
  }

  /** Number of entries known below a volume; for statfs. */
  count(volume: number): number {
    return Number(this.#database.get('SELECT count(*) AS n FROM node WHERE volume = ?', volume)?.n)
  }

  #keepRow(row: Row | undefined): NodeRow | undefined {
    if (!row) return undefined
    const node = parse(row, this.#database.trust)
    this.#kept.keep(node)
    return node
  }

  #many(sql: string, ...values: SqlValue[]): NodeRow[] {
    return this.#database.all(sql, ...values).map((row) => parse(row, this.#database.trust))
  }
}

function toValue(name: string, value: SqlValue | boolean): SqlValue {
  if (name === 'kind') return KIND_NUMBERS.get(String(value)) ?? null
  return typeof value === 'boolean' ? Number(value) : value
}

function parse(row: Row, trust: Trust): NodeRow {
  const kind = KINDS[Number(row.kind)]
  trust.assert(kind, `node ${row.id} has a known kind`)
  return {
    id: Number(row.id),
    volume: Number(row.volume),
    parent: row.parent === null ? null : Number(row.parent),
    name: String(row.name),
    component: text(row.component),
    kind,
    mode: Number(row.mode),
    uid: Number(row.uid),
    gid: Number(row.gid),
    size: Number(row.size),
    atime: stamp(row.atime_s, row.atime_ns),
    mtime: stamp(row.mtime_s, row.mtime_ns),
    ctime: stamp(row.ctime_s, row.ctime_ns),
    birthtime: stamp(row.birthtime_s, row.birthtime_ns),
    change: Number(row.change),
    remoteKey: text(row.remote_key),
    etag: text(row.etag),
    remoteSize: Number(row.remote_size),
    storageClass: text(row.storage_class),
    seenMs: Number(row.seen_ms),
    staged: text(row.staged),
    isSealed: row.sealed === 1,
    listedMs: Number(row.listed_ms),
    hasMarker: row.has_marker === 1,
    isLocal: row.local === 1,
    hasFolderObject: row.has_folder_object === 1,
    slashless: text(row.slashless),
    unshown: Number(row.unshown),
    metadata: text(row.metadata),
    target: text(row.target),
    meanwhile: text(row.meanwhile),
    modifiedMs: row.modified_ms === null ? null : Number(row.modified_ms),
  }
}

function text(value: SqlValue | undefined): string | null {
  return value === null || value === undefined ? null : String(value)
}

function stamp(seconds: SqlValue | undefined, rest: SqlValue | undefined): bigint {
  return BigInt(Number(seconds)) * NS_PER_S + BigInt(Number(rest))
}
