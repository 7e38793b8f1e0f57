/**
 * Archived versions of which more is known than the listing tells: that a read was refused, that a
 * person asked for them, that a copy can be read.
 *
 * Owns:  table `restore`. Keeps: a row is of one version of one node, and goes with the node.
 */
import type { RestoreTier } from '../../shared/archive.ts'
import { RESTORE_TIERS } from '../../shared/archive.ts'
import type { Database, Row } from './database.ts'

/**
 * refused: the bucket refused a read, whatever the listing says. asked: a person wants it, the
 * request is not out yet. restoring: the bucket has the request. readable: there is a copy, until
 * `untilMs`. denied: the bucket refused the request.
 */
const STATES = ['refused', 'asked', 'restoring', 'readable', 'denied'] as const
export type RestoreState = (typeof STATES)[number]

export type RestoreRow = {
  readonly node: number
  readonly etag: string
  readonly state: RestoreState
  readonly days: number
  readonly tier: RestoreTier | undefined
  readonly askedMs: number
  /** When something is to be done about it, or looked at. */
  readonly nextMs: number
  readonly untilMs: number | undefined
  readonly errorCode: string | undefined
}

export type RestoreChanges = Partial<Omit<RestoreRow, 'node' | 'etag'>>

/** Times are JavaScript's; a row that nothing is to be done about is due then. */
export const NEVER_MS = 8_640_000_000_000_000

export class RestoreTable {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  of(node: number): RestoreRow | undefined {
    const row = this.#database.get('SELECT * FROM restore WHERE node = ?', node)
    return row && parse(row)
  }

  /** What has to be done next, the most urgent first. */
  next(volume: number, countMax: number): RestoreRow[] {
    return this.#database
      .all('SELECT * FROM restore WHERE volume = ? ORDER BY next_ms LIMIT ?', volume, countMax)
      .map(parse)
  }

  /** What a person asked for, the newest first. */
  asked(volume: number, countMax: number): RestoreRow[] {
    return this.#database
      .all(
        `SELECT * FROM restore WHERE volume = ? AND state <> 'refused'
         ORDER BY asked_ms DESC, node DESC LIMIT ?`,
        volume,
        countMax,
      )
      .map(parse)
  }

  count(volume: number, state: RestoreState): number {
    const row = this.#database.get(
      'SELECT count(*) AS n FROM restore WHERE volume = ? AND state = ?',
      volume,
      state,
    )
    return Number(row?.n)
  }

  /** In place of whatever was known. Inside a database change. */
  put(volume: number, row: RestoreRow): void {
    const { node, etag, state, days, tier, askedMs, nextMs, untilMs, errorCode } = row
    this.#database.run(
      `INSERT OR REPLACE INTO restore
       (node, volume, etag, state, days, tier, asked_ms, next_ms, until_ms, error_code)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[node, volume, etag, state, days, tier ?? null, askedMs, nextMs],
      untilMs ?? null,
      errorCode ?? null,
    )
  }

  /** Inside a database change. */
  remove(node: number): void {
    this.#database.run('DELETE FROM restore WHERE node = ?', node)
  }
}

function parse(row: Row): RestoreRow {
  return {
    node: Number(row.node),
    etag: String(row.etag),
    state: STATES.find((state) => state === row.state) ?? 'refused',
    days: Number(row.days),
    tier: RESTORE_TIERS.find((tier) => tier === row.tier),
    askedMs: Number(row.asked_ms),
    nextMs: Number(row.next_ms),
    untilMs: row.until_ms === null ? undefined : Number(row.until_ms),
    errorCode: row.error_code === null ? undefined : String(row.error_code),
  }
}
