/**
 * What happened lately, for people: the last RECENT_MAX events, across restarts.
 *
 * Owns:  table `recent`. Runs in: engine process.
 * Keeps: bounded; written in the same transaction as what it tells of, so that it costs no commit.
 */
import type { Database } from './database.ts'

export const RECENT_MAX = 200
/** Rows beyond the limit before they are taken away: not one deletion for each event. */
const RECENT_SLACK = 50

export const RECENT_KINDS = [
  'uploaded',
  'deleted',
  'renamed',
  'conflict',
  'resolved',
  'kept-remote',
  'kept-local',
  'arrived',
  'changed',
  'removed',
  'fetched',
] as const
export type RecentKind = (typeof RECENT_KINDS)[number]

export type RecentRow = {
  readonly id: number
  readonly atMs: number
  readonly volume: number
  readonly kind: RecentKind
  readonly key: string
  /** The other name: of a conflict copy, or where a renamed file is now. */
  readonly name: string | null
  /** How many files, when one row tells of several of one folder. */
  readonly count: number
  readonly bytes: number
  readonly program: string | null
}

export type RecentEvent = Pick<RecentRow, 'volume' | 'kind' | 'key' | 'atMs'> &
  Partial<Pick<RecentRow, 'name' | 'count' | 'bytes' | 'program'>>

export class Recent {
  readonly #database: Database
  #sinceTrim = 0

  constructor(database: Database) {
    this.#database = database
  }

  /** Inside a change of the tree. */
  note(event: RecentEvent): void {
    this.#database.run(
      `INSERT INTO recent (at_ms, volume, kind, key, name, count, bytes, program)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      event.atMs,
      event.volume,
      event.kind,
      event.key,
      event.name ?? null,
      event.count ?? 1,
      event.bytes ?? 0,
      event.program ?? null,
    )
    if (++this.#sinceTrim < RECENT_SLACK) return
    this.#sinceTrim = 0
    this.#database.run(
      'DELETE FROM recent WHERE id <= (SELECT max(id) FROM recent) - ?',
      RECENT_MAX,
    )
  }

  /** Newest first. */
  list(countMax: number): RecentRow[] {
    return this.#database
      .all('SELECT * FROM recent ORDER BY id DESC LIMIT ?', Math.min(countMax, RECENT_MAX))
      .flatMap((row) => {
        const kind = RECENT_KINDS.find((known) => known === row.kind)
        if (!kind) return []
        return [
          {
            id: Number(row.id),
            atMs: Number(row.at_ms),
            volume: Number(row.volume),
            kind,
            key: String(row.key),
            name: row.name === null ? null : String(row.name),
            count: Number(row.count),
            bytes: Number(row.bytes),
            program: row.program === null ? null : String(row.program),
          },
        ]
      })
  }

  count(): number {
    const row = this.#database.get('SELECT count(*) AS n FROM recent')
    return Math.min(RECENT_MAX, Number(row?.n))
  }
}
