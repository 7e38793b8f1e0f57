import { describe, expect, test } from 'vitest'
import {
  isDatabaseName,
  isDatabaseStart,
  OpenWriters,
  openSentence,
} from '../../../engine/sync/open-writers.ts'

const SQLITE = Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(84)])

describe('A file that a program has open for writing', () => {
  test.each([
    ['SQLite', SQLITE, true],
    ["SQLite's log", Buffer.from('377f0682002de218', 'hex'), true],
    ['HDF5', Buffer.from('894844460d0a1a0a0000', 'hex'), true],
    ['DuckDB', Buffer.concat([Buffer.alloc(8, 7), Buffer.from('DUCK')]), true],
    ['a text about it', Buffer.from('SQLite format 3 is'), false],
    ['a PNG', Buffer.from('89504e470d0a1a0a', 'hex'), false],
    ['nothing', Buffer.alloc(0), false],
  ])('with the first bytes of %s', (_name, bytes, isDatabase) => {
    expect(isDatabaseStart(bytes)).toBe(isDatabase)
  })

  test('is taken for a database by its name where nobody writes its start', () => {
    for (const name of ['a.db', 'A.SQLITE3', 'a.db-wal', 'a.duckdb.wal', 'run.h5', 'x.nc']) {
      expect(isDatabaseName(name), name).toBe(true)
    }
    for (const name of ['a.dbx', 'db', 'notes.txt', 'a.wal']) {
      expect(isDatabaseName(name), name).toBe(false)
    }
  })

  test('is named with its program, and forgotten when it is closed', () => {
    const writers = new OpenWriters()
    writers.opened(5, 'data', () => 'sqlite3')
    writers.started(5, SQLITE)
    expect(writers.of(5)).toEqual({ program: 'sqlite3', isDatabase: true })
    writers.opened(5, 'data', () => 'python3')
    expect(writers.isDatabase(5)).toBe(true)
    writers.closed(5)
    expect(writers.of(5)).toBeUndefined()
  })

  test('says what it waits for, in words that are true of it', () => {
    const plain = { program: 'vim', isDatabase: false }
    expect(openSentence(plain, false)).toBe('vim has it open; it is sent when it is closed.')
    expect(openSentence(plain, true)).toBe(
      'vim has it open; it is sent when it is closed, or rests.',
    )
    expect(openSentence(undefined, false)).toMatch(/^A program has it open/)
    expect(openSentence({ program: 'sqlite3', isDatabase: true }, true)).toBe(
      'Open database: sent when it is closed. sqlite3 has it open.',
    )
  })
})
