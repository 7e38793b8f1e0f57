/**
 * The records of a data folder, looked at before the engine works with them and while it does.
 *
 * Keeps: what ended the trust in them is on record, so that the next start looks at all of them.
 */
import { PailError } from '../../shared/errors.ts'
import type { Log } from '../base/log.ts'
import type { Database } from '../store/database.ts'
import { factOf, setFact } from '../store/facts.ts'
import { setUnreadableAside } from '../store/journal-check.ts'
import { type RecoveryParts, recover } from './recovery.ts'

/** Set when trust ended; empty after a check that found nothing. */
const DOUBT_FACT = 'doubt'
const PROBLEMS_SHOWN_MAX = 5

/** The database as a whole after lost power or a finding, the journal each time. */
function checkRecords({ database, clock, log, isSameBoot }: RecoveryParts): void {
  const hasDoubt = (factOf(database, DOUBT_FACT) ?? '') !== ''
  if (hasDoubt || !isSameBoot) {
    const problems = problemsIn(database)
    if (problems.length > 0) {
      database.trust.end(new PailError('store/damaged', problems.join('; ')))
      return
    }
    if (hasDoubt) database.writeNow(() => setFact(database, DOUBT_FACT, ''))
  }
  setUnreadableAside(database, log, clock.nowMs())
}

/**
 * Checks the records, and mends what an unclean stop left; nothing is mended on the word of records that
 * are not believed. The engine starts in any case: what can be read is shown.
 */
export async function checkAndRecover(parts: RecoveryParts): Promise<void> {
  const { database, log } = parts
  try {
    checkRecords(parts)
    if (!database.trust.isEnded) await recover(parts)
  } catch (thrown) {
    if (!database.trust.isEnded) throw thrown
    log.write('error', 'recovery/given-up', { code: PailError.from(thrown).code })
  }
}

/** SQLite's own look at its pages and indexes. */
export function problemsIn(database: Database, countMax = PROBLEMS_SHOWN_MAX): string[] {
  const rows = database.all(`PRAGMA quick_check(${countMax})`)
  return rows.map((row) => String(row.quick_check)).filter((text) => text !== 'ok')
}

/** @param onDidEnd  told once, when the records are believed no more */
export function watchTrust(
  { database, log }: { readonly database: Database; readonly log: Log },
  onDidEnd: () => void,
): void {
  const { trust } = database
  const note = () => {
    const { finding } = trust
    log.write('error', 'records/not-believed', {
      code: finding?.code,
      detail: finding?.detail,
      stack: finding?.stack,
    })
    try {
      database.writeLater(() => setFact(database, DOUBT_FACT, 'yes'))
    } catch (thrown) {
      log.write('warn', 'records/doubt-not-noted', { because: PailError.from(thrown).message })
    }
    onDidEnd()
  }
  // Not within the change that found it: that one is undone.
  if (trust.isEnded) note()
  else trust.signal.addEventListener('abort', () => setImmediate(note), { once: true })
}
