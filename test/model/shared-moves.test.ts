/**
 * Goal: a folder that is renamed here while another client writes into it, under the old name or
 *       under the new one, takes nothing of the other's work away.
 * Method: the other client acts at a request of the move, from the first copy to the last deletion.
 */
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { FlakyObjectStore } from '../../engine/s3/flaky-object-store.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import { BareEngine } from '../support/bare-engine.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { Paths } from '../support/paths.ts'

const FILES = ['a', 'b', 'c', 'd']

type Meddling = (bucket: MemoryObjectStore) => void

/** Renames `old/` to `new/`; `meddling` happens once, before the n-th request of that kind. */
async function renameWhile(
  operation: 'copy' | 'deleteBatch' | 'list',
  nth: number,
  meddling: Meddling,
) {
  const clock = new FakeClock(1_800_000_000_000, 12)
  const random = new SeededRandom(nth)
  const bucket = new MemoryObjectStore({ clock })
  for (const name of FILES) bucket.putDirect(`old/${name}`, `old ${name}`)
  const store = new FlakyObjectStore(bucket, { clock, random })
  const engine = await BareEngine.start({ store, clock, random })
  const paths = new Paths(engine, (work) => clock.until(work))
  try {
    await paths.names('old')
    let isDone = false
    const hook = () => {
      if (!isDone) meddling(bucket)
      isDone = true
    }
    store.setScript([{ operation, nth, fault: { kind: 'hook', when: 'before', hook } }])
    expect(await paths.rename('old', 'new')).toBe('ok')
    await clock.advance(120_000)
    const left = await engine.flush()
    expect(left.files, 'changes left').toBe(0)
    expect(isDone, `request ${nth} of ${operation} was made`).toBe(true)
  } finally {
    await engine.close()
  }
  const contents = bucket.keys().flatMap((key) => {
    const bytes = key.endsWith('/') ? undefined : bucket.bytesOf(key)
    return bytes ? [[key, Buffer.from(bytes).toString()] as const] : []
  })
  return new Map(contents)
}

describe('A folder that is renamed while another client writes into it', () => {
  test.for([
    ['copy', 1],
    ['copy', 3],
    ['copy', 4],
    ['list', 3],
  ] as const)('keeps a newer version of its file, stored before %s %i', async ([what, nth]) => {
    const contents = await renameWhile(what, nth, (bucket) => bucket.putDirect('old/b', 'newer b'))
    expect([...contents.values()]).toContain('newer b')
    expect(contents.get('new/a')).toBe('old a')
  })

  test.for([
    ['copy', 1],
    ['copy', 4],
    ['list', 2],
    ['deleteBatch', 1],
  ] as const)('leaves a file alone that is new there before %s %i', async ([what, nth]) => {
    const contents = await renameWhile(what, nth, (bucket) => bucket.putDirect('old/e', 'new e'))
    expect([...contents.values()]).toContain('new e')
    for (const name of FILES) expect(contents.get(`new/${name}`)).toBe(`old ${name}`)
  })

  test('keeps what already stands under the new name', async () => {
    const contents = await renameWhile('list', 1, (bucket) => bucket.putDirect('new/b', 'theirs'))
    expect(contents.get('new/b')).toBe('theirs')
    expect([...contents.values()].sort()).toEqual(['old a', 'old b', 'old c', 'old d', 'theirs'])
  })
})
