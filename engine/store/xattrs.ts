/**
 * Extended attributes of files, directories and links, as rows beside their nodes.
 *
 * Owns:  table `xattr`. Runs in: engine process.
 * Keeps: attributes belong to the node: they follow it over a rename and go with it.
 * Never: decides which names are allowed; that is the front's.
 */
import type { Database } from './database.ts'

export type Xattr = { readonly name: string; readonly value: Uint8Array }

export class Xattrs {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  get(node: number, name: string): Uint8Array | undefined {
    const row = this.#database.get(
      'SELECT value FROM xattr WHERE node = ? AND name = ?',
      node,
      name,
    )
    return row?.value instanceof Uint8Array ? row.value : undefined
  }

  names(node: number): string[] {
    return this.#database
      .all('SELECT name FROM xattr WHERE node = ? ORDER BY name', node)
      .map((row) => String(row.name))
  }

  all(node: number): Xattr[] {
    return this.#database
      .all('SELECT name, value FROM xattr WHERE node = ? ORDER BY name', node)
      .flatMap(({ name, value }) =>
        value instanceof Uint8Array ? [{ name: String(name), value }] : [],
      )
  }

  /** What the attributes other than `name` take together. */
  usage(node: number, name: string): { readonly nameBytes: number; readonly valueBytes: number } {
    const row = this.#database.get(
      `SELECT coalesce(sum(length(CAST(name AS BLOB)) + 1), 0) AS names,
              coalesce(sum(length(value)), 0) AS bytes
       FROM xattr WHERE node = ? AND name <> ?`,
      node,
      name,
    )
    return { nameBytes: Number(row?.names), valueBytes: Number(row?.bytes) }
  }

  set(node: number, name: string, value: Uint8Array): void {
    this.#database.run(
      'INSERT OR REPLACE INTO xattr (node, name, value) VALUES (?, ?, ?)',
      node,
      name,
      value,
    )
  }

  /** @returns whether it was there */
  remove(node: number, name: string): boolean {
    return (
      this.#database.run('DELETE FROM xattr WHERE node = ? AND name = ?', node, name).changes > 0
    )
  }

  clear(node: number): void {
    this.#database.run('DELETE FROM xattr WHERE node = ?', node)
  }
}
