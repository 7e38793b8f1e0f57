/**
 * Arithmetic of byte ranges: what to ask the network for. Pure.
 */
import type { Extent } from './content.ts'

export const RANGE_BYTES_MIN = 128 * 1024
export const RANGE_BYTES_MAX = 4 * 1024 * 1024
/** Read-ahead is not cut finer than this, unless the line is slow. */
const AHEAD_BYTES_MIN = 256 * 1024
/** A request should end within this at the speed seen, well before its deadline. */
const RANGE_DURATION_MS = 2_000
/** A window is fetched by about so many requests side by side. */
const RANGES_PER_WINDOW = 4
/** How much the newest measurement counts. */
const SPEED_WEIGHT = 0.3

/** The parts of `extent` that none of `covers` covers, ascending. */
export function uncovered(extent: Extent, covers: readonly Extent[]): Extent[] {
  const rest: Extent[] = []
  let at = extent.start
  for (const cover of [...covers].sort((a, b) => a.start - b.start)) {
    if (cover.end <= at || cover.start >= extent.end) continue
    if (cover.start > at) rest.push({ start: at, end: cover.start })
    at = Math.max(at, cover.end)
  }
  if (at < extent.end) rest.push({ start: at, end: extent.end })
  return rest
}

export function overlap(a: Extent, b: Extent): Extent | undefined {
  const start = Math.max(a.start, b.start)
  const end = Math.min(a.end, b.end)
  return start < end ? { start, end } : undefined
}

/** Joins ascending extents whose gap is at most `gapBytes`: one request instead of two. */
export function joinNear(extents: readonly Extent[], gapBytes: number): Extent[] {
  const joined: Extent[] = []
  for (const next of extents) {
    const last = joined.at(-1)
    if (last && next.start - last.end <= gapBytes) {
      joined[joined.length - 1] = { start: last.start, end: Math.max(last.end, next.end) }
    } else joined.push(next)
  }
  return joined
}

/** Cuts at multiples of `bytesMax`, so that later requests for the neighbourhood line up. */
export function cutRanges(extents: readonly Extent[], bytesMax: number): Extent[] {
  const ranges: Extent[] = []
  for (const { start, end } of extents) {
    for (let at = start; at < end; ) {
      const next = Math.min(end, (Math.floor(at / bytesMax) + 1) * bytesMax)
      ranges.push({ start: at, end: next })
      at = next
    }
  }
  return ranges
}

/**
 * How large one request of a read-ahead window is: a power of two, so that ranges line up.
 * @param bytesPerMs  speed of one request as seen lately; undefined: not known yet
 */
export function rangeBytesFor(windowBytes: number, bytesPerMs?: number): number {
  const wanted = Math.min(
    RANGE_BYTES_MAX,
    Math.max(AHEAD_BYTES_MIN, windowBytes / RANGES_PER_WINDOW),
  )
  const possible = bytesPerMs === undefined ? RANGE_BYTES_MAX : bytesPerMs * RANGE_DURATION_MS
  const bytes = Math.min(wanted, possible)
  return Math.max(RANGE_BYTES_MIN, 2 ** Math.floor(Math.log2(Math.max(1, bytes))))
}

/** Moving average of the speed of single requests. */
export function nextSpeed(before: number | undefined, bytes: number, durationMs: number): number {
  const now = bytes / Math.max(1, durationMs)
  return before === undefined ? now : before * (1 - SPEED_WEIGHT) + now * SPEED_WEIGHT
}
