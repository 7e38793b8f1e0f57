/**
 * What a person was told once about a mounted folder, and whether they have had enough of it.
 *
 * Owns:  table `hint`. Runs in: engine process.
 */
import { HINTS, type Hint } from '../../shared/hints.ts'
import type { Database } from './database.ts'

export type HintRow = { readonly hint: Hint; readonly node: number; readonly isDismissed: boolean }

export class Hints {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  of(dir: string): HintRow[] {
    return this.#database.all('SELECT * FROM hint WHERE dir = ?', dir).flatMap((row) => {
      const hint = HINTS.find((known) => known === row.hint)
      return hint
        ? [{ hint, node: Number(row.node), isDismissed: Number(row.dismissed) === 1 }]
        : []
    })
  }

  /** @param node  the folder that it is about */
  raise(dir: string, hint: Hint, node: number): void {
    this.#database.writeNow(() =>
      this.#database.run(
        'INSERT OR IGNORE INTO hint (dir, hint, node) VALUES (?, ?, ?)',
        dir,
        hint,
        node,
      ),
    )
  }

  dismiss(dir: string, hint: Hint): void {
    this.#database.writeNow(() =>
      this.#database.run('UPDATE hint SET dismissed = 1 WHERE dir = ? AND hint = ?', dir, hint),
    )
  }
}
