/** Times, counts and names as the tables and charts print them. Pure. */
import { CASES, type Case, type Metric, type Sizes } from './cases.ts'
import type { Requests } from './lab.ts'
import type { Spread } from './statistics.ts'

const MIB = 1024 * 1024

export function formatMs(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`
  if (ms < 1000) return `${Math.round(ms)} ms`
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`
}

/** The median; with more than one run also the fastest and the slowest. */
export function formatSpread({ median, min, max, runs }: Spread): string {
  const span = runs > 1 ? ` (${formatMs(min)} to ${formatMs(max)})` : ''
  return `${formatMs(median)}${span}`
}

export function formatRatio({ median }: Spread): string {
  return median < 10 ? median.toFixed(median < 0.1 ? 2 : 1) : Math.round(median).toString()
}

export const formatMib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`

export const totalOf = (requests: Requests): number =>
  Object.values(requests).reduce((sum, count) => sum + count, 0)

/** `12: GetObject 11, HeadObject 1`, the most frequent first. */
export function formatRequests(requests: Requests): string {
  const kinds = Object.entries(requests).sort(([, a], [, b]) => b - a)
  const total = totalOf(requests).toLocaleString('en-US')
  if (kinds.length === 0) return total
  return `**${total}**: ${kinds.map(([kind, n]) => `${kind} ${n.toLocaleString('en-US')}`).join(', ')}`
}

export type Line = { readonly theCase: Case; readonly metric: Metric; readonly title: string }

/** Every metric of the cases that were run, in the order they were run. */
export function linesOf(caseIds: ReadonlySet<string>, sizes: Sizes): Line[] {
  return CASES.filter(({ id }) => caseIds.has(id)).flatMap((theCase) =>
    theCase.metrics.map((metric) => {
      const detail = metric.title === '' ? '' : `, ${metric.title}`
      return { theCase, metric, title: `${theCase.title(sizes)}${detail}` }
    }),
  )
}
