/** What a run is told on its command line. */
import { parseArgs } from 'node:util'
import { CASES } from './cases.ts'
import { TOOL_NAMES } from './tools.ts'

export type Options = {
  readonly isQuick: boolean
  readonly writesDocs: boolean
  /** Files of earlier runs, separated by commas, instead of a new one. */
  readonly from: string | undefined
  readonly runs: number
  readonly delaysMs: readonly number[]
  readonly limitMs: number
  readonly budgetMs: number
  readonly caseIds: ReadonlySet<string>
  readonly tools: ReadonlySet<string>
  readonly withMemory: boolean
  readonly withPromises: boolean
}

export const USAGE = `npm run bench -- [options]
  --quick            tiny sizes, one run: shows that everything works
  --write-docs       puts the result into docs/BENCHMARKS.md and docs/images
  --from A.json,...  takes the numbers of earlier runs
  --runs N           runs of each case (3)
  --delays A,B       round-trip delays in milliseconds (0,30)
  --limit SECONDS    what one case of one tool may take (20)
  --minutes N        no case is repeated after this time (11)
  --cases A,B        ${CASES.map(({ id }) => id).join(', ')}; memory, promises
  --tools A,B        ${TOOL_NAMES.join(', ')}`

export function readOptions(args: readonly string[]): Options | undefined {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean' },
      'write-docs': { type: 'boolean' },
      help: { type: 'boolean' },
      from: text,
      runs: text,
      delays: text,
      limit: text,
      minutes: text,
      cases: text,
      tools: text,
    },
  })
  if (values.help) return undefined
  const caseIds = new Set(
    values.cases?.split(',') ?? [...CASES.map(({ id }) => id), 'memory', 'promises'],
  )
  return {
    isQuick: values.quick ?? false,
    writesDocs: values['write-docs'] ?? false,
    from: values.from,
    runs: Number(values.runs ?? (values.quick ? 1 : 3)),
    delaysMs: (values.delays ?? '0,30').split(',').map(Number),
    limitMs: Number(values.limit ?? 20) * 1000,
    budgetMs: Number(values.minutes ?? 11) * 60_000,
    caseIds,
    tools: new Set(values.tools?.split(',') ?? TOOL_NAMES),
    withMemory: caseIds.has('memory'),
    withPromises: caseIds.has('promises'),
  }
}
