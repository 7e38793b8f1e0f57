/**
 * The SQLite database of one data folder.
 *
 * Owns:  <data>/pail.db and its WAL. Runs in: engine process, one connection, exclusive.
 * Keeps: what `write` resolved survives kill -9; what `sync` resolved survives power loss.
 *        Everything that arrives in one turn of the event loop shares one commit.
 * Never: is opened by a second process (locking_mode EXCLUSIVE, beside the folder's own lock).
 *
 * WAL with synchronous=NORMAL: a commit reaches the page cache, which a killed process does not
 * take along (sqlite.org/pragma.html#pragma_synchronous). `sync` then calls fdatasync on the WAL
 * through a descriptor of its own, on the thread pool, so that the loop never waits for the disk.
 */
import * as fs from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { DatabaseSync } from '@photostructure/sqlite'
import { PailError } from '../../shared/errors.ts'
import { type Clock, SystemClock } from '../base/clock.ts'
import { MIGRATIONS, SCHEMA_VERSION } from './schema.ts'
import { Trust } from './trust.ts'

export type SqlValue = string | number | bigint | null | Uint8Array
export type Row = Readonly<Record<string, SqlValue>>

type Connection = InstanceType<typeof DatabaseSync>
type Statement = ReturnType<Connection['prepare']>
type Waiter = { resolve: () => void; reject: (reason: unknown) => void }

const fdatasync = promisify(fs.fdatasync)

/** Pages in the WAL before a commit also checkpoints: 4,000 x 4 KiB = 16 MB. */
const WAL_PAGES_MAX = 4000

/** How long a change that nobody waits for stays uncommitted. */
const LATE_COMMIT_MS = 20

export class Database {
  /** Whether what is read here can be believed. */
  readonly trust: Trust = new Trust()
  readonly #connection: Connection
  readonly #path: string
  readonly #statements = new Map<string, Statement>()
  #walDescriptor: number | undefined
  #isGroupOpen = false
  #isCommitSoon = false
  readonly #clock: Clock
  #cancelLateCommit: () => void = () => {}
  #groupWaiters: Waiter[] = []
  /** Called when changes were undone: whoever keeps rows in memory forgets them. */
  onDidUndo: () => void = () => {}
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  private constructor(connection: Connection, path: string, clock: Clock) {
    this.#connection = connection
    this.#clock = clock
    this.#path = path
  }

  /**
   * Opens or makes the database and brings its schema up to date.
   * @throws PailError `store/too-new` for a folder of a newer Pail, `store/damaged` for damage
   */
  static open(path: string, clock: Clock = new SystemClock()): Database {
    const connection = new DatabaseSync(path)
    try {
      connection.exec('PRAGMA locking_mode = EXCLUSIVE')
      connection.exec('PRAGMA journal_mode = WAL')
      connection.exec('PRAGMA synchronous = NORMAL')
      connection.exec(`PRAGMA wal_autocheckpoint = ${WAL_PAGES_MAX}`)
      connection.exec('PRAGMA foreign_keys = ON')
      connection.exec('PRAGMA cache_size = -16384')
      connection.exec('PRAGMA temp_store = MEMORY')
      const database = new Database(connection, path, clock)
      database.#migrate()
      database.#openWal()
      return database
    } catch (thrown) {
      connection.close()
      throw databaseError(thrown, path)
    }
  }

  /** All rows of a query. Reads see everything written before, committed or not. */
  all(sql: string, ...values: SqlValue[]): Row[] {
    return this.#believed(() => this.#prepared(sql).all(...values) as Row[])
  }

  /** The first row, or undefined. */
  get(sql: string, ...values: SqlValue[]): Row | undefined {
    return this.#believed(() => this.#prepared(sql).get(...values) as Row | undefined)
  }

  /**
   * Runs one changing statement. Only inside the function given to `write` or `writeNow`.
   * @returns the rowid of an insert and the number of rows changed
   */
  run(sql: string, ...values: SqlValue[]): { lastId: number; changes: number } {
    const result = this.#believed(() => this.#prepared(sql).run(...values))
    return { lastId: Number(result.lastInsertRowid), changes: Number(result.changes) }
  }

