/** One random history with a power cut in it, and what came out of it. */

import { SeededRandom } from '../../engine/base/clock.ts'
import type { Row } from '../../engine/store/database.ts'
import { PailError } from '../../shared/errors.ts'
import type { BareEngine, Remains } from '../support/bare-engine.ts'
import { settle } from '../support/fake-clock.ts'
import { bytesFor } from './operations.ts'
import { PowerHistory, type Seen } from './power-history.ts'
import { Simulation } from './simulation.ts'

const NAMES = ['a', 'b', 'd/x', 'd/y']
const OPERATIONS_MAX = 10
const SIZE_MAX = 20_000
/** Turns of the loop that the last operation gets before power goes; more than it needs. */
const CUT_TURNS_MAX = 60
/** Nothing that can be sent takes longer. */
const FLUSH_MS = 60_000
const CONFLICT = / \(conflict host .*\)$/

export type Boundary = { readonly nth: number; readonly fate: number }

export type PowerOutcome = {
  readonly problems: string[]
  readonly operations: string[]
  /** The history has fewer boundaries than that: power went at its end. */
  readonly isBeyondEnd: boolean
}

/**
 * @param cut when power goes: at a random moment of the last operation, or right before the n-th change
 *        of the disk or the database, or sync of either; `fate` decides what is left of the rest
 */
export async function runPowerHistory(seed: number, cut?: Boundary): Promise<PowerOutcome> {
  const objects = { a: bytesFor(200, 9000), 'd/x': bytesFor(201, 700) }
  const simulation = await Simulation.start({ seed, objects })
  const run = new PowerRun(simulation, new SeededRandom(seed), cut)
  for (const [path, bytes] of Object.entries(objects)) run.history.plant(path, bytes)
  run.history.begin()
  try {
    await run.work()
    await run.cut()
    const { operations, isBeyondEnd } = run
    return { problems: await run.problems(), operations, isBeyondEnd }
  } catch (thrown) {
    const error = PailError.from(thrown)
    return { problems: [`threw ${error.stack}`], operations: run.operations, isBeyondEnd: false }
  } finally {
    await simulation.close()
  }
}

/** Different things that may be left when power goes at one boundary. */
const FATES = 2
const FAILURES_SHOWN = 10

/** The same history again and again, cut at its first boundary, its second, and so on to its end. */
export async function cutAtEachBoundary(
  seed: number,
): Promise<{ readonly boundaries: number; readonly failures: string[] }> {
  const failures: string[] = []
  for (let nth = 1; failures.length < FAILURES_SHOWN; nth++) {
    for (let fate = 1; fate <= FATES; fate++) {
      const { problems, operations, isBeyondEnd } = await runPowerHistory(seed, { nth, fate })
      if (problems.length > 0) {
        failures.push(
          `seed ${seed}, boundary ${nth}, fate ${fate} [${operations.join('; ')}]: ${problems}`,
        )
      }
      if (isBeyondEnd) return { boundaries: nth - 1, failures }
    }
  }
  return { boundaries: 0, failures }
}

class PowerRun {
  readonly history = new PowerHistory()
  readonly operations: string[] = []
  readonly #simulation: Simulation
  readonly #dice: SeededRandom
  readonly #boundary: Boundary | undefined
  #remains: Remains | undefined
  #count = 0

  constructor(simulation: Simulation, dice: SeededRandom, boundary: Boundary | undefined) {
    this.#simulation = simulation
    this.#dice = dice
    this.#boundary = boundary
  }

  /** No such boundary came. */
  get isBeyondEnd(): boolean {
    return this.#boundary !== undefined && this.#remains === undefined
  }

  async work(): Promise<void> {
    const count = 1 + this.#below(OPERATIONS_MAX)
    if (this.#boundary) await this.#workUntil(this.#boundary, count)
    else await this.#workAndStop(count)
  }

  /** Operation after operation, until one comes to the boundary; the syncer may come to it as well. */
  async #workUntil({ nth, fate }: Boundary, count: number): Promise<void> {
    let seen = 0
    const pass = () => {
      if (++seen !== nth) return
      this.#isCut = true
      const dice = new SeededRandom(fate)
      this.#remains = this.#simulation.stop((engine) => engine.remainsOfCut(dice))
    }
    watchBoundaries(this.#simulation.engine, pass)
    for (let done = 0; done < count && !this.#isCut; done++) {
      await this.#operation().catch((thrown) => {
        if (!this.#isCut) throw thrown
      })
    }
  }

