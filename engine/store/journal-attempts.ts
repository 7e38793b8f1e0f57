/**
 * Rows of the journal by what may lie under a key, though no file is said to have it.
 *
 * Never: changes a row.
 */
import type { SqlValue } from './database.ts'

type Find<Row> = (where: string, ...values: SqlValue[]) => Row[]

export class JournalAttempts<Row> {
  readonly #find: Find<Row>

  /** @param find  rows that meet a condition */
  constructor(find: Find<Row>) {
    this.#find = find
  }

  /** Rows with the record of an upload that may have left a version under `key`. */
  at(volume: number, key: string): Row[] {
    return this.#find(
      "WHERE volume = ? AND key = ? AND op IN ('put', 'marker', 'delete') AND record IS NOT NULL",
      volume,
      key,
    )
  }

  /** Uploads that go on, to keys that begin with `prefix`, and may have left a version there. */
  below(volume: number, prefix: string): Row[] {
    return this.#find(
      `WHERE volume = ? AND key >= ? AND key < ? AND op IN ('put', 'marker')
       AND record IS NOT NULL AND state <> 'cancelled' ORDER BY seq`,
      ...rangeOf(volume, prefix),
    )
  }

  /** Uploads to keys that begin with `prefix` that were given up and are not settled; the first few. */
  givenUpBelow(volume: number, prefix: string, countMax: number): Row[] {
    return this.#find(
      "WHERE volume = ? AND key >= ? AND key < ? AND state = 'cancelled' LIMIT ?",
      ...rangeOf(volume, prefix),
      countMax,
    )
  }

  /** Copies made of what is under `key` of which is not known whether they stand in the bucket. */
  copiesOf(volume: number, key: string): Row[] {
    return this.#find('WHERE volume = ? AND source = ?', volume, key)
  }

  copiesOfBelow(volume: number, prefix: string): Row[] {
    return this.#find('WHERE volume = ? AND source >= ? AND source < ?', ...rangeOf(volume, prefix))
  }

  /** Deletions of the key, and uploads to it that were given up, that are not settled yet. */
  leaving(volume: number, key: string): Row[] {
    return this.#find(
      "WHERE volume = ? AND key = ? AND (op = 'delete' OR state = 'cancelled')",
      volume,
      key,
    )
  }
}

const rangeOf = (volume: number, prefix: string) => [volume, prefix, `${prefix}\u{10ffff}`] as const
