/**
 * Looks through the journal before anything is done on its word.
 *
 * Keeps: a row that cannot be read is set aside for a person, alone: all others go on. Nothing that
 *        such a row may have meant is guessed where a guess could take something away.
 */
import { PailError } from '../../shared/errors.ts'
import type { Log } from '../base/log.ts'
import type { Database, Row } from './database.ts'
import { JOURNAL_OPS, JOURNAL_STATES } from './journal.ts'
import { decodeRecord } from './record.ts'

/** Rows are read in portions, so that a long journal takes little memory. */
const ROWS_AT_ONCE = 500

/** @returns how many rows were set aside */
export function setUnreadableAside(database: Database, log: Log, nowMs: number): number {
  let count = 0
  for (let after = 0; ; ) {
    const rows = database.all(
      'SELECT seq, op, state, node, record FROM journal WHERE seq > ? ORDER BY seq LIMIT ?',
      after,
      ROWS_AT_ONCE,
    )
    for (const row of rows) {
      const wrong = wrongWith(row)
      if (wrong === undefined) continue
      setAside(database, row, { wrong, nowMs })
      log.write('error', 'recovery/journal-row-set-aside', { seq: Number(row.seq), wrong })
      count++
    }
    const last = rows.at(-1)
    if (!last) return count
    after = Number(last.seq)
  }
}

function wrongWith(row: Row): string | undefined {
  if (!isOneOf(JOURNAL_OPS, row.op)) return 'no known operation'
  if (!isOneOf(JOURNAL_STATES, row.state)) return 'no known state'
  const record = row.record ?? null
  if (record === null) return undefined
  if (!(record instanceof Uint8Array)) return 'a record that is no record'
  try {
    decodeRecord(record)
    return undefined
  } catch (thrown) {
    return PailError.from(thrown).detail
  }
}

function isOneOf(known: readonly string[], value: unknown): boolean {
  return typeof value === 'string' && known.includes(value)
}

/**
 * What it was to do is kept where it is known. Otherwise it uploads what is staged, under the condition
 * that nobody else stored anything, or does nothing: the object stays as it is.
 */
function setAside(
  database: Database,
  row: Row,
  { wrong, nowMs }: { readonly wrong: string; readonly nowMs: number },
): void {
  database.writeNow(() => {
    const staged = database.get(
      'SELECT 1 AS yes FROM node WHERE id = ? AND staged IS NOT NULL',
      row.node ?? null,
    )
    const op = isOneOf(JOURNAL_OPS, row.op) ? String(row.op) : staged ? 'put' : 'attributes'
    database.run(
      `UPDATE journal SET op = ?, state = 'failed', record = NULL, error_code = 'store/corrupt',
       error_detail = ?, error_ms = ?, error_where = NULL WHERE seq = ?`,
      op,
      wrong,
      nowMs,
      Number(row.seq),
    )
  })
}
