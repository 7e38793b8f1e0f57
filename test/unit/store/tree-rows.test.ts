/**
 * Goal: rows kept in memory are those of the database, also after a change was undone; the rows of
 *       the journal that are ready come oldest first, however many wait.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Database } from '../../../engine/store/database.ts'
import { Journal } from '../../../engine/store/journal.ts'
import { blankNode, Nodes } from '../../../engine/store/nodes.ts'

const ROW = { kind: 'file', mode: 0o644, uid: 1, gid: 1 } as const

let folder: string
let database: Database
let volume: number

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pail-rows-'))
  database = Database.open(join(folder, 'pail.db'))
  volume = database.writeNow(
    () => database.run("INSERT INTO volume (endpoint, bucket) VALUES ('e', 'b')").lastId,
  )
})

afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('Nodes', () => {
  const insert = (nodes: Nodes, name: string) => {
    const kind = 'directory' as const
    return nodes.insert(
      blankNode({ volume, parent: null, name, kind, mode: 0o755, uid: 1, gid: 1 }, 5n),
    )
  }

  test('answers with the newest row after each kind of change', () => {
    const nodes = new Nodes(database)
    const { id } = database.writeNow(() => insert(nodes, 'a'))
    expect(nodes.byId(id)?.name).toBe('a')
    database.writeNow(() => nodes.update(id, { name: 'b' }))
    expect(nodes.byId(id)?.name).toBe('b')
    database.writeNow(() => nodes.touchDirectory(id, 9n))
    expect(nodes.byId(id)?.mtime).toBe(9n)
    database.writeNow(() => nodes.remove(id))
    expect(nodes.byId(id)).toBeUndefined()
  })

  test('forgets what it saw of a change that was undone', () => {
    const nodes = new Nodes(database)
    const { id } = database.writeNow(() => insert(nodes, 'a'))
    const failing = () =>
      database.writeNow(() => {
        nodes.update(id, { name: 'b' })
        expect(nodes.byId(id)?.name).toBe('b')
        throw new Error('undo this')
      })
    expect(failing).toThrow('undo this')
    expect(nodes.byId(id)?.name).toBe('a')
  })

  describe('child', () => {
    const insertIn = (nodes: Nodes, parent: number, name: string, remoteKey: string | null) => {
      const start = { ...ROW, volume, parent, name, remoteKey }
      return database.writeNow(() => nodes.insert(blankNode(start, 5n)))
    }

    test.each([null, 'key'])(
      'finds a name that nothing had before (in the bucket: %s)',
      (remoteKey) => {
        const nodes = new Nodes(database)
        expect(nodes.child(7, 'a')).toBeUndefined()
        const { id } = insertIn(nodes, 7, 'a', remoteKey)
        expect(nodes.child(7, 'a')?.id).toBe(id)
        expect(nodes.child(8, 'a')).toBeUndefined()
      },
    )

    test('follows a row to its new name and to its new directory', () => {
      const nodes = new Nodes(database)
      const { id } = insertIn(nodes, 7, 'a', null)
      expect([nodes.child(7, 'a')?.id, nodes.child(7, 'b'), nodes.child(8, 'b')]).toEqual([
        id,
        undefined,
        undefined,
      ])
      database.writeNow(() => nodes.update(id, { name: 'b' }))
      expect([nodes.child(7, 'a'), nodes.child(7, 'b')?.id]).toEqual([undefined, id])
      database.writeNow(() => nodes.update(id, { parent: 8 }))
      expect([nodes.child(7, 'b'), nodes.child(8, 'b')?.id]).toEqual([undefined, id])
      database.writeNow(() => nodes.remove(id))
      expect(nodes.child(8, 'b')).toBeUndefined()
    })

    test('does not find a name whose row was undone, and finds it when its removal was', () => {
      const nodes = new Nodes(database)
      const { id } = insertIn(nodes, 7, 'a', null)
      const failing = () =>
        database.writeNow(() => {
          nodes.remove(id)
          expect(nodes.child(7, 'a')).toBeUndefined()
          nodes.insert(blankNode({ ...ROW, volume, parent: 7, name: 'b' }, 5n))
          expect(nodes.child(7, 'b')).toBeDefined()
          throw new Error('undo this')
        })
      expect(failing).toThrow('undo this')
      expect([nodes.child(7, 'a')?.id, nodes.child(7, 'b')]).toEqual([id, undefined])
    })

    test('gives rows as the database has them, whatever was kept of them', () => {
      const nodes = new Nodes(database)
      const { id } = insertIn(nodes, 7, 'a', null)
      database.writeNow(() => {
        nodes.update(id, { size: 3, staged: 'x', isSealed: false, etag: 'e', mtime: 1n << 60n })
        nodes.touchDirectory(id, 9n)
      })
      expect(nodes.child(7, 'a')).toEqual(new Nodes(database).child(7, 'a'))
    })

    test('sees no row seen or listed after the time that the clock went back to', () => {
      const nodes = new Nodes(database)
      const { id } = insertIn(nodes, 7, 'a', null)
      database.writeNow(() => nodes.update(id, { seenMs: 500, listedMs: 600 }))
      database.writeNow(() => nodes.endSightingsAt(volume, 100))
      expect(nodes.byId(id)).toMatchObject({ seenMs: 99, listedMs: 99 })
    })
  })
})

describe('Journal.ready', () => {
  const row = (at: number, readyMs: number) => ({
    volume,
    op: 'put' as const,
    node: null,
    key: `k${at}`,
    readyMs,
  })

  test.each([3, 1000])(
    'gives %i rows oldest first, and only those whose time has come',
    (count) => {
      const journal = new Journal(database)
      database.writeNow(() => {
        for (let at = 0; at < count; at++) journal.insert(row(at, 1000 - (at % 7)))
        for (let at = 0; at < count; at++) journal.insert(row(count + at, 2000))
      })
      const found: string[] = []
      for (let after = 0; ; ) {
        const page = journal.ready(volume, 1000, after, 64)
        found.push(...page.map(({ key }) => key))
        const last = page.at(-1)
        if (!last) break
        after = last.seq
      }
      expect(found).toEqual(Array.from({ length: count }, (_, at) => `k${at}`))
    },
  )

  test('counts and lists what a person saved, and not what Pail itself tidies up', () => {
    const journal = new Journal(database)
    const row = { volume, op: 'delete' as const, node: null, readyMs: 0 }
    database.writeNow(() => {
      for (const key of ['run/.pail-probe-1c2cbf46', 'run/a.csv']) journal.insert({ ...row, key })
    })
    expect(journal.summary(volume, '')).toMatchObject({ files: 1 })
    expect(journal.queue(volume, 'run/', 10).map(({ key }) => key)).toEqual(['run/a.csv'])
    // A flush has them in view all the same.
    expect(journal.pending(volume, '')).toMatchObject({ files: 2 })
  })
})
