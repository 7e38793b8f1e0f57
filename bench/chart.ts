/**
 * A bar chart of one delay as SVG: readable in light and dark, by colour or without. Pure.
 *
 * Keeps: every bar ends in its number; the scale is logarithmic, and says so.
 */
import { failureOf, measuredLines, questionOf } from './report.ts'
import type { Results } from './schedule.ts'
import { spreadOf, timesOf } from './statistics.ts'
import type { ToolName } from './tools.ts'
import { formatMs, type Line } from './words.ts'

const WIDTH = 960
const LABEL_WIDTH = 410
const VALUE_WIDTH = 90
const TOP = 64
const BAR = 11
const BAR_STEP = 13
const GROUP_GAP = 12
const TICKS_MS = [1, 10, 100, 1000, 10_000, 100_000]

const STYLE = `
  svg { font: 12px system-ui, sans-serif; }
  .ground { fill: #ffffff; } text { fill: #1f2328; } .tick { stroke: #d0d7de; } .faint { fill: #59636e; }
  .pail { fill: #2563eb; } .s3fs { fill: #c2740a; } .rclone { fill: #7b8794; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117; } text { fill: #e6edf3; } .tick { stroke: #30363d; } .faint { fill: #9198a1; }
    .pail { fill: #60a5fa; } .s3fs { fill: #e3a13b; } .rclone { fill: #8b949e; }
  }`

/** Where a time stands between the left edge (1 ms) and the right one. */
type Scale = (ms: number) => number

function scaleTo(maxMs: number): Scale {
  const span = Math.log10(maxMs)
  const width = WIDTH - LABEL_WIDTH - VALUE_WIDTH
  return (ms) => LABEL_WIDTH + (width * Math.log10(Math.min(Math.max(ms, 1), maxMs))) / span
}

const escaped = (text: string): string =>
  text.replaceAll('`', '').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

type Bar = { readonly ms: number; readonly text: string }

function barOf(results: Results, line: Line, place: Place): Bar | undefined {
  const question = questionOf(line, place.delayMs)
  const spread = spreadOf(timesOf(results.cells, question, place.tool))
  if (spread) return { ms: spread.median, text: formatMs(spread.median) }
  if (failureOf(results, question, place.tool) !== 'limit') return undefined
  return { ms: results.limitMs, text: `> ${results.limitMs / 1000} s` }
}

type Place = { readonly delayMs: number; readonly tool: ToolName }

export function chartOf(results: Results, delayMs: number): string {
  const lines = measuredLines(results)
  const groupHeight = results.tools.length * BAR_STEP + GROUP_GAP
  const height = TOP + lines.length * groupHeight + 8
  const scale = scaleTo(results.limitMs)
  const groups = lines.map((line, index) => {
    const top = TOP + index * groupHeight
    const middle = top + (results.tools.length * BAR_STEP) / 2 + 3
    const label = `<text x="${LABEL_WIDTH - 10}" y="${middle}" text-anchor="end">${escaped(line.title)}</text>`
    const bars = results.tools.map((tool, row) => {
      const bar = barOf(results, line, { delayMs, tool })
      return bar ? drawBar(bar, { tool, y: top + row * BAR_STEP, scale }) : ''
    })
    return label + bars.join('')
  })
  const title = `Time at a round trip of ${delayMs} ms (logarithmic scale, shorter is better)`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}">`,
    `<style>${STYLE}\n</style><rect class="ground" width="100%" height="100%" rx="8"/>`,
    `<text x="16" y="22" font-weight="600">${title}</text>`,
    legendOf(results.tools),
    ticksOf({ scale, height, maxMs: results.limitMs }),
    ...groups,
    '</svg>\n',
  ].join('\n')
}

function drawBar(bar: Bar, at: { tool: ToolName; y: number; scale: Scale }): string {
  const { tool, y, scale } = at
  const width = Math.max(2, scale(bar.ms) - LABEL_WIDTH).toFixed(1)
  const textX = (LABEL_WIDTH + Number(width) + 5).toFixed(1)
  const rect = `<rect class="${tool}" x="${LABEL_WIDTH}" y="${y}" width="${width}" height="${BAR}" rx="2"/>`
  return `${rect}<text class="faint" font-size="10" x="${textX}" y="${y + 9}">${escaped(`${bar.text} ${tool}`)}</text>`
}

function legendOf(tools: readonly ToolName[]): string {
  return tools
    .map((tool, index) => {
      const x = 16 + index * 80
      return `<rect class="${tool}" x="${x}" y="34" width="12" height="12" rx="2"/><text x="${x + 18}" y="44">${tool}</text>`
    })
    .join('')
}

function ticksOf({
  scale,
  height,
  maxMs,
}: {
  scale: Scale
  height: number
  maxMs: number
}): string {
  return TICKS_MS.filter((ms) => ms <= maxMs)
    .map((ms) => {
      const x = scale(ms).toFixed(1)
      const text = ms < 1000 ? `${ms} ms` : `${ms / 1000} s`
      return `<line class="tick" x1="${x}" x2="${x}" y1="${TOP - 8}" y2="${height - 8}"/><text class="faint" font-size="10" x="${x}" y="${TOP - 12}" text-anchor="middle">${text}</text>`
    })
    .join('')
}
