/**
 * Conflicts that a person has not decided about: which two files are two versions of one.
 *
 * Owns:  table `conflict`. Runs in: engine process.
 * Keeps: a conflict ends with either of its two files: the table's triggers see to it, whoever
 *        removes the file and for whatever reason.
 */
import type { Database, Row, SqlValue } from './database.ts'

export type ConflictRow = {
  readonly id: number
  readonly volume: number
  /** Where theirs was when the conflict was found. */
  readonly key: string
  /** Node of the copy with our bytes. */
  readonly ours: number
  /** Node of the bucket's version; null until it is in the tree. */
  readonly theirs: number | null
  readonly theirsEtag: string
  readonly theirsSizeBytes: number
  /** Last-Modified of the bucket's version. */
  readonly theirsMs: number
  /** The computer that our version was saved on. */
  readonly host: string
  readonly atMs: number
}

export class Conflicts {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  byId(id: number): ConflictRow | undefined {
    return this.#many('WHERE id = ?', id)[0]
  }

  /** The conflict that a node is one side of. */
  ofNode(node: number): ConflictRow | undefined {
    return this.#many('WHERE ours = ? OR theirs = ? ORDER BY id LIMIT 1', node, node)[0]
  }

  /** Below a prefix, oldest first. */
  list(volume: number, prefix: string, countMax: number): ConflictRow[] {
    const end = `${prefix}\u{10ffff}`
    const where = 'WHERE volume = ? AND key >= ? AND key < ? ORDER BY id LIMIT ?'
    return this.#many(where, volume, prefix, end, countMax)
  }

  count(volume: number, prefix: string): number {
    const row = this.#database.get(
      'SELECT count(*) AS n FROM conflict WHERE volume = ? AND key >= ? AND key < ?',
      volume,
      prefix,
      `${prefix}\u{10ffff}`,
    )
    return Number(row?.n)
  }

  /** Inside a change of the tree. */
  insert(conflict: Omit<ConflictRow, 'id'>): number {
    return this.#database.run(
      `INSERT INTO conflict (volume, key, ours, theirs, theirs_etag, theirs_size, theirs_ms, host,
       at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      conflict.volume,
      conflict.key,
      conflict.ours,
      conflict.theirs,
      conflict.theirsEtag,
      conflict.theirsSizeBytes,
      conflict.theirsMs,
      conflict.host,
      conflict.atMs,
    ).lastId
  }

  /** Names the bucket's side wherever it is not known yet. Inside a change of the tree. */
  setTheirs(id: number, theirs: number): void {
    this.#database.run('UPDATE conflict SET theirs = ? WHERE id = ?', theirs, id)
  }

  remove(id: number): void {
    this.#database.run('DELETE FROM conflict WHERE id = ?', id)
  }

  #many(where: string, ...values: SqlValue[]): ConflictRow[] {
    return this.#database.all(`SELECT * FROM conflict ${where}`, ...values).map(parse)
  }
}

function parse(row: Row): ConflictRow {
  return {
    id: Number(row.id),
    volume: Number(row.volume),
    key: String(row.key),
    ours: Number(row.ours),
    theirs: row.theirs === null ? null : Number(row.theirs),
    theirsEtag: String(row.theirs_etag),
    theirsSizeBytes: Number(row.theirs_size),
    theirsMs: Number(row.theirs_ms),
    host: String(row.host),
    atMs: Number(row.at_ms),
  }
}
