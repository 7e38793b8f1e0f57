/**
 * Goal: what is put under the name of a folder that is being renamed never mixes with what that
 *       folder holds, also where nobody has looked into it.
 * Method: things move on into a place before the folder that lies there in the bucket has left it.
 */
import { expect, onTestFinished, test } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import { BareEngine } from '../support/bare-engine.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { Paths } from '../support/paths.ts'

/** Shorter than a rename rests before it is carried out. */
const A_MOMENT_MS = 200

/** Renames `moved` into a new folder, which then takes the name of `theirs`, which is now `left`. */
async function moveIn(planted: readonly string[], moved: readonly [from: string, to: string]) {
  const clock = new FakeClock(1_800_000_000_000, 12)
  const bucket = new MemoryObjectStore({ clock })
  for (const key of planted) bucket.putDirect(key, key)
  const engine = await BareEngine.start({ store: bucket, clock, random: new SeededRandom(1) })
  onTestFinished(() => engine.close())
  const paths = new Paths(engine, (work) => clock.until(work))
  for (const folder of ['', 'ours']) await paths.names(folder)
  expect(await paths.mkdir('new')).toBe('ok')
  expect(await paths.rename(...moved)).toBe('ok')
  await clock.advance(A_MOMENT_MS)
  expect(await paths.rename('theirs', 'left')).toBe('ok')
  expect(await paths.rename('new', 'theirs')).toBe('ok')
  await clock.advance(60_000)
  expect((await engine.flush()).files).toBe(0)
  const keys = bucket.keys().filter((key) => !key.endsWith('/'))
  return keys.map((key) => `${key}: ${Buffer.from(bucket.bytesOf(key) ?? []).toString()}`).sort()
}

test('A folder keeps its files when another one takes the name of one inside of it', async () => {
  const found = await moveIn(['ours/x', 'theirs/s/y'], ['ours', 'new/s'])
  expect(found).toEqual(['left/s/y: theirs/s/y', 'theirs/s/x: ours/x'])
})

test('A file that takes the name of one that nobody has seen is no conflict with it', async () => {
  const found = await moveIn(['ours/x', 'theirs/x'], ['ours/x', 'new/x'])
  expect(found).toEqual(['left/x: theirs/x', 'theirs/x: ours/x'])
})