  /**
   * Runs `change` in the group's transaction; resolves when the group is committed (kill-safe).
   * A throw undoes this change alone. `change` must not await.
   */
  async write<T>(change: () => T): Promise<T> {
    const value = this.#applyInGroup(change)
    this.#commitSoon()
    await new Promise<void>((resolve, reject) => this.#groupWaiters.push({ resolve, reject }))
    return value
  }

  /**
   * Like `write`, without a promise for the commit, which comes a little later or with the next
   * `write`: for facts that a crash may take along (use times, a file that was not closed yet).
   */
  writeLater<T>(change: () => T): T {
    return this.#applyInGroup(change)
  }

  /** Commits at once, together with whatever the group holds. */
  writeNow<T>(change: () => T): T {
    const value = this.#applyInGroup(change)
    this.#commitNow()
    return value
  }

  /** Makes everything written so far survive power loss. Concurrent callers share one fdatasync. */
  async sync(): Promise<void> {
    this.#commitNow()
    if (!this.#running) {
      this.#running = this.#syncWal().finally(() => {
        this.#running = undefined
      })
      return this.#running
    }
    // The running fdatasync may have begun before this commit: one more serves all who wait now.
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = undefined
        return this.sync()
      })
    return this.#next
  }

  close(): void {
    this.#commitGroup()
    this.#statements.clear()
    this.#connection.close()
    if (this.#walDescriptor !== undefined) fs.closeSync(this.#walDescriptor)
    this.#walDescriptor = undefined
  }

  #applyInGroup<T>(change: () => T): T {
    this.#openGroup()
    this.#prepared('SAVEPOINT one').run()
    try {
      const value = change()
      this.#prepared('RELEASE one').run()
      return value
    } catch (thrown) {
      this.#undoOne()
      throw databaseError(thrown, this.#path)
    }
  }

  /** A full disk can end the whole transaction by itself; then there is no savepoint left. */
  #undoOne(): void {
    try {
      this.#connection.exec('ROLLBACK TO one')
      this.#connection.exec('RELEASE one')
      this.onDidUndo()
    } catch (thrown) {
      this.#failGroup(thrown)
    }
  }

  #openGroup(): void {
    if (this.#isGroupOpen) return
    this.#prepared('BEGIN IMMEDIATE').run()
    this.#isGroupOpen = true
    this.#cancelLateCommit = this.#clock.after(LATE_COMMIT_MS, () => this.#commitGroup())
  }

  #commitSoon(): void {
    if (this.#isCommitSoon) return
    this.#isCommitSoon = true
    setImmediate(() => this.#commitGroup())
  }

  /** For those who rely on the commit at once: a failed one is theirs, too. */
  #commitNow(): void {
    const failure = this.#commitGroup()
    if (failure) throw failure
  }

  /** @returns why the group could not be committed; its waiters are told, too */
  #commitGroup(): PailError | undefined {
    this.#isCommitSoon = false
    if (!this.#isGroupOpen) return undefined
    this.#cancelLateCommit()
    try {
      this.#prepared('COMMIT').run()
    } catch (thrown) {
      return this.#failGroup(thrown)
    }
    this.#isGroupOpen = false
    const waiters = this.#groupWaiters
    this.#groupWaiters = []
    for (const waiter of waiters) waiter.resolve()
    return undefined
  }

  #failGroup(thrown: unknown): PailError {
    if (this.#connection.isTransaction) this.#connection.exec('ROLLBACK')
    this.onDidUndo()
    this.#cancelLateCommit()
    this.#isGroupOpen = false
    const waiters = this.#groupWaiters
    this.#groupWaiters = []
    const error = databaseError(thrown, this.#path)
    for (const waiter of waiters) waiter.reject(error)
    return error
  }

  /** A damaged database is not worked with any further. */
  #believed<T>(work: () => T): T {
    try {
      return work()
    } catch (thrown) {
      if (isDamage(thrown)) throw this.trust.end(databaseError(thrown, this.#path))
      throw thrown
    }
  }

  async #syncWal(): Promise<void> {
    if (this.#walDescriptor === undefined) return
    try {
      await fdatasync(this.#walDescriptor)
    } catch (thrown) {
      throw databaseError(thrown, this.#path)
    }
  }

  #prepared(sql: string): Statement {
    let statement = this.#statements.get(sql)
    if (!statement) {
      statement = this.#connection.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  #migrate(): void {
    const row = this.#connection.prepare('PRAGMA user_version').get() as Row
    const found = Number(row.user_version)
    if (found > SCHEMA_VERSION) {
      throw new PailError('store/too-new', `schema ${found}, this Pail knows ${SCHEMA_VERSION}`)
    }
    for (let version = found; version < SCHEMA_VERSION; version++) {
      this.#connection.exec('BEGIN IMMEDIATE')
      this.#connection.exec(MIGRATIONS[version] ?? '')
      this.#connection.exec(`PRAGMA user_version = ${version + 1}`)
      this.#connection.exec('COMMIT')
    }
  }

  /** The WAL is there after the first write transaction; its name must survive power loss, too. */
  #openWal(): void {
    this.#connection.exec('BEGIN IMMEDIATE')
    this.#connection.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`)
    this.#connection.exec('COMMIT')
    this.#walDescriptor = fs.openSync(`${this.#path}-wal`, 'r+')
    const folder = fs.openSync(dirname(this.#path), 'r')
    fs.fsyncSync(folder)
    fs.closeSync(folder)
  }
}

function isDamage(thrown: unknown): boolean {
  return thrown instanceof Error && /malformed|not a database|corrupt/i.test(thrown.message)
}

function databaseError(thrown: unknown, path: string): PailError {
  if (thrown instanceof PailError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  if (/full/i.test(message)) return new PailError('store/disk-full', message, { path }, thrown)
  if (isDamage(thrown)) return new PailError('store/damaged', message, { path }, thrown)
  return new PailError('store/io', message, { path }, thrown)
}
