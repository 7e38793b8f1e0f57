/**
 * A folder over a bucket in memory, beside the simplest file system that could be right.
 *
 * Keeps: one seed gives one history; a killed engine sends nothing more.
 */
import { expect } from 'vitest'
import { SeededRandom } from '../../engine/base/clock.ts'
import { EndpointFacts } from '../../engine/mounts/endpoint-facts.ts'
import { FlakyObjectStore, type ScriptedFault } from '../../engine/s3/flaky-object-store.ts'
import { MemoryObjectStore } from '../../engine/s3/memory-object-store.ts'
import type { Capabilities } from '../../engine/s3/object-store.ts'
import { ReferenceTree } from '../model/reference-tree.ts'
import { BareEngine, type Remains } from '../support/bare-engine.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { Paths } from '../support/paths.ts'
import type { Operation } from './operations.ts'

export type SimulationOptions = {
  readonly seed: number
  /** What the endpoint was found to honour before; `unknown`: it is probed first. */
  readonly capabilities?: Capabilities | 'unknown'
  readonly bucket?: (clock: FakeClock) => MemoryObjectStore
  /** What the bucket holds before the folder is mounted. */
  readonly objects?: Readonly<Record<string, Uint8Array>>
}

const ALL: Capabilities = {
  conditionalPut: true,
  conditionalComplete: true,
  uploadPartCopy: true,
  etagIsMd5: true,
}
const START_MS = 1_800_000_000_000
/** Enough turns of the loop that no answer is late only because time was moved on too soon. */
const SETTLE_TURNS = 12
/** Longer than anything waits that is tried again by itself. */
const RETRIED_MS = 70_000
const FLUSH_LOOK_MS = 50
/** A folder that was listed is looked at again after less. */
const LISTED_AGAIN_MS = 12_000

export class Simulation {
  readonly clock = new FakeClock(START_MS, SETTLE_TURNS)
  readonly random: SeededRandom
  readonly bucket: MemoryObjectStore
  readonly reference = new ReferenceTree()
  /** Requests of all engines so far. */
  readonly trace: string[] = []
  #store: FlakyObjectStore
  #engine: BareEngine | undefined
  #writes = 0

  private constructor(options: SimulationOptions) {
    this.random = new SeededRandom(options.seed)
    this.bucket = options.bucket?.(this.clock) ?? new MemoryObjectStore({ clock: this.clock })
    this.#store = this.#line()
    for (const [key, bytes] of Object.entries(options.objects ?? {})) {
      this.bucket.putDirect(key, bytes)
      if (!key.endsWith('/')) this.reference.plant(key, bytes)
      else this.#plantFolder(key.slice(0, -1))
    }
  }

  static async start(options: SimulationOptions): Promise<Simulation> {
    const simulation = new Simulation(options)
    const { clock, random } = simulation
    simulation.#engine = await BareEngine.start({ store: simulation.#store, clock, random })
    const { capabilities = ALL } = options
    if (capabilities !== 'unknown') simulation.#know(capabilities)
    return simulation
  }

