import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Database } from '../../../engine/store/database.ts'
import { SCHEMA_VERSION } from '../../../engine/store/schema.ts'

let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pail-database-'))
  path = join(folder, 'pail.db')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const note = (database: Database, name: string) =>
  database.run("INSERT INTO fact (name, value) VALUES (?, 'x')", name)
const noted = (database: Database) =>
  database.all('SELECT name FROM fact ORDER BY name').map(({ name }) => name)

describe('The database of a data folder', () => {
  test('is made with the newest schema, and opened again as it was', async () => {
    const made = Database.open(path)
    await made.write(() => note(made, 'kept'))
    made.close()
    const opened = Database.open(path)
    expect(opened.get('PRAGMA user_version')?.user_version).toBe(SCHEMA_VERSION)
    expect(noted(opened)).toEqual(['kept'])
    opened.close()
  })

  test('of a newer Pail is refused, and left as it is', () => {
    const made = Database.open(path)
    made.writeNow(() => made.get(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`))
    made.close()
    const before = readFileSync(path)
    expect(() => Database.open(path)).toThrow(expect.objectContaining({ code: 'store/too-new' }))
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  test('that is none is refused, and left as it is', () => {
    const garbage = Buffer.alloc(8192, 'no database ')
    writeFileSync(path, garbage)
    expect(() => Database.open(path)).toThrow(expect.objectContaining({ code: 'store/damaged' }))
    expect(readFileSync(path).equals(garbage)).toBe(true)
  })

  test('commits what comes in one turn of the loop together', async () => {
    const database = Database.open(path)
    const walBytes = () => statSync(`${path}-wal`).size
    await database.write(() => note(database, 'warm'))
    const start = walBytes()
    await database.write(() => note(database, 'alone'))
    const one = walBytes() - start
    const many = Array.from({ length: 20 }, (_, index) => `together ${index}`)
    await Promise.all(many.map((name) => database.write(() => note(database, name))))
    const twenty = walBytes() - start - one
    expect(twenty).toBeLessThan(3 * one)
    expect(noted(database)).toHaveLength(22)
    database.close()
  })

  test('undoes a change that fails alone, and keeps those beside it', async () => {
    const database = Database.open(path)
    const before = database.write(() => note(database, 'before'))
    const failing = database.write(() => {
      note(database, 'undone')
      throw new Error('no')
    })
    const after = database.write(() => note(database, 'after'))
    await expect(failing).rejects.toThrow('no')
    await Promise.all([before, after])
    expect(noted(database)).toEqual(['after', 'before'])
    expect(database.trust.isEnded).toBe(false)
    database.close()
  })
})
