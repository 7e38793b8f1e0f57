/**
 * The order of a run: every tool does a case before the next case begins, and the whole is repeated,
 * so that what disturbs the machine disturbs all tools alike.
 */
import { loadavg } from 'node:os'
import { startVersitygw } from '../test/support/versitygw.ts'
import { CASES, type Case, FULL_SIZES, QUICK_SIZES, type Sizes } from './cases.ts'
import { type Cell, type CellPlan, type Instruments, measureCell } from './cell.ts'
import { onInterrupt } from './interrupt.ts'
import { Lab } from './lab.ts'
import { describeMachine, type Machine } from './machine.ts'
import { FULL_MEMORY, type MemoryFigure, measureMemory, QUICK_MEMORY } from './memory.ts'
import type { Options } from './options.ts'
import { FULL_PROMISES, measurePromises, type PromiseFigure, QUICK_PROMISES } from './promises.ts'
import { type DelayProxy, startProxy } from './proxy.ts'
import { missingTools, TOOL_NAMES, type ToolName } from './tools.ts'
import { Worker } from './worker.ts'

export type Results = {
  readonly format: 1
  readonly startedAt: string
  readonly minutes: number
  readonly machine: Machine
  /** Over the last minute before the run: what else the machine did. */
  readonly loadBefore?: number
  readonly isQuick: boolean
  readonly runs: number
  readonly limitMs: number
  readonly delaysMs: readonly number[]
  readonly tools: readonly ToolName[]
  readonly missing: readonly ToolName[]
  readonly sizes: Sizes
  readonly cells: readonly Cell[]
  readonly memory: readonly MemoryFigure[]
  /** Absent in runs of before they were measured. */
  readonly promises?: readonly PromiseFigure[]
}

const SHARED_BUCKET = 'bench-shared'
/** What takes longer is not repeated: the whole stays within a coffee break. */
const REPEATED_MAX_MS = 8000

export async function runAll(options: Options, say: (line: string) => void): Promise<Results> {
  const start = performance.now()
  const loadBefore = loadavg()[0] ?? 0
  const startedAt = new Date().toISOString()
  const missing = missingTools()
  for (const name of missing) say(`${name} is not installed: its column stays empty`)
  const tools = TOOL_NAMES.filter((name) => options.tools.has(name) && !missing.includes(name))
  const sizes = options.isQuick ? QUICK_SIZES : FULL_SIZES
  const server = await startVersitygw()
  const stopServer = onInterrupt(() => server.stop())
  const worker = new Worker()
  const lab = new Lab(server)
  const proxies: DelayProxy[] = []
  try {
    for (const delayMs of options.delaysMs) proxies.push(await startProxy(server.url, delayMs))
    const rounds = { options, sizes, tools, say }
    const memory = options.withMemory ? await runMemory({ lab, worker }, options, say) : []
    const promises = options.withPromises ? await runPromises({ lab, worker }, options, say) : []
    const cells = await runRounds(rounds, { lab, worker, proxies })
    const { runs, limitMs, delaysMs, isQuick } = options
    const minutes = (performance.now() - start) / 60_000
    const machine = await describeMachine()
    return {
      format: 1,
      startedAt,
      minutes,
      machine,
      loadBefore,
      isQuick,
      runs,
      limitMs,
      delaysMs,
      tools,
      missing,
      sizes,
      cells,
      memory,
      promises,
    }
  } finally {
    worker.stop()
    await Promise.all(proxies.map((proxy) => proxy.stop()))
    await stopServer()
  }
}

type Rounds = {
  readonly options: Options
  readonly sizes: Sizes
  readonly tools: readonly ToolName[]
  readonly say: (line: string) => void
}
type Rig = Omit<Instruments, 'proxy'> & { readonly proxies: readonly DelayProxy[] }

async function runMemory(
  rig: { readonly lab: Lab; readonly worker: Worker },
  options: Options,
  say: (line: string) => void,
): Promise<MemoryFigure[]> {
  const sizes = options.isQuick ? QUICK_MEMORY : FULL_MEMORY
  const figures = await measureMemory({ ...rig, sizes })
  for (const { title, peakBytes, ms, failure } of figures) {
    say(
      `memory  ${title}: ${Math.round(peakBytes / 1024 ** 2)} MiB, ${seconds(ms)}${failure ?? ''}`,
    )
  }
  return figures
}

async function runPromises(
  rig: { readonly lab: Lab; readonly worker: Worker },
  options: Options,
  say: (line: string) => void,
): Promise<PromiseFigure[]> {
  const figures = await measurePromises({
    ...rig,
    sizes: options.isQuick ? QUICK_PROMISES : FULL_PROMISES,
  })
  for (const { title, ms, barMs } of figures) {
    say(`promise ${title}: ${ms.toFixed(1)} ms, bar ${barMs} ms`)
  }
  return figures
}

async function runRounds(rounds: Rounds, rig: Rig): Promise<Cell[]> {
  const { options, sizes, tools, say } = rounds
  const cases = CASES.filter(({ id }) => options.caseIds.has(id))
  await rig.lab.server.createBucket(SHARED_BUCKET)
  const isFilled = new Set<Case['shared']>()
  for (const { shared } of cases) {
    if (!shared || isFilled.has(shared)) continue
    isFilled.add(shared)
    await rig.lab.put(SHARED_BUCKET, shared(sizes))
  }
  const deadline = performance.now() + options.budgetMs
  const cells: Cell[] = []
  const tooSlow = new Set<string>()
  for (let run = 0; run < options.runs; run++) {
    for (const proxy of rig.proxies) {
      for (const theCase of cases) {
        for (const tool of tools) {
          const name = `${proxy.delayMs} ${theCase.id} ${tool}`
          const isLate = run > 0 && performance.now() > deadline
          if (isLate || tooSlow.has(name)) continue
          const { limitMs } = options
          const plan = { theCase, tool, run, sizes, limitMs, sharedBucket: SHARED_BUCKET }
          const cell = await measureOrExplain(plan, { ...rig, proxy })
          cells.push(cell)
          if (isSlow(cell)) tooSlow.add(name)
          say(lineOf(cell))
        }
      }
    }
  }
  return cells
}

async function measureOrExplain(plan: CellPlan, instruments: Instruments): Promise<Cell> {
  try {
    return await measureCell(plan, instruments)
  } catch (thrown) {
    const { theCase, tool, run } = plan
    const nothing = { times: {}, requests: {}, mountRequests: {}, bytesUp: 0, bytesDown: 0 }
    const place = { caseId: theCase.id, tool, run, delayMs: instruments.proxy.delayMs }
    return { ...place, ...nothing, failure: String(thrown) }
  }
}

function isSlow({ times, failure }: Cell): boolean {
  return failure === 'limit' || Object.values(times).some((ms) => ms > REPEATED_MAX_MS)
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(3)} s`

function lineOf(cell: Cell): string {
  const times = Object.entries(cell.times).map(([metric, ms]) => `${metric} ${seconds(ms)}`)
  const requests = Object.entries(cell.requests).map(([kind, count]) => `${kind} ${count}`)
  const place = `${String(cell.delayMs).padStart(2)} ms  ${cell.caseId.padEnd(9)}${cell.tool.padEnd(7)}`
  const bytes = `up ${cell.bytesUp} down ${cell.bytesDown}`
  return [place, ...times, cell.failure ?? '', `(${requests.join(', ')}; ${bytes})`].join('  ')
}
