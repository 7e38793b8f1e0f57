/**
 * Goal: what an upload stored although its answer was lost never comes back under a name that its file
 *       does not have any more, and is never taken for somebody else's.
 * Method: the bucket takes the first upload, the answer is lost, the network goes; programs go on, with
 *         and without a crash; the network comes back.
 */
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { FlakyObjectStore } from '../../engine/s3/flaky-object-store.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import { PailError } from '../../shared/errors.ts'
import { BareEngine } from '../support/bare-engine.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { Paths } from '../support/paths.ts'

const FIRST = Buffer.from('first')
const OTHER = Buffer.from('other')

type Case = {
  readonly what: string
  readonly work: (paths: Paths) => Promise<readonly string[]>
  /** Somebody else stores this as `d/a` meanwhile. */
  readonly theirs?: string
  /** Keys and content in the end, in the bucket and in the folder. */
  readonly end: Readonly<Record<string, string>>
}

async function all(...steps: ReadonlyArray<Promise<string>>): Promise<string[]> {
  const results: string[] = []
  for (const step of steps) results.push(await step)
  return results
}

const CASES: readonly Case[] = [
  {
    what: 'is renamed',
    work: (paths) => all(paths.rename('d/a', 'd/b')),
    end: { 'd/b': 'first' },
  },
  {
    what: 'is renamed and removed',
    work: async (paths) => [await paths.rename('d/a', 'd/b'), await paths.unlink('d/b')],
    end: {},
  },
  {
    what: 'is renamed twice and removed',
    work: async (paths) => [
      await paths.rename('d/a', 'd/b'),
      await paths.rename('d/b', 'd/c'),
      await paths.unlink('d/c'),
    ],
    end: {},
  },
  {
    what: 'is renamed, and another takes its name',
    work: async (paths) => [
      await paths.rename('d/a', 'd/b'),
      await paths.write('d/a', 0, OTHER, true),
    ],
    end: { 'd/a': 'other', 'd/b': 'first' },
  },
  {
    what: 'is renamed, changed and renamed back',
    work: async (paths) => [
      await paths.rename('d/a', 'd/b'),
      await paths.append('d/b', OTHER),
      await paths.rename('d/b', 'd/a'),
    ],
    end: { 'd/a': 'firstother' },
  },
  {
    what: 'is renamed over another',
    work: (paths) => all(paths.rename('d/a', 'd/z')),
    end: { 'd/z': 'first' },
  },
  {
    what: 'is removed, and another takes its name',
    work: async (paths) => [await paths.unlink('d/a'), await paths.write('d/a', 0, OTHER, true)],
    end: { 'd/a': 'other' },
  },
  {
    what: 'lies in a folder that is renamed',
    work: (paths) => all(paths.rename('d', 'e')),
    end: { 'e/a': 'first' },
  },
  {
    what: 'lies in a folder that is renamed, and is removed there',
    work: async (paths) => [await paths.rename('d', 'e'), await paths.unlink('e/a')],
    end: {},
  },
  {
    what: 'is removed, and its folder is renamed',
    work: async (paths) => [await paths.unlink('d/a'), await paths.rename('d', 'e')],
    end: {},
  },
  {
    what: 'is renamed, and somebody else stores as much under its name',
    work: (paths) => all(paths.rename('d/a', 'd/b')),
    theirs: 'FIRST',
    end: { 'd/a': 'FIRST', 'd/b': 'first' },
  },
  {
    what: 'is removed, and somebody else stores as much under its name',
    work: (paths) => all(paths.unlink('d/a')),
    theirs: 'FIRST',
    end: { 'd/a': 'FIRST' },
  },
]

/** What was there before, in the bucket: known here, and in the folder of `before`. */
const BEFORE: Readonly<Record<string, string>> = { 'd/z': 'z' }

type How = {
  readonly isKilled: boolean
  readonly isKnownFolder: boolean
  readonly hasOpaqueEtags: boolean
}

