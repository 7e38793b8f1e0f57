/**
 * Goal: what takes the name of a file or folder whose own rename the server refuses waits for the
 *       person with it, asks for nothing meanwhile, and is carried out when the server allows it.
 * Method: a bucket that refuses one copy, and later does not.
 */
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { FlakyObjectStore, type ScriptedFault } from '../../engine/s3/flaky-object-store.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import { BareEngine } from '../support/bare-engine.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { Paths } from '../support/paths.ts'

const AN_HOUR_MS = 3_600_000

type Case = {
  readonly what: string
  readonly planted: readonly string[]
  readonly folders: readonly string[]
  /** What is copied there is refused, or this request. */
  readonly refused: string | Pick<ScriptedFault, 'operation' | 'key'>
  readonly work: (paths: Paths) => ReadonlyArray<() => Promise<string>>
  readonly after: readonly string[]
}

const CASES: readonly Case[] = [
  {
    what: 'a file that takes the name of a file',
    planted: ['f', 'h'],
    folders: [''],
    refused: 'g',
    work: (paths) => [() => paths.rename('f', 'g'), () => paths.rename('h', 'f')],
    after: ['f', 'g'],
  },
  {
    what: 'a folder that takes the name of a folder',
    planted: ['f/x', 'h/x'],
    folders: ['', 'f', 'h'],
    refused: 'g/x',
    work: (paths) => [() => paths.rename('f', 'g'), () => paths.rename('h', 'f')],
    after: ['f/x', 'g/x'],
  },
  {
    what: 'a folder that takes the name of one inside of a folder',
    planted: ['f/s/x', 'h/x'],
    folders: ['', 'f', 'f/s', 'h'],
    refused: 'g/s/x',
    work: (paths) => [
      () => paths.rename('f', 'g'),
      () => paths.mkdir('f'),
      () => paths.rename('h', 'f/s'),
    ],
    after: ['f/', 'f/s/x', 'g/s/x'],
  },
  {
    what: 'a new folder that takes the name of a folder',
    planted: ['f/x'],
    folders: ['', 'f'],
    refused: 'g/x',
    work: (paths) => [() => paths.rename('f', 'g'), () => paths.mkdir('f')],
    after: ['f/', 'g/x'],
  },
  {
    what: 'a new file that takes the name of one that nobody has seen',
    planted: ['f/x'],
    folders: [''],
    refused: { operation: 'list', key: 'f/' },
    work: (paths) => [
      () => paths.rename('f', 'g'),
      () => paths.mkdir('f'),
      () => paths.write('f/x', 0, Buffer.from('new'), true),
    ],
    after: ['f/', 'f/x', 'g/x'],
  },
]

describe('While a rename waits for a person', () => {
  test.for(CASES)('$what waits with it', async ({ planted, folders, refused, work, after }) => {
    const clock = new FakeClock(1_800_000_000_000, 12)
    const random = new SeededRandom(1)
    const bucket = new MemoryObjectStore({ clock })
    for (const key of planted) bucket.putDirect(key, key)
    const store = new FlakyObjectStore(bucket, { clock, random })
    const engine = await BareEngine.start({ store, clock, random })
    const paths = new Paths(engine, (promise) => clock.until(promise))
    try {
      for (const folder of folders) await paths.names(folder)
      const denied = { kind: 'error', code: 'auth/denied' } as const
      const request =
        typeof refused === 'string' ? ({ operation: 'copy', key: refused } as const) : refused
      store.setScript([{ ...request, fault: denied }])
      for (const step of work(paths)) expect(await step()).toBe('ok')
      await clock.advance(60_000)
      const { tree } = engine.volume
      const rows = tree.database.all('SELECT state, error_code FROM journal')
      expect(rows.length).toBeGreaterThan(1)
      for (const row of rows) {
        expect({ ...row }).toEqual({ state: 'failed', error_code: 'auth/denied' })
      }
      expect([...bucket.keys()].sort(), 'where everything was').toEqual([...planted].sort())
      const { length } = store.calls
      await clock.advance(AN_HOUR_MS)
      expect(store.calls.slice(length).filter((call) => !call.startsWith('list'))).toEqual([])
      store.setScript([])
      expect((await engine.flush()).files, 'changes left').toBe(0)
      expect([...bucket.keys()].sort()).toEqual([...after].sort())
    } finally {
      await engine.close()
    }
  })
})

type Gone = {
  readonly what: string
  readonly work: (paths: Paths) => ReadonlyArray<() => Promise<string>>
  /** Keys and content in the end. */
  readonly end: Readonly<Record<string, string>>
}