  /** Some operations are completed, the last one is cut off anywhere. */
  async #workAndStop(count: number): Promise<void> {
    for (let done = 0; done < count; done++) await this.#operation()
    const last = this.#operation().catch(() => {})
    await settle(this.#below(CUT_TURNS_MAX))
    this.#last = last
  }

  #last: Promise<void> = Promise.resolve()
  /** What an operation is told after power went, nobody heard. */
  #isCut = false

  async cut(): Promise<void> {
    this.#isCut = true
    const remains =
      this.#remains ?? this.#simulation.stop((engine) => engine.remainsOfCut(this.#dice))
    await this.#last
    await this.#simulation.resume(remains)
  }

  async problems(): Promise<string[]> {
    const problems: string[] = []
    const seen = await this.#look()
    for (const path of new Set([...this.history.paths, ...seen.keys()])) {
      const found = seen.get(path) ?? 'absent'
      const isCopy = CONFLICT.test(path) && found instanceof Uint8Array
      const verdict = isCopy
        ? this.history.isKnown(found)
          ? undefined
          : 'is a copy of nothing'
        : this.history.verdict(path, found)
      if (verdict) problems.push(`${path} ${verdict}`)
    }
    await this.#simulation.engine.flush(FLUSH_MS)
    await this.#simulation.clock.advance(70_000)
    await this.#simulation.engine.flush(FLUSH_MS)
    problems.push(...this.#bucketProblems(seen), ...this.#journalProblems(seen))
    return problems
  }

  #below(limit: number): number {
    return Math.floor(this.#dice.next() * limit)
  }

  #name(): string {
    return NAMES[this.#below(NAMES.length)] ?? 'a'
  }

  async #operation(): Promise<void> {
    const { paths, clock, engine } = this.#simulation
    const { history } = this
    const path = this.#name()
    const bytes = bytesFor(++this.#count, 1 + this.#below(SIZE_MAX))
    const before = history.contentAt(path)
    const [kind, offset, to] = [this.#below(10), this.#below(before?.length ?? 1), this.#name()]
    /** Told first: what is cut off may be there, and may not. */
    const change = async (
      text: string,
      isDerived: boolean,
      model: () => string,
      work: () => Promise<string>,
    ) => {
      this.operations.push(text)
      const isOk = model() === 'ok'
      history.note(path, before, isDerived)
      const answer = await work()
      if (isOk !== (answer === 'ok')) throw new Error(`${text} answered ${answer}`)
    }
    switch (kind) {
      case 0:
      case 1:
        return change(
          `write ${path} ${bytes.length}`,
          false,
          () => history.tree.write(path, 0, bytes, true),
          () => paths.write(path, 0, bytes, true),
        )
      case 2:
        return change(
          `patch ${path} ${offset} ${bytes.length}`,
          true,
          () => history.tree.write(path, offset, bytes, false),
          () => paths.write(path, offset, bytes, false),
        )
      case 3:
        return change(
          `append ${path} ${bytes.length}`,
          true,
          () => history.tree.append(path, bytes),
          () => paths.append(path, bytes),
        )
      case 4:
        return change(
          `truncate ${path} ${offset}`,
          true,
          () => history.tree.truncate(path, offset),
          () => paths.truncate(path, offset),
        )
      case 5:
        return change(
          `rename ${path} ${to}`,
          false,
          () => history.tree.rename(path, to),
          () => paths.rename(path, to),
        )
      case 6:
        return change(
          `unlink ${path}`,
          false,
          () => history.tree.unlink(path),
          () => paths.unlink(path),
        )
      case 7:
      case 8:
        this.operations.push(`sync ${path}`)
        if ((await paths.sync(path)) === 'ok' && !this.#isCut) history.synced(path)
        return
      default:
        if (this.#below(2) === 0) {
          this.operations.push('wait')
          await clock.advance(1500)
        } else {
          this.operations.push('flush')
          await engine.flush(FLUSH_MS)
          if (!this.#isCut) history.stored()
        }
    }
  }

  /** Everything in the folder right after the start. */
  async #look(): Promise<Map<string, Seen>> {
    const seen = new Map<string, Seen>()
    const { paths } = this.#simulation
    const visit = async (directory: string) => {
      for (const { name, kind } of await paths.names(directory)) {
        const path = directory === '' ? name : `${directory}/${name}`
        if (kind === 'directory') {
          seen.set(path, 'directory')
          await visit(path)
        } else {
          seen.set(path, await paths.read(path).catch(() => 'error' as const))
        }
      }
    }
    await visit('')
    return seen
  }

  #bucketProblems(seen: ReadonlyMap<string, Seen>): string[] {
    const { bucket } = this.#simulation
    const problems: string[] = []
    for (const [path, found] of seen) {
      if (!(found instanceof Uint8Array)) continue
      const stored = bucket.bytesOf(path)
      if (!stored) {
        // A copy of another version may have taken its place meanwhile, under a name of its own.
        const isCopied = bucket
          .keys()
          .some((key) => CONFLICT.test(key) && sameBytes(bucket.bytesOf(key), found))
        if (!isCopied) problems.push(`${path} does not reach the bucket`)
      } else if (!sameBytes(stored, found)) {
        if (sameBytes(bucket.bytesOf(this.#heldUp().get(path) ?? ''), found)) continue
        const isCopied = bucket
          .keys()
          .some((key) => CONFLICT.test(key) && sameBytes(bucket.bytesOf(key), found))
        if (!isCopied) problems.push(`${path} is another one in the bucket`)
      }
    }
    for (const key of bucket.keys().filter((one) => !one.endsWith('/'))) {
      const bytes = bucket.bytesOf(key)
      if (bytes && !this.history.isKnown(bytes) && !sameBytes(bytes, seen.get(key))) {
        problems.push(`object ${key} holds bytes that nobody wrote`)
      }
    }
    if (bucket.openUploads() > 0) problems.push('an upload is left open')
    return problems
  }

  /**
   * Files that have another's place: its new bytes are damaged, and what stands there is the last that
   * is left of it. They are in the bucket under the key that they were stored under, by their paths.
   */
  #heldUp(): ReadonlyMap<string, string> {
    const { tree } = this.#simulation.engine.volume
    const rows = tree.database.all(
      `SELECT node, key FROM journal WHERE op = 'move' AND error_code = 'store/corrupt'
       AND error_detail LIKE 'has to leave first: %'`,
    )
    return new Map(rows.map(({ node, key }) => [tree.keyOf(tree.node(Number(node))), String(key)]))
  }

  /** What is left waits for a person, because its bytes are damaged; and that was seen before. */
  #journalProblems(seen: ReadonlyMap<string, Seen>): string[] {
    const { database } = this.#simulation.engine.volume.tree
    const heldUp = new Set(this.#heldUp().values())
    return database
      .all('SELECT op, key, state, error_code FROM journal')
      .filter((row) => seen.get(String(row.key)) !== 'error' || !isDamaged(row))
      .filter(({ key }) => !heldUp.has(String(key)) || ![...seen.values()].includes('error'))
      .map((row) => `left in the journal: ${JSON.stringify(row)}`)
  }
}

/** Before each change of the disk or the database, and each sync of either. */
function watchBoundaries({ disk, stores }: BareEngine, pass: () => void): void {
  const { database } = stores
  const run = database.run.bind(database)
  const sync = database.sync.bind(database)
  disk.onStep = pass
  database.run = (sql, ...values) => {
    pass()
    return run(sql, ...values)
  }
  database.sync = async () => {
    pass()
    return sync()
  }
}

/** A deletion waits for what is to take its place. */
function isDamaged(row: Row): boolean {
  return row.error_code === 'store/corrupt' || (row.op === 'delete' && row.error_code === null)
}

function sameBytes(a: Uint8Array | undefined, b: Seen | undefined): boolean {
  return a !== undefined && b instanceof Uint8Array && Buffer.compare(a, b) === 0
}
