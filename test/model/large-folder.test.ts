/**
 * Goal: a folder of 100,000 objects shows its first names while the rest is still to come, costs one
 *       request for each thousand, and nothing the second time, nor after a restart without network.
 * Method: the second page of the listing is held back while a program looks.
 */
import { afterEach, expect, test } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { FlakyObjectStore } from '../../engine/s3/flaky-object-store.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import type { ListPage, ListRequest } from '../../engine/s3/object-store.ts'
import { BareEngine } from '../support/bare-engine.ts'
import { FakeClock } from '../support/fake-clock.ts'

const OBJECTS = 100_000
const PAGE = 1_000
const ENTRIES_MAX = 1_000

/** Answers for no page of the folder but the first until it is released. */
class HeldStore extends MemoryObjectStore {
  pages = 0
  #release: () => void = () => {}
  readonly #released = new Promise<void>((resolve) => {
    this.#release = resolve
  })

  override async list(request: ListRequest, signal?: AbortSignal): Promise<ListPage> {
    if (request.prefix === 'large/' && ++this.pages > 1) await this.#released
    return super.list(request, signal)
  }

  release(): void {
    this.#release()
  }
}

let engine: BareEngine | undefined
afterEach(async () => {
  await engine?.close()
  engine = undefined
})

test('A folder of 100,000 objects shows names before all are listed, and lists them once', async () => {
  const clock = new FakeClock(1_800_000_000_000, 12)
  const bucket = new HeldStore({ clock })
  for (let index = 0; index < OBJECTS; index++) bucket.putDirect(`large/${index}`, '')
  const random = new SeededRandom(5)
  const store = new FlakyObjectStore(bucket, { clock, random })
  let running = await BareEngine.start({ store, clock, random })
  engine = running
  const idOf = async () => {
    const { vfs } = running
    const found = await clock.until(vfs.lookup(running.context(), vfs.root, 'large'))
    return found.attributes.id
  }
  const pageAfter = (id: number, cookie: number) =>
    clock.until(running.vfs.readdir(running.context(), { id }, cookie, ENTRIES_MAX))
  const countAfter = async (id: number, cookie: number) => {
    let count = 0
    for (let after = cookie; ; ) {
      const { entries, isEnd } = await pageAfter(id, after)
      count += entries.length
      if (isEnd) return count
      after = entries.at(-1)?.cookie ?? after
    }
  }

  const id = await idOf()
  const first = await pageAfter(id, 0)
  expect(first.entries).toHaveLength(ENTRIES_MAX)
  expect(bucket.pages, 'the second page is asked for, and held back').toBe(2)
  bucket.release()
  const last = first.entries.at(-1)?.cookie ?? 0
  expect(await countAfter(id, last)).toBe(OBJECTS - ENTRIES_MAX)
  expect(bucket.pages).toBe(OBJECTS / PAGE)

  expect(await countAfter(id, 0)).toBe(OBJECTS)
  expect(bucket.pages).toBe(OBJECTS / PAGE)
  expect(bucket.requests(), 'and one when it was mounted').toEqual({ list: 1 + OBJECTS / PAGE })

  store.setOffline(true)
  running = await running.killed()
  engine = running
  expect(await countAfter(await idOf(), 0)).toBe(OBJECTS)
})
