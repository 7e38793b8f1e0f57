/**
 * Goal: a folder that was renamed, and whose objects have not followed, shows everything in it.
 * Method: files are stored in it after its rename, under its new name already; its own move has not
 *         begun, because one more upload into it gets no answer, while programs list it again and again.
 */
import { expect, test } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { FlakyObjectStore } from '../../engine/s3/flaky-object-store.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import { BareEngine } from '../support/bare-engine.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { Paths } from '../support/paths.ts'

const UNANSWERED = { operation: 'put', key: 'd/slow', fault: { kind: 'hang' } } as const
const NAMES = ['a', 'before', 's', 'slow', 'x']

test('Files that were stored under the new name stay shown while the folder moves, also deeper', async () => {
  const clock = new FakeClock(1_800_000_000_000, 12)
  const bucket = new MemoryObjectStore({ clock })
  for (const key of ['d/x', 'd/s/x']) bucket.putDirect(key, 'old')
  const store = new FlakyObjectStore(bucket, { clock, random: new SeededRandom(1) })
  const engine = await BareEngine.start({ store, clock, random: new SeededRandom(3) })
  const paths = new Paths(engine, (work) => clock.until(work))
  const write = (path: string) => paths.write(path, 0, Buffer.from(path), true)
  const namesIn = async (path: string) => (await paths.names(path)).map(({ name }) => name).sort()
  try {
    for (const folder of ['', 'd', 'd/s']) await paths.names(folder)
    store.setScript([UNANSWERED])
    expect(await write('d/slow')).toBe('ok')
    await clock.advance(2_000)
    for (const path of ['d/before', 'd/s/before', 'd/a']) expect(await write(path)).toBe('ok')
    expect(await paths.rename('d', 'e')).toBe('ok')
    for (let look = 0; look < 20; look++) {
      await clock.advance(11_000)
      expect(await namesIn('e'), `after ${look} looks`).toEqual(NAMES)
      expect(await namesIn('e/s')).toEqual(['before', 'x'])
    }
    const stored = bucket.keys().filter((key) => key.startsWith('e/'))
    expect(stored, 'stored under the new name already').toContain('e/before')
    store.setScript([])
    await clock.advance(300_000)
    expect((await engine.flush()).files).toBe(0)
    expect(await namesIn('e')).toEqual(NAMES)
    const keys = bucket.keys().filter((key) => !key.endsWith('/'))
    expect(keys.sort()).toEqual(['e/a', 'e/before', 'e/s/before', 'e/s/x', 'e/slow', 'e/x'])
  } finally {
    await engine.close()
  }
})

test('And what others remove of it while it moves is gone', async () => {
  const clock = new FakeClock(1_800_000_000_000, 12)
  const bucket = new MemoryObjectStore({ clock })
  for (const key of ['d/x', 'd/y', 'd/s/x']) bucket.putDirect(key, 'old')
  const store = new FlakyObjectStore(bucket, { clock, random: new SeededRandom(1) })
  const engine = await BareEngine.start({ store, clock, random: new SeededRandom(3) })
  const paths = new Paths(engine, (work) => clock.until(work))
  try {
    for (const folder of ['', 'd', 'd/s']) await paths.names(folder)
    store.setScript([UNANSWERED])
    expect(await paths.write('d/slow', 0, Buffer.from('slow'), true)).toBe('ok')
    await clock.advance(2_000)
    expect(await paths.rename('d', 'e')).toBe('ok')
    await clock.advance(11_000)
    for (const key of ['d/y', 'd/s/x']) await bucket.delete(key)
    await clock.advance(11_000)
    await paths.names('e')
    await clock.advance(11_000)
    expect((await paths.names('e')).map(({ name }) => name)).toEqual(['slow', 'x'])
  } finally {
    await engine.close()
  }
})