async function run({ work, theirs }: Case, how: How) {
  const clock = new FakeClock(1_800_000_000_000, 12)
  const bucket = new MemoryObjectStore({ clock, hasOpaqueEtags: how.hasOpaqueEtags })
  if (how.isKnownFolder)
    for (const [key, text] of Object.entries(BEFORE)) bucket.putDirect(key, text)
  const store = new FlakyObjectStore(bucket, { clock, random: new SeededRandom(1) })
  const random = new SeededRandom(3)
  const drive = <T>(promise: Promise<T>) => clock.until(promise)
  let engine = await BareEngine.start({ store, clock, random })
  let paths = new Paths(engine, drive)
  try {
    if (!how.isKnownFolder) {
      expect(await paths.mkdir('d')).toBe('ok')
      await engine.flush()
    }
    await paths.names('d')
    const goOffline = () => {
      store.setOffline(true)
      throw new PailError('net/reset', 'the answer is lost')
    }
    const fault = { kind: 'hook', when: 'after', hook: goOffline } as const
    store.setScript([{ operation: 'put', key: 'd/a', nth: 1, fault }])
    expect(await paths.write('d/a', 0, FIRST, true)).toBe('ok')
    await clock.advance(20_000)
    expect(Buffer.from(bucket.bytesOf('d/a') ?? []).toString(), 'the upload landed').toBe('first')
    if (how.isKilled) {
      engine = await engine.killed()
      paths = new Paths(engine, drive)
    }
    expect(new Set(await work(paths))).toEqual(new Set(['ok']))
    if (theirs !== undefined) bucket.putDirect('d/a', theirs)
    await clock.advance(1_000)
    const folders = await foldersIn(paths)
    store.setScript(LISTINGS_ONLY)
    store.setOffline(false)
    await clock.advance(40_000)
    const early = await foldersIn(paths)
    if (theirs === undefined) expect(early, 'shown before it is settled').toEqual(folders)
    store.setScript([])
    await clock.advance(300_000)
    expect((await engine.flush()).files, 'changes left').toBe(0)
    await clock.advance(120_000)
    const inBucket: Record<string, string> = {}
    for (const key of bucket.keys()) {
      if (!key.endsWith('/')) inBucket[key] = Buffer.from(bucket.bytesOf(key) ?? []).toString()
    }
    const inFolder: Record<string, string> = {}
    for (const { name: folder, kind } of await paths.names('')) {
      if (kind !== 'directory') continue
      for (const { name } of await paths.names(folder)) {
        const path = `${folder}/${name}`
        inFolder[path] = Buffer.from(await paths.read(path)).toString()
      }
    }
    return { inBucket, inFolder }
  } finally {
    await engine.close()
  }
}

/** Folders are looked at, and nothing is cleaned up yet. */
const LISTINGS_ONLY = (['head', 'put', 'copy', 'delete', 'deleteBatch'] as const).map(
  (operation) => ({
    operation,
    fault: { kind: 'error', code: 's3/busy' } as const,
  }),
)

async function foldersIn(paths: Paths): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {}
  for (const { name, kind } of await paths.names('')) {
    if (kind !== 'directory') continue
    found[name] = (await paths.names(name)).map((entry) => entry.name).sort()
  }
  return found
}

const SERVERS = [
  { isKilled: true, hasOpaqueEtags: false },
  { isKilled: false, hasOpaqueEtags: false },
  { isKilled: true, hasOpaqueEtags: true },
  { isKilled: false, hasOpaqueEtags: true },
]

describe.each(SERVERS)(
  'After a crash: $isKilled. ETags say nothing: $hasOpaqueEtags. A file whose upload was not answered',
  (server) => {
    describe.each([true, false])('in a folder with other objects: %s', (isKnownFolder) => {
      test.each(CASES)('and that $what is where it belongs, alone', async (one) => {
        const { inBucket, inFolder } = await run(one, { ...server, isKnownFolder })
        const isOver = one.end['d/z'] !== undefined
        const folder = Object.keys(one.end).some((key) => key.startsWith('e/')) ? 'e' : 'd'
        const renamed = one.what.includes('folder') ? 'e' : folder
        const before = isKnownFolder && !isOver ? { [`${renamed}/z`]: 'z' } : {}
        const expected = { ...before, ...one.end }
        expect({ inBucket, inFolder }).toEqual({ inBucket: expected, inFolder: expected })
      })
    })
  },
)
