/**
 * Goal: what a listing says of the time before a change never undoes the change in the folder.
 * Method: a page is taken from the bucket, the change is made and carried out, and only then the
 *         page arrives.
 */
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import type { ListPage, ListRequest } from '../../engine/s3/object-store.ts'
import { BareEngine } from '../support/bare-engine.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { Paths } from '../support/paths.ts'

class LateListings extends MemoryObjectStore {
  #gate: Promise<void> | undefined
  #open: () => void = () => {}

  hold(): void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve
    })
  }

  letGo(): void {
    this.#gate = undefined
    this.#open()
  }

  override async list(request: ListRequest, signal?: AbortSignal): Promise<ListPage> {
    const page = await super.list(request, signal)
    await this.#gate
    return page
  }
}

async function start() {
  const clock = new FakeClock(1_800_000_000_000, 12)
  const store = new LateListings({ clock })
  for (const key of ['kept', 'file', 'folder/inside']) store.putDirect(key, 'old')
  const engine = await BareEngine.start({ store, clock, random: new SeededRandom(1) })
  const paths = new Paths(engine, (work) => clock.until(work))
  await paths.names('folder')
  await clock.advance(12_000)
  return { clock, store, engine, paths }
}

async function whileListing(change: (paths: Paths) => Promise<unknown>): Promise<{
  names: string[]
  content: (path: string) => Promise<string>
  end: () => Promise<void>
}> {
  const { clock, store, engine, paths } = await start()
  store.hold()
  const listing = paths.names('')
  await clock.advance(1)
  await change(paths)
  await engine.flush()
  store.letGo()
  await listing
  await clock.advance(1)
  return {
    names: (await paths.names('')).map((entry) => entry.name),
    content: async (path) => Buffer.from(await paths.read(path)).toString(),
    end: () => engine.close(),
  }
}

describe('A listing that began before a change was carried out', () => {
  test('does not bring a removed file back', async () => {
    const seen = await whileListing((paths) => paths.unlink('file'))
    expect(seen.names).toEqual(['folder', 'kept'])
    await seen.end()
  })

  test('does not bring an old name back', async () => {
    const seen = await whileListing((paths) => paths.rename('file', 'new'))
    expect(seen.names).toEqual(['folder', 'kept', 'new'])
    await seen.end()
  })

  test('does not bring a renamed folder back', async () => {
    const seen = await whileListing((paths) => paths.rename('folder', 'new'))
    expect(seen.names).toEqual(['file', 'kept', 'new'])
    await seen.end()
  })

  test('does not bring old content back', async () => {
    const seen = await whileListing((paths) =>
      paths.write('file', 0, new TextEncoder().encode('new'), true),
    )
    expect(await seen.content('file')).toBe('new')
    await seen.end()
  })
})
