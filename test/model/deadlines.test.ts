/**
 * Goal: every operation of a program ends within ten seconds of the network making no progress,
 *       however many questions to the bucket it is made of.
 * Method: all operations, on folders that are unknown, known, and known long ago, while some or all
 *         requests are never answered. Time is the test's own: it passes only where something waits.
 */
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { FlakyObjectStore, type Operation } from '../../engine/s3/flaky-object-store.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import { PailError } from '../../shared/errors.ts'
import { BareEngine } from '../support/bare-engine.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { Paths } from '../support/paths.ts'

const OPERATION_MS_MAX = 10_000
const LARGE_BYTES = 6_000_000
const LONG_MS = 600_000
const FOLDERS = ['', 'd', 'd/s', 'e', 'e/s']
const FILES = ['a', 'd/a', 'd/b', 'd/s/x', 'e/a', 'e/s/y']
const LINK = { metadata: { mode: String(0o120777) } }

const some = Buffer.from('x')

const OPERATIONS: Readonly<Record<string, (paths: Paths) => Promise<unknown>>> = {
  'stat a file': (paths) => paths.facts('d/a'),
  'stat a file deep inside': (paths) => paths.facts('d/s/x'),
  'stat nothing': (paths) => paths.facts('d/nothing'),
  'list the root': (paths) => paths.names(''),
  'list a folder': (paths) => paths.names('d/s'),
  'read a small file': (paths) => paths.read('d/a'),
  'read a large file': (paths) => paths.read('large'),
  'read a link of another tool': (paths) => paths.read('link'),
  'create a file': (paths) => paths.write('d/new', 0, some, false),
  'overwrite a file': (paths) => paths.write('d/a', 0, some, true),
  'change a part of a file': (paths) => paths.write('d/a', 2, some, false),
  'append to a file': (paths) => paths.append('large', some),
  'truncate a file': (paths) => paths.truncate('large', 100),
  'punch a hole': (paths) => paths.punch('large', 10, 1000),
  'copy a small file': (paths) => paths.copy('a', 'e/copy'),
  'copy a large file': (paths) => paths.copy('large', 'd/copy'),
  'sync a file': (paths) => paths.sync('d/a'),
  'make a folder': (paths) => paths.mkdir('d/new'),
  'make a link': (paths) => paths.symlink('x', 'd/link'),
  'remove a file': (paths) => paths.unlink('d/a'),
  'remove a folder': (paths) => paths.rmdir('d/s'),
  'rename a file': (paths) => paths.rename('a', 'e/new'),
  'rename a file over another': (paths) => paths.rename('d/a', 'e/a'),
  'rename a folder': (paths) => paths.rename('d', 'e/new'),
  'rename a folder over another': (paths) => paths.rename('d/s', 'e/s'),
  'change a mode': (paths) => paths.chmod('d/a', 0o600),
  'set a time': (paths) => paths.utimens('d/a', 5n),
  'set an extended attribute': (paths) => paths.setxattr('d/a', 'user.a', 'x'),
}

type Knowledge = 'nothing' | 'all folders' | 'all folders, long ago' | 'nothing, and wants it all'

const HOLES: ReadonlyArray<readonly [string, readonly Operation[] | undefined]> = [
  ['no request', undefined],
  ['no listing', ['list']],
  ['no read', ['get']],
  ['no look at one object', ['head']],
  ['no upload', ['put']],
]

/** How long one operation takes while the `silent` requests are never answered. */
async function elapsedMs(
  knowledge: Knowledge,
  silent: readonly Operation[] | undefined,
  operation: (paths: Paths) => Promise<unknown>,
): Promise<number> {
  const clock = new FakeClock(1_800_000_000_000, 12)
  const random = new SeededRandom(1)
  const bucket = new MemoryObjectStore({ clock })
  for (const key of FILES) bucket.putDirect(key, `content of ${key}`)
  bucket.putDirect('large', new Uint8Array(LARGE_BYTES))
  bucket.putDirect('link', 'a', LINK)
  const store = new FlakyObjectStore(bucket, { clock, random })
  const attributes = knowledge === 'nothing, and wants it all' ? 'all' : 'listing'
  const engine = await BareEngine.start({ store, clock, random, attributes })
  const paths = new Paths(engine, (work) => clock.until(work))
  try {
    if (knowledge.startsWith('all')) for (const folder of FOLDERS) await paths.names(folder)
    if (knowledge.endsWith('ago')) await clock.advance(LONG_MS)
    const hang = { kind: 'hang' } as const
    store.setScript(silent?.map((one) => ({ operation: one, fault: hang })) ?? [{ fault: hang }])
    const startedMs = clock.monotonicMs()
    // What comes of it is for other tests; a defect is none of the answers.
    await operation(paths).catch((thrown: unknown) => {
      if (PailError.from(thrown).code === 'internal/bug') throw thrown
    })
    return clock.monotonicMs() - startedMs
  } finally {
    await engine.close()
  }
}

describe('While a server answers', () => {
  for (const [what, silent] of HOLES) {
    test.for<Knowledge>([
      'nothing',
      'all folders',
      'all folders, long ago',
      'nothing, and wants it all',
    ])(`${what}, each operation of a mount that knows %s ends in time`, async (knowledge) => {
      const late: string[] = []
      for (const [name, operation] of Object.entries(OPERATIONS)) {
        const ms = await elapsedMs(knowledge, silent, operation)
        if (ms > OPERATION_MS_MAX) late.push(`${name}: ${Math.round(ms)} ms`)
      }
      expect(late).toEqual([])
    })
  }
})
