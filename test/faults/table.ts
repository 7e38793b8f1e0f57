/** What became of every operation under every fault, for a person. */
import type { Cell, TrialReport } from './trial.ts'

const COLUMN = 9

export function tableOf(reports: ReadonlyMap<string, TrialReport>): string {
  const names = [...new Set([...reports.values()].flatMap((report) => report.cells.map(nameOf)))]
  const width = Math.max(10, ...[...reports.keys()].map((name) => name.length))
  const head = [' '.repeat(width), ...names.map(column), column('drain')].join(' ')
  const lines = [...reports].map(([name, report]) => {
    const cells = names.map((one) => column(outcomesOf(report.cells, one)))
    const drain = column(`${(report.drainMs / 1000).toFixed(1)} s`)
    const flaws = report.flaws.length > 0 ? `  ${report.flaws.length} flaws` : ''
    return `${name.padEnd(width)} ${cells.join(' ')} ${drain}${flaws}`
  })
  const all = [...reports.values()].flatMap((report) => report.flaws)
  const figures = ['CORRUPT', 'LOST', 'HANG', 'CRASH', 'LIE', 'RESURRECTED'].map(
    (kind) => `${kind} ${all.filter((flaw) => flaw.startsWith(kind)).length}`,
  )
  const sum = `${lines.length} faults, ${lines.length * names.length} cells: ${figures.join(', ')}`
  return `\n${[head, ...lines, sum].join('\n')}\n(known folder/folder never seen)\n`
}

const nameOf = ({ task }: Cell) => task.name

function outcomesOf(cells: readonly Cell[], name: string): string {
  const outcomes = cells.filter(({ task }) => task.name === name).map(outcomeOf)
  return outcomes.join('/')
}

function outcomeOf({ result, flaws }: Cell): string {
  if (flaws.length > 0) return flaws[0]?.split(' ')[0]?.toLowerCase() ?? 'flaw'
  return result.error === undefined ? 'OK' : 'ERR'
}

function column(text: string): string {
  return text.replace(' large', '+').replace('delete tree', 'rm -r').slice(0, COLUMN).padEnd(COLUMN)
}