const OTHER = Buffer.from('other')
const COPIED: readonly Gone[] = [
  {
    what: 'is removed',
    work: (paths) => [() => paths.unlink('e/a')],
    end: { 'e/b': 'd/b', 'e/s/c': 'd/s/c' },
  },
  {
    what: 'is renamed inside of it',
    work: (paths) => [() => paths.rename('e/a', 'e/x')],
    end: { 'e/x': 'd/a', 'e/b': 'd/b', 'e/s/c': 'd/s/c' },
  },
  {
    what: 'is renamed out of it',
    work: (paths) => [() => paths.rename('e/a', 'x')],
    end: { x: 'd/a', 'e/b': 'd/b', 'e/s/c': 'd/s/c' },
  },
  {
    what: 'is removed, and another takes its name',
    work: (paths) => [() => paths.unlink('e/a'), () => paths.write('e/a', 0, OTHER, true)],
    end: { 'e/a': 'other', 'e/b': 'd/b', 'e/s/c': 'd/s/c' },
  },
  {
    what: 'is renamed, and another takes its name',
    work: (paths) => [() => paths.rename('e/a', 'x'), () => paths.write('e/a', 0, OTHER, true)],
    end: { x: 'd/a', 'e/a': 'other', 'e/b': 'd/b', 'e/s/c': 'd/s/c' },
  },
  {
    what: 'is renamed to where it was',
    work: (paths) => [() => paths.mkdir('d'), () => paths.rename('e/a', 'd/a')],
    end: { 'd/a': 'd/a', 'e/b': 'd/b', 'e/s/c': 'd/s/c' },
  },
  {
    what: 'is changed',
    work: (paths) => [() => paths.append('e/a', OTHER)],
    end: { 'e/a': 'd/aother', 'e/b': 'd/b', 'e/s/c': 'd/s/c' },
  },
  {
    what: 'is replaced by another one of it',
    work: (paths) => [() => paths.rename('e/s/c', 'e/a')],
    end: { 'e/a': 'd/s/c', 'e/b': 'd/b' },
  },
  {
    what: 'lies in a folder that is renamed',
    work: (paths) => [() => paths.rename('e/s', 't')],
    end: { 'e/a': 'd/a', 'e/b': 'd/b', 't/c': 'd/s/c' },
  },
  {
    what: 'is removed with its folder',
    work: (paths) => [() => paths.unlink('e/s/c'), () => paths.rmdir('e/s')],
    end: { 'e/a': 'd/a', 'e/b': 'd/b' },
  },
]

describe.each([true, false])(
  'With a crash: %s. While a folder waits with its last copy',
  (isKilled) => {
    test.for(COPIED)(
      'a file that was copied and $what does not come back',
      async ({ work, end }) => {
        const clock = new FakeClock(1_800_000_000_000, 12)
        const random = new SeededRandom(1)
        const bucket = new MemoryObjectStore({ clock })
        for (const key of ['d/a', 'd/b', 'd/s/c']) bucket.putDirect(key, key)
        const store = new FlakyObjectStore(bucket, { clock, random })
        let engine = await BareEngine.start({ store, clock, random })
        const drive = <T>(promise: Promise<T>) => clock.until(promise)
        try {
          let paths = new Paths(engine, drive)
          for (const folder of ['', 'd', 'd/s']) await paths.names(folder)
          const denied = { kind: 'error', code: 'auth/denied' } as const
          store.setScript([{ operation: 'copy', key: 'e/b', fault: denied }])
          expect(await paths.rename('d', 'e')).toBe('ok')
          await clock.advance(60_000)
          expect(bucket.keys(), 'copied').toEqual(['d/a', 'd/b', 'd/s/c', 'e/a', 'e/s/c'])
          for (const step of work(paths)) expect(await step()).toBe('ok')
          await clock.advance(60_000)
          if (isKilled) {
            engine = await engine.killed()
            paths = new Paths(engine, drive)
          }
          store.setScript([])
          expect((await engine.flush()).files, 'changes left').toBe(0)
          await clock.advance(60_000)
          const objects = bucket.keys().filter((key) => !key.endsWith('/'))
          const texts = objects.map((key) => [
            key,
            Buffer.from(bucket.bytesOf(key) ?? []).toString(),
          ])
          expect(Object.fromEntries(texts)).toEqual(end)
          for (const [path, text] of Object.entries(end)) {
            expect(Buffer.from(await paths.read(path)).toString(), path).toBe(text)
          }
        } finally {
          await engine.close()
        }
      },
    )
  },
)
