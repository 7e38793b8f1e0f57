/**
 * Which files and folders a person wants to keep on this computer.
 *
 * Owns:  table `pin`. Keeps: a pin belongs to its node: it follows it over a rename and goes with it.
 */
import type { Database } from './database.ts'
import type { NodeRow, Nodes } from './nodes.ts'

/** `excluded`: not kept, although a folder above is. */
export type PinMode = 'pinned' | 'excluded'
export type Pin = { readonly node: number; readonly mode: PinMode; readonly sinceMs: number }
/** What counts for one file: its own pin, or that of the nearest folder above that has one. */
export type EffectivePin = 'none' | 'pinned' | 'inherited' | 'excluded'

const MODES: readonly PinMode[] = ['pinned', 'excluded']

export class PinTable {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  modeOf(node: number): PinMode | undefined {
    return modeOf(this.#database.get('SELECT mode FROM pin WHERE node = ?', node)?.mode)
  }

  /** In the order in which they were set. */
  all(volume: number): Pin[] {
    return this.#database
      .all(
        `SELECT p.node, p.mode, p.since_ms FROM pin p JOIN node n ON n.id = p.node
         WHERE n.volume = ? AND n.parent > 0 OR n.id IN (SELECT root FROM volume WHERE id = ?)
         ORDER BY p.since_ms, p.node`,
        volume,
        volume,
      )
      .map((row) => ({
        node: Number(row.node),
        mode: modeOf(row.mode) ?? 'pinned',
        sinceMs: Number(row.since_ms),
      }))
  }

  /** Inside a database change. */
  set(node: number, mode: PinMode, nowMs: number): void {
    this.#database.run(
      `INSERT INTO pin (node, mode, since_ms) VALUES (?, ?, ?)
       ON CONFLICT (node) DO UPDATE SET mode = excluded.mode`,
      node,
      MODES.indexOf(mode) + 1,
      nowMs,
    )
  }

  /** Inside a database change. */
  remove(node: number): void {
    this.#database.run('DELETE FROM pin WHERE node = ?', node)
  }

  effective(nodes: Nodes, row: NodeRow): EffectivePin {
    const own = this.modeOf(row.id)
    if (own) return own
    for (let at = above(nodes, row); at; at = above(nodes, at)) {
      const mode = this.modeOf(at.id)
      if (mode) return mode === 'pinned' ? 'inherited' : 'excluded'
    }
    return 'none'
  }
}

function above(nodes: Nodes, row: NodeRow): NodeRow | undefined {
  return row.parent === null ? undefined : nodes.byId(row.parent)
}

function modeOf(value: unknown): PinMode | undefined {
  return value === undefined ? undefined : MODES[Number(value) - 1]
}
