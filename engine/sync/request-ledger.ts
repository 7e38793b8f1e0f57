/**
 * What one connection asked of its endpoint, by day and class, and what it may still ask by itself.
 *
 * Owns:  tables request_count and request_budget. Runs in: engine process, one for a connection.
 * Keeps: counts survive restarts; a crash loses the last few seconds of them at most.
 */
import type { Clock } from '../base/clock.ts'
import type { Database } from '../store/database.ts'
import {
  freshBudget,
  LISTS_PER_MONTH_DEFAULT,
  type PollingMode,
  pollingMode,
  type RequestBudget,
  refilled,
  spent,
  TOKENS_MAX,
} from './request-budget.ts'

/** As they are billed: deletions cost nothing, writes and lists most. */
export type RequestClass = 'list' | 'write' | 'read' | 'delete'
export type RequestCounts = Readonly<Record<RequestClass, number>>

export type LedgerView = {
  /** Since midnight and since the first of the month, UTC, as invoices count. */
  readonly day: RequestCounts
  readonly month: RequestCounts
  readonly listsPerMonth: number
  /** LIST requests that polling may spend now; below zero it lives on credit. */
  readonly listsLeft: number
  readonly polling: PollingMode
}

const SAVE_MS = 3_000
const DAYS_KEPT = 62
const DAY_MS = 24 * 3600 * 1000
const CLASSES: readonly RequestClass[] = ['list', 'write', 'read', 'delete']

export class RequestLedger {
  readonly #database: Database
  readonly #clock: Clock
  readonly #connection: string
  #budget: RequestBudget
  #unsaved = new Map<string, number>()
  #cancelSave: (() => void) | undefined

  /** @param connection address and key id: what is billed together */
  constructor(database: Database, clock: Clock, connection: string) {
    this.#database = database
    this.#clock = clock
    this.#connection = connection
    this.#budget = this.#load()
  }

  /** One request went out. @param operation as S3 names it */
  note(operation: string): void {
    const kind = classOf(operation)
    if (kind === 'list') this.#budget = spent(this.#now(), 1)
    const slot = `${dayOf(this.#clock.nowMs())} ${kind}`
    this.#unsaved.set(slot, (this.#unsaved.get(slot) ?? 0) + 1)
    this.#cancelSave ??= this.#clock.after(SAVE_MS, () => this.save())
  }

  get mode(): PollingMode {
    return pollingMode(this.#now())
  }

  /** A person decides what a month may cost. Takes effect at once. */
  setListsPerMonth(listsPerMonth: number): void {
    const now = this.#now()
    const tokens = listsPerMonth > now.listsPerMonth ? TOKENS_MAX : now.tokens
    this.#budget = { ...now, listsPerMonth, tokens }
    this.save()
  }

  view(): LedgerView {
    const today = dayOf(this.#clock.nowMs())
    const { listsPerMonth, tokens } = this.#now()
    return {
      day: this.#counts(today),
      month: this.#counts(today.slice(0, 'yyyy-mm'.length)),
      listsPerMonth,
      listsLeft: Math.floor(tokens),
      polling: this.mode,
    }
  }

  /** Called by itself, and before the database closes. */
  save(): void {
    this.#cancelSave?.()
    this.#cancelSave = undefined
    const counted = this.#unsaved
    this.#unsaved = new Map()
    const { listsPerMonth, tokens, atMs } = this.#now()
    this.#database.writeLater(() => {
      for (const [slot, count] of counted) this.#add(slot, count)
      this.#database.run(
        `INSERT INTO request_budget (connection, lists_per_month, tokens, at_ms) VALUES (?, ?, ?, ?)
         ON CONFLICT (connection) DO UPDATE SET lists_per_month = excluded.lists_per_month,
           tokens = excluded.tokens, at_ms = excluded.at_ms`,
        this.#connection,
        listsPerMonth,
        tokens,
        atMs,
      )
    })
  }

  #now(): RequestBudget {
    this.#budget = refilled(this.#budget, this.#clock.nowMs())
    return this.#budget
  }

  #load(): RequestBudget {
    const nowMs = this.#clock.nowMs()
    this.#database.writeLater(() =>
      this.#database.run(
        'DELETE FROM request_count WHERE day < ?',
        dayOf(nowMs - DAYS_KEPT * DAY_MS),
      ),
    )
    const row = this.#database.get(
      'SELECT lists_per_month, tokens, at_ms FROM request_budget WHERE connection = ?',
      this.#connection,
    )
    if (!row) return freshBudget(LISTS_PER_MONTH_DEFAULT, nowMs)
    const listsPerMonth = Number(row.lists_per_month)
    return { listsPerMonth, tokens: Number(row.tokens), atMs: Number(row.at_ms) }
  }

  #add(slot: string, count: number): void {
    const [day = '', kind = ''] = slot.split(' ')
    this.#database.run(
      `INSERT INTO request_count (connection, day, class, count) VALUES (?, ?, ?, ?)
       ON CONFLICT (connection, day, class) DO UPDATE SET count = count + excluded.count`,
      this.#connection,
      day,
      kind,
      count,
    )
  }

  /** @param since a day, or the beginning of its name */
  #counts(since: string): RequestCounts {
    const counts = { list: 0, write: 0, read: 0, delete: 0 }
    const rows = this.#database.all(
      `SELECT class, sum(count) AS n FROM request_count
       WHERE connection = ? AND day >= ? AND day < ? GROUP BY class`,
      this.#connection,
      since,
      `${since}~`,
    )
    for (const kind of CLASSES) {
      counts[kind] = Number(rows.find((row) => row.class === kind)?.n ?? 0)
    }
    for (const [slot, count] of this.#unsaved) {
      const [day = '', kind] = slot.split(' ')
      const known = CLASSES.find((each) => each === kind)
      if (known && day.startsWith(since)) counts[known] += count
    }
    return counts
  }
}

/** One ledger for each connection, however many buckets it has mounted. */
export class RequestLedgers {
  readonly #database: Database
  readonly #clock: Clock
  readonly #ledgers = new Map<string, RequestLedger>()

  constructor(database: Database, clock: Clock) {
    this.#database = database
    this.#clock = clock
  }

  of(endpointUrl: string, accessKeyId: string): RequestLedger {
    const connection = `${endpointUrl} ${accessKeyId}`
    const known = this.#ledgers.get(connection)
    if (known) return known
    const ledger = new RequestLedger(this.#database, this.#clock, connection)
    this.#ledgers.set(connection, ledger)
    return ledger
  }

  save(): void {
    for (const ledger of this.#ledgers.values()) ledger.save()
  }
}

export function classOf(operation: string): RequestClass {
  if (operation.startsWith('List')) return 'list'
  if (operation.startsWith('Get') || operation.startsWith('Head')) return 'read'
  return operation.startsWith('Delete') || operation.startsWith('Abort') ? 'delete' : 'write'
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 'yyyy-mm-dd'.length)
}
