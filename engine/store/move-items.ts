/**
 * What a directory's move copies, object by object: its plan, and how far it is.
 *
 * Owns:  table `move_item`. Runs in: engine process.
 * Keeps: items go with their row of the journal.
 */
import type { Database, Row } from './database.ts'

export type MoveItem = {
  readonly source: string
  readonly etag: string
  readonly sizeBytes: number
  readonly copiedEtag: string | null
}

export class MoveItems {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  add(seq: number, items: ReadonlyArray<Omit<MoveItem, 'copiedEtag'>>): void {
    for (const item of items) {
      this.#database.run(
        'INSERT OR REPLACE INTO move_item (seq, source, etag, size) VALUES (?, ?, ?, ?)',
        seq,
        item.source,
        item.etag,
        item.sizeBytes,
      )
    }
  }

  /** Items after `afterSource` in the order of keys, either copied or not. */
  page(seq: number, isCopied: boolean, afterSource: string, countMax: number): MoveItem[] {
    const rows = this.#database.all(
      `SELECT source, etag, size, copied_etag FROM move_item
       WHERE seq = ? AND source > ? AND (copied_etag IS NOT NULL) = ? ORDER BY source LIMIT ?`,
      seq,
      afterSource,
      Number(isCopied),
      countMax,
    )
    return rows.map(parse)
  }

  find(seq: number, source: string): MoveItem | undefined {
    const row = this.#database.get(
      'SELECT source, etag, size, copied_etag FROM move_item WHERE seq = ? AND source = ?',
      seq,
      source,
    )
    return row && parse(row)
  }

  setCopied(
    seq: number,
    source: string,
    copied: { readonly etag: string; readonly sizeBytes: number; readonly sourceEtag: string },
  ): void {
    this.#database.run(
      'UPDATE move_item SET copied_etag = ?, size = ?, etag = ? WHERE seq = ? AND source = ?',
      copied.etag,
      copied.sizeBytes,
      copied.sourceEtag,
      seq,
      source,
    )
  }

  remove(seq: number, source: string): void {
    this.#database.run('DELETE FROM move_item WHERE seq = ? AND source = ?', seq, source)
  }
}

function parse(row: Row): MoveItem {
  return {
    source: String(row.source),
    etag: String(row.etag),
    sizeBytes: Number(row.size),
    copiedEtag: row.copied_etag === null ? null : String(row.copied_etag),
  }
}
