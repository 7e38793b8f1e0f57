/**
 * Goal: what takes the name of a file or folder whose own rename the server refuses waits for the
 *       person with it, asks for nothing meanwhile, and is carried out when the server allows it.
 * Method: a bucket that refuses one copy, and later does not.
 */
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { FlakyObjectStore } from '../../engine/s3/flaky-object-store.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import { BareEngine } from '../support/bare-engine.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { Paths } from '../support/paths.ts'

const AN_HOUR_MS = 3_600_000

type Case = {
  readonly what: string
  readonly planted: readonly string[]
  readonly folders: readonly string[]
  /** What is copied there is refused. */
  readonly refused: string
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
      store.setScript([{ operation: 'copy', key: refused, fault: denied }])
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
