/** Goal: what waits is counted by what it is, and a person's try reaches what was meant alone. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Database } from '../../../engine/store/database.ts'
import { Journal, type JournalOp } from '../../../engine/store/journal.ts'
import { sumOfPending } from '../../../engine/store/pending.ts'
import { type ErrorCode, PailError } from '../../../shared/errors.ts'

const LATER_MS = 9_000
let folder: string
let database: Database
let journal: Journal
let volume: number

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pail-journal-'))
  database = Database.open(join(folder, 'pail.db'))
  journal = new Journal(database)
  volume = database.writeNow(
    () => database.run("INSERT INTO volume (endpoint, bucket) VALUES ('e', 'b')").lastId,
  )
})

afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true, force: true })
})

function add(op: JournalOp, key: string, bytes = 0): number {
  return database.writeNow(() =>
    journal.insert({ volume, op, node: null, key, bytes, readyMs: LATER_MS }),
  )
}

function failed(code: ErrorCode, key: string, op: JournalOp = 'put'): number {
  const seq = add(op, key)
  database.writeNow(() => journal.noteFailure(seq, new PailError(code, 'no'), 'never', 5))
  return seq
}

const stateOf = (seq: number) => journal.bySeq(seq)?.state

describe('What is pending', () => {
  test('tells new folders and changes apart from files, everywhere and below a folder', () => {
    add('put', 'runs/a', 5)
    add('put', 'b', 7)
    expect(journal.pending(volume, '')).toEqual({ files: 2, bytes: 12 })
    add('marker', 'runs/')
    for (const op of ['move', 'delete', 'attributes'] as const) add(op, `c-${op}`)
    const other = { folders: 1, changes: 3 }
    expect(journal.pending(volume, '')).toEqual({ files: 6, bytes: 12, other })
    expect(journal.pendingInAll()).toEqual({ files: 6, bytes: 12, other })
    expect(journal.summary(volume, 'runs/')).toEqual({
      files: 2,
      bytes: 5,
      failed: 0,
      held: 0,
      other: { folders: 1, changes: 0 },
    })
  })
})

describe('The sum of what is pending', () => {
  test('adds up what it is as well', () => {
    const part = { files: 3, bytes: 5, other: { folders: 1, changes: 1 } }
    expect(sumOfPending([])).toEqual({ files: 0, bytes: 0 })
    expect(sumOfPending([part, { files: 1, bytes: 1 }, part])).toEqual({
      files: 7,
      bytes: 11,
      other: { folders: 2, changes: 2 },
    })
  })
})

describe('Another try', () => {
  test('of one row leaves all others as they are', () => {
    const [one, other] = [failed('auth/denied', 'a'), failed('auth/denied', 'b')]
    database.writeNow(() => journal.retry({ seq: one }, 1))
    expect([stateOf(one), stateOf(other)]).toEqual(['waiting', 'failed'])
    expect(journal.bySeq(one)?.readyMs).toBe(1)
  })

  test('of a cause takes all that failed for it, and nothing else', () => {
    const denied = [failed('auth/denied', 'a'), failed('auth/denied', 'b')]
    const large = failed('s3/too-large', 'c')
    const waiting = add('put', 'd')
    database.writeNow(() => journal.retry({ cause: 'auth/denied' }, 1))
    expect(denied.map(stateOf)).toEqual(['waiting', 'waiting'])
    expect(stateOf(large)).toBe('failed')
    expect(journal.bySeq(waiting)?.readyMs).toBe(LATER_MS)
  })

  test('is no answer to the question about removed files', () => {
    const held = failed('mount/deletes-held', 'gone', 'delete')
    database.writeNow(() => {
      journal.retry({ seq: held }, 1)
      journal.retry({ cause: 'mount/deletes-held' }, 1)
    })
    expect(stateOf(held)).toBe('failed')
    expect(journal.summary(volume, '')).toMatchObject({ failed: 1, held: 1 })
    expect(journal.heldKeys(volume, '', 5)).toEqual(['gone'])
  })
})
