/**
 * Journal of changes acknowledged to programs and not yet in the bucket.
 *
 * Owns:  table `journal`. Runs in: engine process.
 * Keeps: one row per thing to do; a newer seal of the same file takes the older one's place. Rows
 *        are written in the same transaction as the change of the tree that they belong to.
 * Never: talks to the network, decides about conflicts.
 *
 * put        upload the staged content of `node` to the key of its path
 * marker     write the directory object of `node`
 * attributes rewrite the metadata of `node`'s object
 * move       copy what is under `key` (object, or prefix ending in /) to `node`'s path, verify, delete
 * delete     delete the object `key`, last seen as `etag`
 */
import type { PailError } from '../../shared/errors.ts'
import { SCRATCH_NAME } from '../base/scratch-name.ts'
import type { Database, Row, SqlValue } from './database.ts'
import { JournalAttempts } from './journal-attempts.ts'
import { MoveItems } from './move-items.ts'
import { PENDING, type Pending, pendingOf } from './pending.ts'
import type { Trust } from './trust.ts'

/** What a person saved, without what Pail itself has to tidy up. */
const NOT_SCRATCH = `AND key NOT GLOB '*${SCRATCH_NAME}*'`

export type JournalOp = 'put' | 'marker' | 'attributes' | 'move' | 'delete'
/**
 * waiting: to be done at `readyMs`. failed: waits for a person. cancelled: its file is gone, but a
 * request of it may still land; it stays until that is known.
 */
export type JournalState = 'waiting' | 'failed' | 'cancelled'

export type JournalRow = {
  readonly seq: number
  readonly volume: number
  readonly op: JournalOp
  readonly node: number | null
  readonly key: string
  readonly etag: string | null
  readonly bytes: number
  readonly state: JournalState
  /** Rises with each new seal of the same file: an upload of an older one is superseded. */
  readonly generation: number
  readonly readyMs: number
  readonly attempts: number
  readonly errorCode: string | null
  readonly errorDetail: string | null
  readonly errorMs: number | null
  /** Facts of the failed request as JSON: the server's code, its id of the request. */
  readonly errorWhere: string | null
  /** The program that saved it, by the name of its process. */
  readonly program: string | null
  /** Progress of an upload, see record.ts. */
  readonly record: Uint8Array | null
}

export type NewJournalRow = Pick<JournalRow, 'volume' | 'op' | 'node' | 'key' | 'readyMs'> &
  Partial<Pick<JournalRow, 'etag' | 'bytes' | 'state' | 'record' | 'program'>> & {
    /** Of a copy that may be left: the key that it was made from. */
    readonly source?: string | null
  }

export class Journal {
  /** Plans of directory moves. */
  readonly moveItems: MoveItems
  readonly attempts: JournalAttempts<JournalRow>
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
    this.moveItems = new MoveItems(database)
    this.attempts = new JournalAttempts((where, ...values) => this.#many(where, ...values))
  }

  bySeq(seq: number): JournalRow | undefined {
    return this.#one('WHERE seq = ?', seq)
  }

  /** What is waiting for a node, oldest first. */
  ofNode(node: number): JournalRow[] {
    return this.#many('WHERE node = ? ORDER BY seq', node)
  }

  opOfNode(node: number, op: JournalOp): JournalRow | undefined {
    // Of few rows: with `op = ?` SQLite plans the query anew each time, for its partial indexes.
    return this.ofNode(node).find((row) => row.op === op && row.state !== 'cancelled')
  }

  /** The deletion of `key` that waits, if one does. */
  deletionOf(volume: number, key: string): JournalRow | undefined {
    return this.#one("WHERE volume = ? AND key = ? AND op = 'delete'", volume, key)
  }

  /** Deletions of what was made directly below `prefix` to find out what a server can do. */
  scratchDeletions(volume: number, prefix: string): JournalRow[] {
    const first = prefix + SCRATCH_NAME
    const where = "WHERE volume = ? AND key >= ? AND key < ? AND op = 'delete' ORDER BY seq"
    return this.#many(where, volume, first, `${first}\u{10ffff}`)
  }

