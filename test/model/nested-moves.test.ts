/**
 * Goal: what programs rename inside of a folder whose own rename is being carried out ends where they
 *       put it, in the folder and in the bucket.
 * Method: a program renames while the n-th copy, or the first deletion, of the outer move is made.
 */
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { FlakyObjectStore } from '../../engine/s3/flaky-object-store.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import { BareEngine } from '../support/bare-engine.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { Paths } from '../support/paths.ts'

const INSIDE = ['a', 's/x', 's/y', 's/z', 't/v']
const REPLY_MS = 200

type Moment = { readonly operation: 'copy' | 'deleteBatch'; readonly nth: number }

/** @returns what the bucket holds, by key, and the paths that the folder shows */
async function renameDuring(
  { operation, nth }: Moment,
  when: 'before' | 'after',
  rename: readonly [from: string, to: string],
) {
  const clock = new FakeClock(1_800_000_000_000, 12)
  const random = new SeededRandom(nth)
  const bucket = new MemoryObjectStore({ clock })
  for (const name of INSIDE) bucket.putDirect(`old/${name}`, name)
  const store = new FlakyObjectStore(bucket, { clock, random })
  const engine = await BareEngine.start({ store, clock, random })
  const paths = new Paths(engine, (work) => clock.until(work))
  try {
    for (const folder of ['', 'old', 'old/s', 'old/t']) await paths.names(folder)
    let isDone: Promise<string> | undefined
    const hook = () => {
      isDone ??= paths.rename(...rename)
    }
    const slow = { operation, fault: { kind: 'delay', delayMs: REPLY_MS } } as const
    store.setScript([{ operation, nth, fault: { kind: 'hook', when, hook } }, slow])
    expect(await paths.rename('old', 'new')).toBe('ok')
    await clock.advance(120_000)
    expect(await isDone, 'the program renamed').toBe('ok')
    expect((await engine.flush()).files, 'changes left').toBe(0)
    await clock.advance(12_000)
    const found: string[] = []
    await pathsBelow(paths, '', found)
    const keys = bucket.keys().filter((key) => !key.endsWith('/'))
    const contents = keys.map((key) => [key, Buffer.from(bucket.bytesOf(key) ?? []).toString()])
    return { contents: Object.fromEntries(contents), found: found.sort() }
  } finally {
    await engine.close()
  }
}

async function pathsBelow(paths: Paths, folder: string, into: string[]): Promise<void> {
  for (const { name, kind } of await paths.names(folder)) {
    const path = folder === '' ? name : `${folder}/${name}`
    if (kind === 'directory') await pathsBelow(paths, path, into)
    else into.push(path)
  }
}

const MOMENTS: readonly Moment[] = [
  ...INSIDE.map((_, index) => ({ operation: 'copy', nth: index + 1 }) as const),
  { operation: 'deleteBatch', nth: 1 },
]

describe('Inside of a folder whose rename is under way', () => {
  for (const when of ['before', 'after'] as const) {
    test.for(MOMENTS)(
      `a folder that is renamed ${when} $operation $nth ends where it was put`,
      async (moment) => {
        const { contents, found } = await renameDuring(moment, when, ['new/s', 'other'])
        const wanted = INSIDE.map((name) => [
          name.startsWith('s/') ? `other/${name.slice(2)}` : `new/${name}`,
          name,
        ])
        expect(contents).toEqual(Object.fromEntries(wanted))
        expect(found).toEqual(Object.keys(contents).sort())
      },
    )

    test.for(MOMENTS)(
      `a file that is renamed ${when} $operation $nth ends where it was put`,
      async (moment) => {
        const { contents, found } = await renameDuring(moment, when, ['new/s/y', 'new/t/w'])
        const wanted = INSIDE.map((name) => [name === 's/y' ? 'new/t/w' : `new/${name}`, name])
        expect(contents).toEqual(Object.fromEntries(wanted))
        expect(found).toEqual(Object.keys(contents).sort())
      },
    )
  }
})
