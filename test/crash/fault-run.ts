/** One fixed history, during which the disk or the database fails, and what came out of it. */
import { expect } from 'vitest'
import { PailError } from '../../shared/errors.ts'
import { bytesFor, type Folder } from './operations.ts'
import { Simulation } from './simulation.ts'

const OBJECTS = { a: bytesFor(200, 90_000), 'd/x': bytesFor(201, 700), 'd/y': bytesFor(202, 800) }

type Change = { readonly paths: readonly string[]; run(folder: Folder): string | Promise<string> }

type Step = Change | 'flush' | 'read'

/** Every kind of change, on files that are new, remote, staged and uploaded. */
const STEPS: readonly Step[] = [
  { paths: ['b'], run: (f) => f.write('b', 0, bytesFor(1, 5000), true) },
  { paths: ['a'], run: (f) => f.write('a', 40_000, bytesFor(2, 3000), false) },
  { paths: ['b'], run: (f) => f.sync('b') },
  'read',
  { paths: ['b'], run: (f) => f.append('b', bytesFor(3, 2000)) },
  { paths: ['d/x'], run: (f) => f.truncate('d/x', 300) },
  { paths: ['c'], run: (f) => f.write('c', 0, bytesFor(4, 6000), true) },
  { paths: ['c', 'b'], run: (f) => f.rename('c', 'b') },
  'flush',
  { paths: ['b'], run: (f) => f.write('b', 100, bytesFor(5, 200), false) },
  { paths: ['a'], run: (f) => f.write('a', 0, bytesFor(6, 7000), true) },
  { paths: ['d/y'], run: (f) => f.unlink('d/y') },
  { paths: ['n'], run: (f) => f.mkdir('n') },
  { paths: ['d/x', 'n/x', 'n'], run: (f) => f.rename('d/x', 'n/x') },
  { paths: ['a'], run: (f) => f.truncate('a', 0) },
  'flush',
]

const FILLING_FILES = 60

/** More files than the database has room for. */
export const FILLING: readonly Step[] = Array.from({ length: FILLING_FILES }, (_, index) => {
  const path = `${index}${'-'.repeat(150)}`
  return { paths: [path], run: (f) => f.write(path, 0, bytesFor(index, 100), true) }
})

/** What a program may be told of a disk that is full or broken. */
const HONEST = ['ok', 'ENOSPC', 'EIO', 'EDQUOT']

/**
 * @param breakIt begins the failing; called when the engine runs
 * @param heal ends it; called before everything is sent and compared
 * @returns what the operations answered
 */
export async function runFaulty(
  breakIt: (simulation: Simulation) => void,
  heal: (simulation: Simulation) => void,
  steps = STEPS,
): Promise<string[]> {
  const simulation = await Simulation.start({ seed: 1, objects: OBJECTS })
  try {
    breakIt(simulation)
    const run = new FaultyRun(simulation)
    for (const step of steps) await run.step(step)
    heal(simulation)
    await run.end()
    return run.answers
  } finally {
    await simulation.close()
  }
}

class FaultyRun {
  readonly answers: string[] = []
  readonly #simulation: Simulation
  /** A failed operation was told to the program: its files are as before, as after, or between. */
  readonly #uncertain = new Set<string>()

  constructor(simulation: Simulation) {
    this.#simulation = simulation
  }

  async step(step: Step): Promise<void> {
    const { reference, paths } = this.#simulation
    if (step === 'flush') {
      await this.#flush()
      return
    }
    if (step === 'read') {
      await this.#read('a')
      return
    }
    const answer = await step.run(paths)
    this.answers.push(answer)
    const isKnown = !step.paths.some((path) => this.#uncertain.has(path))
    if (isKnown) expect(HONEST).toContain(answer)
    if (answer !== 'ok' || !isKnown) for (const path of step.paths) this.#uncertain.add(path)
    if (answer === 'ok') step.run(reference)
  }

  /** Healed: nothing acknowledged is lost, before and after a restart, and all goes to the bucket. */
  async end(): Promise<void> {
    const { clock } = this.#simulation
    await this.#compare('healed')
    await this.#simulation.kill()
    await this.#compare('restarted')
    await this.#simulation.engine.flush(FLUSH_MS)
    await clock.advance(70_000)
    const pending = await this.#simulation.engine.flush(FLUSH_MS)
    expect(pending.files, `left in the journal ${this.#simulation.journal()}`).toBe(0)
    await this.#compareBucket()
  }

  /** Who asks for it may be told of the disk, in the words of the error table. */
  async #flush(): Promise<void> {
    try {
      await this.#simulation.engine.flush(FLUSH_MS)
    } catch (thrown) {
      const error = PailError.from(thrown)
      if (error.code === 'internal/bug') throw thrown
      this.answers.push(error.errno)
    }
  }

  /** A read may fail with the disk; it never answers with other bytes. */
  async #read(path: string): Promise<void> {
    const entry = this.#simulation.reference.entries.get(path)
    if (entry?.kind !== 'file' || this.#uncertain.has(path)) return
    try {
      const bytes = await this.#simulation.paths.read(path)
      expect(Buffer.compare(bytes, entry.bytes), `content of ${path} while it fails`).toBe(0)
    } catch (thrown) {
      const error = PailError.from(thrown)
      if (error.code === 'internal/bug') throw thrown
      this.answers.push(error.errno)
    }
  }

  async #compare(what: string): Promise<void> {
    for (const [path, entry] of this.#simulation.reference.entries) {
      if (entry.kind !== 'file' || this.#uncertain.has(path)) continue
      const bytes = await this.#simulation.paths.read(path)
      expect(Buffer.compare(bytes, entry.bytes), `${what}: content of ${path}`).toBe(0)
    }
  }

  /** Of what is uncertain, folder and bucket say the same. */
  async #compareBucket(): Promise<void> {
    const { bucket, reference, paths } = this.#simulation
    expect(bucket.openUploads(), 'uploads left open').toBe(0)
    for (const [path, entry] of reference.entries) {
      if (entry.kind !== 'file' || this.#uncertain.has(path)) continue
      const stored = bucket.bytesOf(path)
      expect(stored && Buffer.compare(stored, entry.bytes), `object ${path}`).toBe(0)
    }
    for (const key of bucket.keys().filter((one) => !one.endsWith('/'))) {
      const isExpected = this.#uncertain.has(key) || reference.entries.has(key)
      expect(isExpected, `object ${key} is one that a program made`).toBe(true)
      const shown = await paths.read(key)
      const stored = bucket.bytesOf(key)
      expect(stored && Buffer.compare(stored, shown), `object ${key} as the folder shows it`).toBe(
        0,
      )
    }
  }
}

/** Longer than anything takes that can be sent at all. */
const FLUSH_MS = 60_000