  /** What is to be stored under `key`, if it is not on its way there by a move. */
  writerOf(volume: number, key: string): JournalRow | undefined {
    const where =
      "WHERE volume = ? AND key = ? AND op IN ('put', 'marker') AND state <> 'cancelled'"
    return this.#one(where, volume, key)
  }

  /** A directory move that waits and reads from, or contains, `key`. */
  directoryMoves(volume: number): JournalRow[] {
    return this.#many("WHERE volume = ? AND op = 'move' AND key LIKE '%/' ORDER BY seq", volume)
  }

  moves(volume: number, countMax = -1): JournalRow[] {
    const where = "WHERE volume = ? AND op = 'move' ORDER BY seq LIMIT ?"
    return this.#many(where, volume, countMax)
  }

  /**
   * Rows of things below `prefix`, without those of the `except` keys.
   * @param which.exceptNames  what the names of objects begin with that are nobody's files
   * @param which.isAll  also rows that only write attributes or a directory's own object
   */
  changesBelow(
    volume: number,
    prefix: string,
    which: {
      readonly except: readonly string[]
      readonly exceptNames: string
      readonly isAll: boolean
    },
  ): { readonly waiting: number; readonly failed: number } {
    const row = this.#database.get(
      `SELECT count(*) AS waiting, coalesce(sum(state = 'failed'), 0) AS failed FROM journal
       WHERE volume = ? AND key > ? AND key < ? AND key NOT IN (SELECT value FROM json_each(?))
       AND (? OR op IN ('put', 'move', 'delete')) AND key NOT LIKE ?`,
      volume,
      prefix,
      `${prefix}\u{10ffff}`,
      JSON.stringify(which.except),
      Number(which.isAll),
      `%${which.exceptNames}%`,
    )
    return { waiting: Number(row?.waiting), failed: Number(row?.failed) }
  }

  firstFailed(volume: number, prefix: string): JournalRow | undefined {
    return this.#one(
      `WHERE volume = ? AND key >= ? AND key < ? AND state = 'failed' ORDER BY error_ms`,
      volume,
      prefix,
      `${prefix}\u{10ffff}`,
    )
  }

  /** Rows after `afterSeq` to be started at `nowMs`, oldest first. */
  ready(volume: number, nowMs: number, afterSeq: number, countMax: number): JournalRow[] {
    // Of few ready rows the index knows which; of many the oldest ones are soon found in order.
    const by = this.#hasManyReady(volume, nowMs) ? 'NOT INDEXED' : 'INDEXED BY journal_by_ready'
    const sql = `SELECT * FROM journal ${by} WHERE volume = ? AND state <> 'failed'
       AND ready_ms <= ? AND seq > ? ORDER BY seq LIMIT ?`
    const rows = this.#database.all(sql, volume, nowMs, afterSeq, countMax)
    return rows.map((row) => parse(row, this.#database.trust))
  }

  #hasManyReady(volume: number, nowMs: number): boolean {
    const row = this.#database.get(
      `SELECT 1 FROM journal INDEXED BY journal_by_ready WHERE volume = ? AND state <> 'failed'
       AND ready_ms <= ? LIMIT 1 OFFSET ?`,
      volume,
      nowMs,
      READY_SORTED_MAX,
    )
    return row !== undefined
  }

  /** When the next row becomes ready; undefined: nothing waits. */
  nextReadyMs(volume: number): number | undefined {
    const row = this.#database.get(
      "SELECT min(ready_ms) AS at FROM journal WHERE volume = ? AND state <> 'failed'",
      volume,
    )
    return row?.at === null || row?.at === undefined ? undefined : Number(row.at)
  }

  /** Rows below `prefix` after `afterSeq` that wait for their time, oldest first. */
  waiting(volume: number, prefix: string, afterSeq: number, countMax: number): JournalRow[] {
    const where = `WHERE volume = ? AND key >= ? AND key < ? AND state = 'waiting' AND seq > ?
      ORDER BY seq LIMIT ?`
    return this.#many(where, volume, prefix, `${prefix}\u{10ffff}`, afterSeq, countMax)
  }

  /** What waits for a person below a prefix, oldest failure first. */
  needingPerson(volume: number, prefix: string, countMax: number): JournalRow[] {
    return this.#many(
      `WHERE volume = ? AND key >= ? AND key < ? AND state = 'failed' ORDER BY error_ms LIMIT ?`,
      volume,
      prefix,
      `${prefix}\u{10ffff}`,
      countMax,
    )
  }

  /** What waits or is under way below a prefix, in the order of seals. */
  queue(volume: number, prefix: string, countMax: number): JournalRow[] {
    return this.#many(
      `WHERE volume = ? AND key >= ? AND key < ? AND state <> 'cancelled' ${NOT_SCRATCH}
       ORDER BY seq LIMIT ?`,
      volume,
      prefix,
      `${prefix}\u{10ffff}`,
      countMax,
    )
  }

  failed(volume: number, countMax: number): JournalRow[] {
    return this.#many(
      `WHERE volume = ? AND error_code <> 'mount/deletes-held' ORDER BY error_ms DESC LIMIT ?`,
      volume,
      countMax,
    )
  }

  /** What is not in the bucket yet, below `prefix`. */
  pending(volume: number, prefix: string): Pending {
    const row = this.#database.get(
      `SELECT ${PENDING} FROM journal
       WHERE volume = ? AND key >= ? AND key < ? AND state <> 'cancelled'`,
      volume,
      prefix,
      `${prefix}\u{10ffff}`,
    )
    return pendingOf(row)
  }

  /** Like `pending`, and how many of them wait for a person, for an answer about deletions alone. */
  summary(volume: number, prefix: string): Pending & { failed: number; held: number } {
    const row = this.#database.get(
      `SELECT ${PENDING}, coalesce(sum(state = 'failed'), 0) AS failed,
       coalesce(sum(state = 'failed' AND error_code = 'mount/deletes-held'), 0) AS held FROM journal
       WHERE volume = ? AND key >= ? AND key < ? AND state <> 'cancelled' ${NOT_SCRATCH}`,
      volume,
      prefix,
      `${prefix}\u{10ffff}`,
    )
    return { ...pendingOf(row), failed: Number(row?.failed), held: Number(row?.held) }
  }

  /** What of any bucket is not there yet. */
  pendingInAll(): Pending {
    const row = this.#database.get(`SELECT ${PENDING} FROM journal WHERE state <> 'cancelled'`)
    return pendingOf(row)
  }

  insert(row: NewJournalRow): number {
    return this.#database.run(
      `INSERT INTO journal (volume, op, node, key, etag, bytes, state, ready_ms, record, program,
       source) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      row.volume,
      row.op,
      row.node,
      row.key,
      row.etag ?? null,
      row.bytes ?? 0,
      row.state ?? 'waiting',
      row.readyMs,
      row.record ?? null,
      row.program ?? null,
      row.source ?? null,
    ).lastId
  }

  /** A newer seal takes the place of the one that waits: new size, new quiet time, errors forgotten. */
  renew(
    seq: number,
    changes: { key: string; bytes: number; readyMs: number; program?: string | null },
  ): void {
    this.#database.run(
      `UPDATE journal SET key = ?, bytes = ?, ready_ms = ?, generation = generation + 1,
       state = 'waiting', attempts = 0, error_code = NULL, error_detail = NULL, error_ms = NULL,
       error_where = NULL, program = coalesce(?, program) WHERE seq = ?`,
      changes.key,
      changes.bytes,
      changes.readyMs,
      changes.program ?? null,
      seq,
    )
  }

  setKey(seq: number, key: string): void {
    this.#database.run('UPDATE journal SET key = ? WHERE seq = ?', key, seq)
  }

  setEtag(seq: number, etag: string): void {
    this.#database.run('UPDATE journal SET etag = ? WHERE seq = ?', etag, seq)
  }

  setBytes(seq: number, bytes: number): void {
    this.#database.run('UPDATE journal SET bytes = ? WHERE seq = ?', bytes, seq)
  }

  setReady(seq: number, readyMs: number): void {
    this.#database.run('UPDATE journal SET ready_ms = ? WHERE seq = ?', readyMs, seq)
  }

  setRecord(seq: number, record: Uint8Array | null): void {
    this.#database.run('UPDATE journal SET record = ? WHERE seq = ?', record, seq)
  }

  cancel(seq: number): void {
    this.#database.run("UPDATE journal SET state = 'cancelled', bytes = 0 WHERE seq = ?", seq)
  }

  remove(seq: number): void {
    this.#database.run('DELETE FROM journal WHERE seq = ?', seq)
  }

  /** Remembers why it did not work and when it is tried again; `never` waits for a person. */
  noteFailure(seq: number, error: PailError, nextMs: number | 'never', nowMs: number): void {
    this.#database.run(
      `UPDATE journal SET attempts = attempts + 1, error_code = ?, error_detail = ?, error_ms = ?,
       error_where = ?, ready_ms = ?, state = CASE WHEN state = 'cancelled' THEN state ELSE ? END WHERE seq = ?`,
      error.code,
      error.detail.slice(0, DETAIL_LENGTH_MAX),
      nowMs,
      whereText(error),
      nextMs === 'never' ? nowMs : nextMs,
      nextMs === 'never' ? 'failed' : 'waiting',
      seq,
    )
  }

  /**
   * Makes everything below `prefix` ready at once; `failed` rows get another try, except deletions
   * that a person is asked about.
   */
  hurry(volume: number, prefix: string, nowMs: number, includeFailed: boolean): void {
    this.#database.run(
      `UPDATE journal SET ready_ms = min(ready_ms, ?),
       state = CASE WHEN state = 'failed' AND ? THEN 'waiting' ELSE state END
       WHERE volume = ? AND key >= ? AND key < ? AND (ready_ms > ? OR state = 'failed')
       AND error_code IS NOT 'mount/deletes-held'`,
      nowMs,
      Number(includeFailed),
      volume,
      prefix,
      `${prefix}\u{10ffff}`,
      nowMs,
    )
  }

  /** One row, or all that failed for one cause, get another try; the rest waits on. */
  retry(what: { readonly seq: number } | { readonly cause: string }, nowMs: number): void {
    const [where, value] =
      'seq' in what ? ['seq = ?', what.seq] : ["state = 'failed' AND error_code = ?", what.cause]
    this.#database.run(
      `UPDATE journal SET ready_ms = min(ready_ms, ?), state = 'waiting'
       WHERE ${where} AND state <> 'cancelled' AND error_code IS NOT 'mount/deletes-held'`,
      nowMs,
      value,
    )
  }

  /** What is remembered of uploads that are not over. */
  uploadRecords(volume: number): Uint8Array[] {
    return this.#many("WHERE volume = ? AND op = 'put' AND record IS NOT NULL", volume).flatMap(
      ({ record }) => (record ? [record] : []),
    )
  }

  /** Deletions that wait for a person's answer, below `prefix`. */
  heldDeletes(volume: number, prefix: string): { count: number; sinceMs: number } {
    const row = this.#database.get(
      `SELECT count(*) AS count, min(error_ms) AS since FROM journal WHERE ${HELD}`,
      volume,
      prefix,
      `${prefix}\u{10ffff}`,
    )
    return { count: Number(row?.count), sinceMs: Number(row?.since ?? 0) }
  }

  /** Keys of some of them, as they were removed. */
  heldKeys(volume: number, prefix: string, countMax: number): string[] {
    const place = [volume, prefix, `${prefix}\u{10ffff}`, countMax]
    return this.#many(`WHERE ${HELD} ORDER BY seq LIMIT ?`, ...place).map(({ key }) => key)
  }

  /** The person lets them go... */
  releaseDeletes(volume: number, prefix: string, nowMs: number): void {
    this.#database.run(
      `UPDATE journal SET state = 'waiting', ready_ms = ?, error_code = NULL, error_detail = NULL,
       error_ms = NULL, attempts = 0 WHERE ${HELD}`,
      nowMs,
      volume,
      prefix,
      `${prefix}\u{10ffff}`,
    )
  }

  /** ...or takes them back. */
  dropDeletes(volume: number, prefix: string): void {
    this.#database.run(`DELETE FROM journal WHERE ${HELD}`, volume, prefix, `${prefix}\u{10ffff}`)
  }

  /** Other keys: what the server refused for the keys before gets another try. */
  retryRefused(volume: number, nowMs: number): void {
    this.#database.run(
      `UPDATE journal SET state = 'waiting', ready_ms = min(ready_ms, ?)
       WHERE volume = ? AND state = 'failed' AND error_code LIKE 'auth/%'`,
      nowMs,
      volume,
    )
  }

  /** What failed because something was in an archive gets another try: a copy can be read now. */
  retryArchived(volume: number, nowMs: number): void {
    this.#database.run(
      `UPDATE journal SET state = 'waiting', ready_ms = min(ready_ms, ?)
       WHERE volume = ? AND state = 'failed' AND error_code = 's3/archived'`,
      nowMs,
      volume,
    )
  }

  #one(where: string, ...values: SqlValue[]): JournalRow | undefined {
    const row = this.#database.get(`SELECT * FROM journal ${where} LIMIT 1`, ...values)
    return row && parse(row, this.#database.trust)
  }

  #many(where: string, ...values: SqlValue[]): JournalRow[] {
    const rows = this.#database.all(`SELECT * FROM journal ${where}`, ...values)
    return rows.map((row) => parse(row, this.#database.trust))
  }
}

/** So many ready rows are sorted each time the journal is looked through. */
const READY_SORTED_MAX = 256
const HELD = `state = 'failed' AND op = 'delete' AND error_code = 'mount/deletes-held'
  AND volume = ? AND key >= ? AND key < ?`
/** Characters of a server's message kept with a row. */
const DETAIL_LENGTH_MAX = 2000
/** A server's facts are short; a `where` that is not is left out, because half of it says nothing. */
function whereText({ where }: PailError): string | null {
  const text = JSON.stringify(where)
  return text.length <= DETAIL_LENGTH_MAX ? text : null
}

export const JOURNAL_OPS: readonly JournalOp[] = ['put', 'marker', 'attributes', 'move', 'delete']
export const JOURNAL_STATES: readonly JournalState[] = ['waiting', 'failed', 'cancelled']

function parse(row: Row, trust: Trust): JournalRow {
  const op = JOURNAL_OPS.find((known) => known === row.op)
  const state = JOURNAL_STATES.find((known) => known === row.state)
  trust.assert(op && state, `journal row ${row.seq} has a known op and state`)
  const record = row.record ?? null
  const hasBytes = record === null || record instanceof Uint8Array
  trust.assert(hasBytes, `the record of journal row ${row.seq} is bytes`)
  return {
    seq: Number(row.seq),
    volume: Number(row.volume),
    op,
    node: row.node === null ? null : Number(row.node),
    key: String(row.key),
    etag: row.etag === null ? null : String(row.etag),
    bytes: Number(row.bytes),
    state,
    generation: Number(row.generation),
    readyMs: Number(row.ready_ms),
    attempts: Number(row.attempts),
    errorCode: row.error_code === null ? null : String(row.error_code),
    errorDetail: row.error_detail === null ? null : String(row.error_detail),
    errorMs: row.error_ms === null ? null : Number(row.error_ms),
    errorWhere: row.error_where === null ? null : String(row.error_where),
    program: row.program === null ? null : String(row.program),
    record,
  }
}
