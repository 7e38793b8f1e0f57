/** A bare engine over a bucket in memory that goes with the test, and what tests do with it. */
import { onTestFinished } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { FlakyObjectStore } from '../../engine/s3/flaky-object-store.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import type { NodeId } from '../../engine/vfs/vfs.ts'
import { BareEngine, type BareOptions } from './bare-engine.ts'
import { FakeClock } from './fake-clock.ts'

export class BareWorld {
  readonly clock = new FakeClock(1_800_000_000_000)
  readonly bucket = new MemoryObjectStore({ clock: this.clock })
  readonly network = new FlakyObjectStore(this.bucket, {
    clock: this.clock,
    random: new SeededRandom(2),
  })
  #engine: BareEngine | undefined

  /** Objects can be put before the engine starts. */
  static async started(
    prepare: (bucket: MemoryObjectStore) => void = () => {},
    options: Partial<BareOptions> = {},
  ): Promise<BareWorld> {
    const world = new BareWorld()
    prepare(world.bucket)
    const { clock, network: store } = world
    const random = new SeededRandom(1)
    world.#engine = await BareEngine.start({ clock, store, random, ...options })
    onTestFinished(() => world.engine.close())
    return world
  }

  get engine(): BareEngine {
    if (!this.#engine) throw new Error('the engine is not started')
    return this.#engine
  }

  get vfs() {
    return this.engine.vfs
  }

  get context() {
    return this.engine.context()
  }

  /** The process dies, and another one starts on what it left. */
  async killed(): Promise<void> {
    this.#engine = await this.engine.killed()
  }

  run<T>(work: Promise<T>): Promise<T> {
    return this.clock.until(work)
  }

  async find(path: string) {
    let found = await this.run(this.vfs.lookup(this.context, this.vfs.root, '.'))
    for (const name of path.split('/')) {
      found = await this.run(this.vfs.lookup(this.context, found.attributes.id, name))
    }
    return found.attributes
  }

  async read(path: string): Promise<string> {
    const { id, sizeBytes } = await this.find(path)
    const { handle } = await this.run(this.vfs.open(this.context, id, { read: true, write: false }))
    const into = new Uint8Array(sizeBytes)
    try {
      await this.run(this.vfs.read(this.context, { id, handle }, 0, into))
    } finally {
      await this.run(this.vfs.release(handle))
    }
    return new TextDecoder().decode(into)
  }

  /** Makes the file, or replaces its content, in the root directory. */
  async write(name: string, content: string): Promise<NodeId> {
    const request = { read: false, write: true, truncate: true, mode: 0o644, exclusive: false }
    const { handle, attributes } = await this.run(
      this.vfs.create(this.context, this.vfs.root, name, request),
    )
    const target = { id: attributes.id, handle }
    await this.run(this.vfs.write(this.context, target, 0, Buffer.from(content)))
    await this.run(this.vfs.flush(this.context, target))
    await this.run(this.vfs.release(handle))
    return attributes.id
  }

  async names(path = ''): Promise<string[]> {
    const id = path === '' ? this.vfs.root : (await this.find(path)).id
    const names: string[] = []
    for (let cookie = 0; ; ) {
      const page = await this.run(this.vfs.readdir(this.context, { id }, cookie, 100))
      names.push(...page.entries.map((entry) => entry.name))
      cookie = page.entries.at(-1)?.cookie ?? cookie
      if (page.isEnd) return names.sort()
    }
  }
}
