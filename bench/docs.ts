/** Puts the result of a run between the markers of docs/BENCHMARKS.md, and its charts beside it. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../build/common.mjs'
import { chartOf } from './chart.ts'
import { commandsOf, reportOf } from './report.ts'
import type { Results } from './schedule.ts'

const PAGE = join(ROOT, 'docs/BENCHMARKS.md')
const BEGIN = '<!-- bench:begin (written by npm run bench -- --write-docs) -->'
const END = '<!-- bench:end -->'

const chartName = (delayMs: number): string => `images/bench-${delayMs}ms.svg`

export async function writeDocs(results: Results): Promise<void> {
  for (const delayMs of results.delaysMs) {
    await writeFile(join(ROOT, 'docs', chartName(delayMs)), chartOf(results, delayMs))
  }
  const charts = results.delaysMs.map(
    (delayMs) => `![Bars: times at a round trip of ${delayMs} ms](${chartName(delayMs)})`,
  )
  const text = [commandsOf(results), reportOf(results, charts)].join('\n\n')
  await writeFile(PAGE, replaced(await readFile(PAGE, 'utf8'), text))
}

/** @throws when the page lost its markers: nothing that a person wrote is overwritten */
function replaced(page: string, text: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error('docs/BENCHMARKS.md has lost its markers')
  return `${page.slice(0, begin + BEGIN.length)}\n\n${text}\n\n${page.slice(end)}`
}
