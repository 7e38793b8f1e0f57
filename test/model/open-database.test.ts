/** Files that a program keeps open for writing: when they are sent. */
import { expect, onTestFinished, test } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import { BareEngine } from '../support/bare-engine.ts'
import { FakeClock } from '../support/fake-clock.ts'

const HOUR_MS = 3_600_000
const REQUEST = { read: true, write: true, mode: 0o644, exclusive: false }

test('a database is sent when it is closed, however long it rests; a log when it rests', async () => {
  const clock = new FakeClock(1_800_000_000_000, 12)
  const bucket = new MemoryObjectStore({ clock })
  const engine = await BareEngine.start({ store: bucket, clock, random: new SeededRandom(1) })
  onTestFinished(() => engine.close())
  const { vfs } = engine
  const context = engine.context()
  const texts = { log: 'a line', data: 'SQLite format 3\0 and pages', 'run.h5': 'no header yet' }
  const open = new Map<string, number>()
  for (const [name, text] of Object.entries(texts)) {
    const { attributes, handle } = await clock.until(vfs.create(context, vfs.root, name, REQUEST))
    const target = { id: attributes.id, handle }
    await clock.until(vfs.write(context, target, 0, Buffer.from(text)))
    await clock.until(vfs.commit(context, target))
    open.set(name, handle)
  }
  await clock.advance(HOUR_MS)
  expect(bucket.keys()).toEqual(['log'])
  for (const handle of open.values()) await clock.until(vfs.release(handle))
  await engine.flush()
  expect(bucket.keys()).toEqual(['data', 'log', 'run.h5'])
})
