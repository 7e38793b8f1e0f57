/**
 * The long form of the model and of the simulated crashes: `tsx test/soak/model.ts [--seed N]`.
 *
 * Prints its seed, one line for each part and the figures in the end. Its exit code is 1 when
 * anything went wrong; the line names the seed or the history that shows it again.
 */
import { parseArgs } from 'node:util'
import fc from 'fast-check'
import { SeededRandom } from '../../engine/base/clock.ts'
import { killAt } from '../crash/every-request.ts'
import { cutAtEachBoundary, runPowerHistory } from '../crash/power-run.ts'
import { allPairs, allThrees, failuresOf, sampleOf } from '../crash/sequences.ts'
import { renamedDirectory } from '../crash/works.ts'
import { historyOf, type Weather } from '../model/histories.ts'
import { runHistory } from '../model/history.ts'
import { runSharedHistory, sharedHistory } from '../model/shared-bucket.ts'

export type SoakModelOptions = {
  readonly seed: number
  /** Random histories in calm weather and with kills; as many with slow requests and lost answers. */
  readonly histories: number
  /** Histories of two computers and a plain client on one bucket. */
  readonly sharedHistories: number
  /** Sequences of three operations, each killed in two ways; above 12,000: all. */
  readonly threes: number
  readonly powerCuts: number
  /** Histories that are cut at each change and sync of disk and database. */
  readonly boundaryHistories: number
  /** Objects of the renamed directory, and moments at which it is killed. */
  readonly movedObjects: number
  readonly moveKills: number
}

const SOAK_MODEL: Omit<SoakModelOptions, 'seed'> = {
  histories: 10_000,
  sharedHistories: 1000,
  threes: 12_167,
  powerCuts: 10_000,
  boundaryHistories: 100,
  movedObjects: 2500,
  moveKills: 100,
}

/** @param share of the whole: 1 is a night's work */
export function scaledModel(share: number): Omit<SoakModelOptions, 'seed'> {
  const scaled = (count: number) => Math.max(1, Math.round(count * share))
  return {
    histories: scaled(SOAK_MODEL.histories),
    sharedHistories: scaled(SOAK_MODEL.sharedHistories),
    threes: scaled(SOAK_MODEL.threes),
    powerCuts: scaled(SOAK_MODEL.powerCuts),
    boundaryHistories: scaled(SOAK_MODEL.boundaryHistories),
    movedObjects: scaled(SOAK_MODEL.movedObjects),
    moveKills: scaled(SOAK_MODEL.moveKills),
  }
}

export type SoakPart = {
  readonly name: string
  readonly runs: number
  readonly failures: readonly string[]
  readonly seconds: number
}

const FAILURES_SHOWN = 10

export async function soakModel(options: SoakModelOptions): Promise<readonly SoakPart[]> {
  console.log(`model seed ${options.seed}`)
  const { seed, histories, threes } = options
  const half = Math.ceil(histories / 2)
  const random = new SeededRandom(seed)
  return [
    await timed('histories in calm weather', half, () => randomHistories('calm', half, seed)),
    await timed('histories with kills and failing requests', half, () =>
      randomHistories('stormy', half, seed + 1),
    ),
    await timed('histories with slow requests', half, () =>
      randomHistories('slow', half, seed + 2),
    ),
    await timed('histories with lost answers', half, () =>
      randomHistories('lossy', half, seed + 3),
    ),
    await timed('histories of two computers', options.sharedHistories, () =>
      sharedHistories(options.sharedHistories, seed),
    ),
    await timed('sequences of two operations', allPairs().length, () => failuresOf(allPairs())),
    await timed('sequences of three operations', threes, () =>
      failuresOf(sampleOf(allThrees(), threes, random)),
    ),
    await timed('power cuts', options.powerCuts, () => powerCuts(options.powerCuts, random)),
    await timed('histories cut at each boundary', options.boundaryHistories, () =>
      boundaryCuts(options.boundaryHistories, random),
    ),
    await timed(`kills while ${options.movedObjects} objects move`, options.moveKills, () =>
      moveKills(options, random),
    ),
  ]
}

async function timed(
  name: string,
  runs: number,
  work: () => Promise<readonly string[]>,
): Promise<SoakPart> {
  const startedMs = performance.now()
  const failures = await work()
  const seconds = Math.round((performance.now() - startedMs) / 1000)
  console.log(`${name}: ${runs} runs, ${failures.length} wrong, ${seconds} s`)
  for (const failure of failures) console.log(`  ${failure}`)
  return { name, runs, failures, seconds }
}

async function randomHistories(weather: Weather, numRuns: number, seed: number): Promise<string[]> {
  const property = fc.asyncProperty(historyOf(weather), (history) => runHistory(history))
  const result = await fc.check(property, { seed, numRuns })
  if (!result.failed) return []
  return [
    `seed ${seed}, path ${result.counterexamplePath}: ${JSON.stringify(result.counterexample)}`,
  ]
}

async function sharedHistories(numRuns: number, seed: number): Promise<string[]> {
  const property = fc.asyncProperty(sharedHistory, (history) => runSharedHistory(history))
  const result = await fc.check(property, { seed, numRuns })
  return result.failed ? [`seed ${seed}: ${JSON.stringify(result.counterexample)}`] : []
}

async function powerCuts(count: number, random: SeededRandom): Promise<string[]> {
  const failures: string[] = []
  for (let run = 0; run < count && failures.length < FAILURES_SHOWN; run++) {
    const seed = Math.floor(random.next() * 2 ** 31)
    const { problems, operations } = await runPowerHistory(seed)
    if (problems.length > 0) failures.push(`seed ${seed} [${operations.join('; ')}]: ${problems}`)
  }
  return failures
}

async function boundaryCuts(count: number, random: SeededRandom): Promise<string[]> {
  const failures: string[] = []
  let boundaries = 0
  for (let run = 0; run < count && failures.length < FAILURES_SHOWN; run++) {
    const outcome = await cutAtEachBoundary(Math.floor(random.next() * 2 ** 31))
    failures.push(...outcome.failures)
    boundaries += outcome.boundaries
  }
  console.log(`  ${boundaries} boundaries`)
  return failures
}

/** A copy and a HEAD for each object, and a little more: moments anywhere among them. */
async function moveKills(options: SoakModelOptions, random: SeededRandom): Promise<string[]> {
  const failures: string[] = []
  const work = renamedDirectory(options.movedObjects)
  for (let run = 0; run < options.moveKills && failures.length < FAILURES_SHOWN; run++) {
    const nth = 1 + Math.floor(random.next() * (2 * options.movedObjects + 4))
    const when = random.next() < 0.5 ? 'before' : 'after'
    try {
      await killAt(work, { nth, when })
    } catch (thrown) {
      failures.push(`${when} request ${nth}: ${thrown instanceof Error ? thrown.message : thrown}`)
    }
  }
  return failures
}

if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: { seed: { type: 'string' }, share: { type: 'string' } },
  })
  const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9))
  const share = Number(values.share ?? 1)
  const parts = await soakModel({ seed, ...scaledModel(share) })
  process.exitCode = parts.every((part) => part.failures.length === 0) ? 0 : 1
}