  /** A folder of the bucket, with those above it. */
  #plantFolder(path: string): void {
    for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
      this.reference.mkdir(path.slice(0, end))
    }
    this.reference.mkdir(path)
  }

  get engine(): BareEngine {
    if (!this.#engine) throw new Error('no engine runs')
    return this.#engine
  }

  get paths(): Paths {
    return new Paths(this.engine, (work) => this.clock.until(work))
  }

  /** Requests of the engine that runs, since the script was set. */
  get calls(): readonly string[] {
    return this.#store.calls
  }

  setScript(script: readonly ScriptedFault[]): void {
    this.#store.setScript(script)
  }

  setOffline(isOffline: boolean): void {
    this.#store.setOffline(isOffline)
  }

  /** The folder and the reference do the same; their answers must agree. */
  async run(operation: Operation): Promise<void> {
    if (operation.kind === 'flush') {
      await this.engine.flush()
      return
    }
    const count = ++this.#writes
    const got = await operation.run(this.paths, count)
    const wanted = await operation.run(this.reference, count)
    expect(sameKind(got), operation.name).toBe(sameKind(wanted))
  }

  async kill(): Promise<void> {
    this.#store.setOffline(true)
    this.#noteCalls()
    this.#store = this.#line()
    this.#engine = await this.engine.killed({ store: this.#store })
  }

  /**
   * Uploads until nothing is left, or until `isStopped` says that the engine is dead: then its
   * flush is given up, as it would be with the process.
   */
  async flushUntil(isStopped: () => boolean): Promise<void> {
    const aborted = new AbortController()
    const flushed = this.engine.volume.syncer.flush('', aborted.signal)
    let isDone = false
    const done = flushed.then(() => {
      isDone = true
    })
    while (!isDone && !isStopped()) await this.clock.advance(FLUSH_LOOK_MS)
    aborted.abort()
    await this.clock.until(done)
  }

  /** Stops the engine within a request: nothing after this call reaches the bucket or the disk. */
  stop(remainsOf: (engine: BareEngine) => Remains = (engine) => engine.remainsOfKill()): Remains {
    const remains = remainsOf(this.engine)
    this.#store.setOffline(true)
    return remains
  }

  /** Starts an engine on what a stopped one left. */
  async resume(remains: Remains): Promise<void> {
    const { clock, random } = this
    await this.engine.close()
    this.#noteCalls()
    this.#store = this.#line()
    this.#engine = await BareEngine.resume({ store: this.#store, clock, random }, remains)
  }

  async cutPower(): Promise<void> {
    await this.resume(this.stop((engine) => engine.remainsOfCut(this.random)))
  }

  async close(): Promise<void> {
    this.#noteCalls()
    await this.#engine?.close()
    this.#engine = undefined
  }

  /** The folder shows what the reference holds, names and bytes. */
  async compareFolder(what: string): Promise<void> {
    for (const [path, entry] of this.reference.entries) {
      if (entry.kind === 'directory') {
        const names = (await this.paths.names(path)).map((one) => one.name)
        expect(names, `${what}: names in ${path || 'the folder'}`).toEqual(
          this.reference.names(path),
        )
      } else if (entry.kind === 'file') {
        const bytes = await this.paths.read(path)
        expect(Buffer.compare(bytes, entry.bytes), `${what}: content of ${path}`).toBe(0)
      }
    }
  }

  /** Everything goes to the bucket; then bucket, folder and reference are one, and nothing is left over. */
  async drain(what: string): Promise<void> {
    await this.engine.flush()
    await this.clock.advance(RETRIED_MS)
    const pending = await this.engine.flush()
    expect(pending.files, `${what}: left in the journal ${this.journal()}`).toBe(0)
    this.compareBucket(what)
    this.#compareLeftovers(what)
    await this.clock.advance(LISTED_AGAIN_MS)
    await this.compareFolder(`${what}, drained`)
  }

  compareBucket(what: string): void {
    const files = [...this.reference.entries].filter(([, entry]) => entry.kind === 'file')
    const keys = this.bucket.keys()
    const objects = keys.filter((key) => !key.endsWith('/')).sort()
    expect(objects, `${what}: objects`).toEqual(files.map(([path]) => path).sort())
    for (const [path, entry] of files) {
      const bytes = this.bucket.bytesOf(path)
      const isSame = bytes && entry.kind === 'file' && Buffer.compare(bytes, entry.bytes) === 0
      expect(isSame, `${what}: object ${path}`).toBe(true)
    }
    for (const key of keys.filter((one) => one.endsWith('/'))) {
      const kind = this.reference.entries.get(key.slice(0, -1))?.kind
      expect(kind, `${what}: marker ${key}`).toBe('directory')
    }
    for (const [path, entry] of this.reference.entries) {
      if (entry.kind === 'file' || path === '' || this.reference.names(path).length > 0) continue
      expect(keys, `${what}: marker of the empty directory ${path}`).toContain(`${path}/`)
    }
  }

  journal(): string {
    const { database } = this.engine.volume.tree
    return JSON.stringify(
      database.all('SELECT op, node, key, state, error_code, error_detail FROM journal'),
    )
  }

  #compareLeftovers(what: string): void {
    const { database } = this.engine.volume.tree
    expect(this.journal(), `${what}: journal`).toBe('[]')
    for (const table of ['staged', 'move_item']) {
      expect(database.all(`SELECT * FROM ${table}`), `${what}: table ${table}`).toEqual([])
    }
    const staged = this.engine.disk.paths.filter((path) => path.startsWith('/staging/'))
    expect(staged, `${what}: staging files`).toEqual([])
    expect(this.bucket.openUploads(), `${what}: uploads left open`).toBe(0)
  }

  #know(capabilities: Capabilities): void {
    const { endpointUrl: url, bucket, tree } = this.engine.volume
    new EndpointFacts(tree, { url, bucket }).save(capabilities)
  }

  #line(): FlakyObjectStore {
    return new FlakyObjectStore(this.bucket, { clock: this.clock, random: this.random })
  }

  #noteCalls(): void {
    this.trace.push(...this.#store.calls)
  }
}

/** Which of several missing things is told first is the kernel's path walk, not ours. */
function sameKind(errno: string): string {
  return errno === 'ENOTDIR' ? 'ENOENT' : errno
}
