/** Medians, spreads and ratios of what was measured. Pure. */
import type { Cell } from './cell.ts'
import type { ToolName } from './tools.ts'

export type Spread = {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly runs: number
}

export function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  const [min, max] = [sorted[0], sorted.at(-1)]
  const upper = sorted[Math.floor(sorted.length / 2)]
  const lower = sorted[Math.floor((sorted.length - 1) / 2)]
  if (min === undefined || max === undefined) return undefined
  if (upper === undefined || lower === undefined) return undefined
  return { median: (upper + lower) / 2, min, max, runs: sorted.length }
}

export type Place = { readonly caseId: string; readonly delayMs: number }

export function cellsOf(cells: readonly Cell[], place: Place, tool: ToolName): Cell[] {
  return cells.filter(
    (cell) => cell.caseId === place.caseId && cell.delayMs === place.delayMs && cell.tool === tool,
  )
}

export type Question = Place & { readonly metric: string; readonly isAfterwards?: boolean }

export function timesOf(cells: readonly Cell[], question: Question, tool: ToolName): number[] {
  return cellsOf(cells, question, tool).flatMap((cell) => cell.times[question.metric] ?? [])
}

/**
 * How many times as long the peer took as Pail, run by run, so that what slowed a whole run down
 * weighs on both sides.
 */
export function ratioOf(
  cells: readonly Cell[],
  question: Question,
  peer: ToolName,
): Spread | undefined {
  const own = cellsOf(cells, question, 'pail')
  const ratios = cellsOf(cells, question, peer).flatMap((cell) => {
    const mine = own.find(({ run }) => run === cell.run)?.times[question.metric]
    const theirs = cell.times[question.metric]
    return mine === undefined || theirs === undefined ? [] : [theirs / mine]
  })
  return spreadOf(ratios)
}
