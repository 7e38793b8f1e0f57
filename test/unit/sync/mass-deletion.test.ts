import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../../engine/base/clock.ts'
import { MemoryObjectStore } from '../../../engine/s3/memory-object-store.ts'
import { isMassDeletion, MASS_WINDOW_MS } from '../../../engine/sync/mass-deletion.ts'
import { BareEngine } from '../../support/bare-engine.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { Paths } from '../../support/paths.ts'

describe('A mass deletion', () => {
  test('is more than 1,000 objects, or more than half of a folder and at least 100', () => {
    const cases: Array<[count: number, filesBefore: number | undefined, isMass: boolean]> = [
      [1_000, undefined, false],
      [1_001, undefined, true],
      [1_001, 1_000_000, true],
      [99, 99, false],
      [100, 100, true],
      [100, 200, false],
      [101, 200, true],
      [500, undefined, false],
    ]
    for (const [count, filesBefore, isMass] of cases) {
      expect(isMassDeletion({ count, filesBefore }), `${count} of ${filesBefore}`).toBe(isMass)
    }
  })
})

async function folderOf(files: number) {
  const clock = new FakeClock(1_800_000_000_000, 12)
  const store = new MemoryObjectStore({ clock })
  const names = Array.from({ length: files }, (_, at) => `file ${String(at).padStart(5, '0')}`)
  for (const name of names) store.putDirect(name, 'x')
  const random = new SeededRandom(1)
  const engine = await BareEngine.start({ store, clock, random, asksBeforeMassDeletion: true })
  const paths = new Paths(engine, (work) => clock.until(work))
  await paths.names('')
  const { tree } = engine.volume
  const held = () => tree.journal.heldDeletes(tree.volume, '').count
  const remove = async (from: number, to: number) => {
    for (const name of names.slice(from, to)) expect(await paths.unlink(name)).toBe('ok')
  }
  return { clock, store, engine, tree, held, remove }
}

describe('Removing', () => {
  test('1,000 files of many is not touched, and costs as few requests as ever', async () => {
    const { store, engine, held, remove } = await folderOf(3_000)
    await remove(0, 1_000)
    expect(held()).toBe(0)
    await engine.flush()
    expect(store.keys()).toHaveLength(2_000)
    await engine.close()
  })

  test('one more keeps all of them in the bucket until a person answers', async () => {
    const { clock, store, engine, tree, held, remove } = await folderOf(3_000)
    await remove(0, 1_001)
    await remove(1_001, 1_100)
    expect(held()).toBe(1_100)
    await clock.advance(600_000)
    expect((await engine.flush()).files).toBe(1_100)
    expect(store.keys()).toHaveLength(3_000)
    tree.database.writeNow(() => tree.journal.releaseDeletes(tree.volume, '', clock.nowMs()))
    expect((await engine.flush()).files).toBe(0)
    expect(store.keys()).toHaveLength(1_900)
    await engine.close()
  })

  test('now and then is not removing at once', async () => {
    const { clock, store, engine, held, remove } = await folderOf(300)
    for (let from = 0; from < 300; from += 90) {
      await remove(from, from + 90)
      await clock.advance(MASS_WINDOW_MS + 1_000)
    }
    expect(held()).toBe(0)
    expect(store.keys()).toEqual([])
    await engine.close()
  })

  test('is still held after a kill', async () => {
    const { engine, tree, held, remove } = await folderOf(150)
    await remove(0, 150)
    expect(held()).toBe(150)
    const next = await engine.killed()
    expect(next.volume.tree.journal.heldDeletes(tree.volume, '').count).toBe(150)
    await next.close()
  })
})
