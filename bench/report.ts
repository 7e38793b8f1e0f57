/** The numbers of a run as Markdown. Pure. */
import type { Cell } from './cell.ts'
import type { Results } from './schedule.ts'
import { cellsOf, type Question, ratioOf, spreadOf, timesOf } from './statistics.ts'
import { TOOL_COMMANDS, type ToolName } from './tools.ts'
import {
  formatMib,
  formatMs,
  formatRatio,
  formatRequests,
  formatSpread,
  type Line,
  linesOf,
  totalOf,
} from './words.ts'

/** What is nearer together than this is called equal. */
const SLOWER_BELOW = 0.95

/** @param pictures Markdown of the charts, for a page that has them */
export function reportOf(results: Results, pictures: readonly string[] = []): string {
  const parts = [
    machineOf(results),
    ...pictures,
    memoryOf(results),
    promisesOf(results),
    slowerOf(results),
    ...results.delaysMs.map((delayMs) => timesTable(results, delayMs)),
    requestsTable(results),
    bytesTable(results),
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

/** The lines of a run's tables and charts. */
export function measuredLines({ cells, sizes }: Results): Line[] {
  return linesOf(new Set(cells.map(({ caseId }) => caseId)), sizes)
}

export function peersOf({ tools }: Results): ToolName[] {
  return tools.filter((name) => name !== 'pail')
}

/** Whether a metric is missing because the case was stopped, and why. */
export function failureOf(
  { cells }: Results,
  question: Question,
  tool: ToolName,
): string | undefined {
  const unanswered = cellsOf(cells, question, tool).filter(
    ({ times }) => times[question.metric] === undefined,
  )
  const failure = unanswered.find((cell) => cell.failure !== undefined)?.failure
  return failure === 'limit' && question.isAfterwards ? 'not reached' : failure
}

function machineOf(results: Results): string {
  const { machine, startedAt, minutes, missing, isQuick, loadBefore } = results
  const { cores, processor, memoryGib, kernel, node, versions } = machine
  const names = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  const lines = [
    `Measured on ${startedAt.slice(0, 10)} in ${Math.round(minutes)} minutes: ${cores} cores (${processor}), ${memoryGib} GiB of memory, Linux ${kernel}, Node ${node.slice(1)}; ${names.join(', ')}.`,
  ]
  if (loadBefore !== undefined && loadBefore > cores / 2) {
    lines.push(
      `**The machine was busy with other work**: its load average was ${loadBefore.toFixed(1)} when the run began.`,
    )
  }
  if (isQuick) lines.push('These are tiny sizes (`--quick`): they show that it runs, not how fast.')
  if (missing.length > 0) lines.push(`Not installed there: ${missing.join(', ')}.`)
  return lines.join('\n')
}

function memoryOf({ memory }: Results): string {
  if (memory.length === 0) return ''
  const rows = memory.map(({ title, peakBytes, ms, failure }) => {
    const mib = Math.round(peakBytes / 1024 ** 2)
    return `| ${title} | ${mib} MiB | ${failure === undefined ? formatMs(ms) : 'failed'} |`
  })
  const over = memory.filter(({ peakBytes }) => peakBytes > MEMORY_BAR_BYTES).length
  const verdict =
    over === 0
      ? 'All are below the bar of 200 MiB.'
      : `**${over} of ${memory.length} are above the bar of 200 MiB.**`
  return [
    '### Memory of the engine',
    '',
    `Highest resident memory (\`VmHWM\`) of Pail's engine, each load in a new engine. ${verdict}`,
    '',
    '| load | peak | took |',
    '|---|--:|--:|',
    ...rows,
  ].join('\n')
}

function promisesOf({ promises = [] }: Results): string {
  if (promises.length === 0) return ''
  const rows = promises.map(({ title, ms, medianMs, mostMs, barMs }) => {
    const [median, most] = [medianMs, mostMs].map((value) =>
      value === undefined ? '' : formatMs(value),
    )
    return [title, median ?? '', most ?? '', formatMs(ms), formatMs(barMs)]
  })
  const head = ['what', 'median', '99 of 100', 'slowest', 'bar']
  return ['### What is promised in time', '', ...tableOf(head, rows)].join('\n')
}

const MEMORY_BAR_BYTES = 200 * 1024 ** 2

function slowerOf(results: Results): string {
  const rows = results.delaysMs.flatMap((delayMs) =>
    measuredLines(results).flatMap((line) =>
      peersOf(results).flatMap((peer) => slowerRow(results, { line, delayMs, peer })),
    ),
  )
  const head = '### Where Pail is slower'
  if (peersOf(results).length === 0) return ''
  return [head, '', ...(rows.length > 0 ? rows : ['Nowhere in this run.'])].join('\n')
}

type Comparison = { readonly line: Line; readonly delayMs: number; readonly peer: ToolName }

function slowerRow(results: Results, { line, delayMs, peer }: Comparison): string[] {
  const { cells } = results
  const question = questionOf(line, delayMs)
  const ratio = ratioOf(cells, question, peer)
  const own = spreadOf(timesOf(cells, question, 'pail'))
  const other = spreadOf(timesOf(cells, question, peer))
  if (!own && other) return [`- ${line.title}, ${delayMs} ms: Pail did not finish, ${peer} did.`]
  if (!ratio || !own || !other || ratio.median >= SLOWER_BELOW) return []
  const times = `Pail ${formatMs(own.median)}, ${peer} ${formatMs(other.median)}`
  return [`- ${line.title}, ${delayMs} ms: ${times}.`]
}

export function questionOf({ theCase, metric }: Line, delayMs: number): Question {
  const { id, isAfterwards = false } = metric
  return { caseId: theCase.id, delayMs, metric: id, isAfterwards }
}

function timesTable(results: Results, delayMs: number): string {
  const peers = peersOf(results)
  const head = ['operation', ...results.tools, ...peers.map((peer) => `${peer} / pail`)]
  const rows = measuredLines(results).map((line) => {
    const question = questionOf(line, delayMs)
    const times = results.tools.map((tool) => timeCell(results, question, tool))
    const ratios = peers.map((peer) => ratioCell(results, question, peer))
    return [line.title, ...times, ...ratios]
  })
  if (rows.length === 0) return ''
  return [`### Round trip of ${delayMs} ms`, '', ...tableOf(head, rows)].join('\n')
}

function timeCell(results: Results, question: Question, tool: ToolName): string {
  const spread = spreadOf(timesOf(results.cells, question, tool))
  if (spread) return formatSpread(spread)
  const failure = failureOf(results, question, tool)
  if (failure === undefined) return 'not run'
  if (failure === 'not reached') return failure
  return failure === 'limit' ? `> ${results.limitMs / 1000} s` : 'failed'
}

/** A peer that was stopped at the limit is at least so much slower. */
function ratioCell(results: Results, question: Question, peer: ToolName): string {
  const ratio = ratioOf(results.cells, question, peer)
  if (ratio) return formatRatio(ratio)
  const own = spreadOf(timesOf(results.cells, question, 'pail'))
  if (!own || failureOf(results, question, peer) !== 'limit') return '-'
  const least = results.limitMs / own.median
  return `> ${formatRatio({ median: least, min: least, max: least, runs: 1 })}`
}

/** The first run of each; without a delay nothing is stopped by the limit, if anything is not. */
function firstCell({ cells, delaysMs }: Results, caseId: string, tool: ToolName): Cell | undefined {
  const found = delaysMs.flatMap((delayMs) => cellsOf(cells, { caseId, delayMs }, tool))
  return found.find(({ failure }) => failure === undefined) ?? found[0]
}

function casesOf(results: Results): Line['theCase'][] {
  return [...new Set(measuredLines(results).map(({ theCase }) => theCase))]
}

function requestsTable(results: Results): string {
  const rows = casesOf(results).map((theCase) => {
    const counts = results.tools.map((tool) => {
      const cell = firstCell(results, theCase.id, tool)
      if (!cell) return 'not run'
      const stopped = cell.failure === undefined ? '' : ' (until it was stopped)'
      return formatRequests(cell.requests) + stopped
    })
    return [theCase.title(results.sizes), ...counts]
  })
  if (rows.length === 0) return ''
  const first = results.cells.find(({ tool, caseId }) => tool === 'pail' && caseId === 'create')
  const contact = first
    ? `Not counted: mounting and, once in the life of a connection, finding out what the endpoint honours, with one file written and deleted: ${totalOf(first.mountRequests)} requests of Pail.`
    : ''
  const table = tableOf(['operation', ...results.tools], rows)
  return ['### Requests, by the log of the server', '', contact, '', ...table].join('\n')
}

function bytesTable(results: Results): string {
  const rows = casesOf(results).flatMap((theCase) => {
    const asked = theCase.askedBytes?.(results.sizes)
    if (asked === undefined && theCase.id !== 'append') return []
    const values = results.tools.map((tool) => {
      const cell = firstCell(results, theCase.id, tool)
      if (!cell) return 'not run'
      return asked === undefined ? formatMib(cell.bytesUp) : (cell.bytesDown / asked).toFixed(2)
    })
    const what = asked === undefined ? 'sent' : 'fetched per byte that was asked for'
    return [[`${theCase.title(results.sizes)}: ${what}`, ...values]]
  })
  if (rows.length === 0) return ''
  return ['### Bytes on the wire', '', ...tableOf(['operation', ...results.tools], rows)].join('\n')
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), `|${head.map((_, index) => (index ? '--:' : '---')).join('|')}|`].concat(
    rows.map(line),
  )
}

/** How each tool was called, for the documentation. */
export function commandsOf({ tools }: Results): string {
  return tools.map((tool) => `- ${tool}: \`${TOOL_COMMANDS[tool]}\``).join('\n')
}
