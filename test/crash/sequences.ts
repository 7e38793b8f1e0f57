/** Runs short sequences of operations with kills in them, and tells which ones went wrong. */
import type { SeededRandom } from '../../engine/base/clock.ts'
import { OBJECTS, OPERATIONS, type Operation } from './operations.ts'
import { Simulation } from './simulation.ts'

/** After how many failures the rest is left untried. */
const FAILURES_SHOWN = 10

type Sequence = readonly Operation[]
/** Killed after each operation, or after the last one alone. */
type Killed = 'each' | 'last'

export function allPairs(): Sequence[] {
  return OPERATIONS.flatMap((first) => OPERATIONS.map((second) => [first, second]))
}

export function allThrees(): Sequence[] {
  return allPairs().flatMap((pair) => OPERATIONS.map((third) => [...pair, third]))
}

/** @returns `count` of the sequences, or all when there are not so many */
export function sampleOf(
  all: readonly Sequence[],
  count: number,
  random: SeededRandom,
): Sequence[] {
  const left = [...all]
  const sample: Sequence[] = []
  while (sample.length < count && left.length > 0) {
    sample.push(...left.splice(Math.floor(random.next() * left.length), 1))
  }
  return sample
}

/** @returns one line for each sequence that lost something or left something behind */
export async function failuresOf(sequences: readonly Sequence[]): Promise<string[]> {
  const failures: string[] = []
  for (const operations of sequences) {
    for (const killed of ['each', 'last'] as const) {
      if (failures.length >= FAILURES_SHOWN) return failures
      const failure = await failureOf(operations, killed)
      if (failure) failures.push(failure)
    }
  }
  return failures
}

async function failureOf(operations: Sequence, killed: Killed): Promise<string | undefined> {
  try {
    await runSequence(operations, killed)
    return undefined
  } catch (thrown) {
    const names = operations.map((operation) => operation.name).join('; ')
    const reason = thrown instanceof Error ? thrown.message : String(thrown)
    return `[${names}] killed after ${killed}: ${reason}`
  }
}

async function runSequence(operations: Sequence, killed: Killed): Promise<void> {
  const simulation = await Simulation.start({ seed: 1, objects: OBJECTS })
  try {
    for (const [index, operation] of operations.entries()) {
      await simulation.run(operation)
      if (killed === 'last' && index < operations.length - 1) continue
      await simulation.kill()
      await simulation.compareFolder(`after ${operation.name} and a kill`)
    }
    await simulation.drain('in the end')
  } finally {
    await simulation.close()
  }
}
