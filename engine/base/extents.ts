/**
 * Sets of byte ranges: sorted, disjoint, never touching, half-open. Pure.
 */

export type Extent = { readonly start: number; readonly end: number }

/** The set with `added` in it; neighbours that touch become one. */
export function addExtent(extents: readonly Extent[], added: Extent): Extent[] {
  if (added.start >= added.end) return [...extents]
  const before = extents.filter((extent) => extent.end < added.start)
  const after = extents.filter((extent) => extent.start > added.end)
  const touching = extents.slice(before.length, extents.length - after.length)
  const start = Math.min(added.start, touching[0]?.start ?? added.start)
  const end = Math.max(added.end, touching.at(-1)?.end ?? added.end)
  return [...before, { start, end }, ...after]
}

/** The set without what lies in `removed`. */
export function removeExtent(extents: readonly Extent[], removed: Extent): Extent[] {
  if (removed.start >= removed.end) return [...extents]
  return extents.flatMap((extent) =>
    [
      { start: extent.start, end: Math.min(extent.end, removed.start) },
      { start: Math.max(extent.start, removed.end), end: extent.end },
    ].filter(({ start, end }) => start < end),
  )
}

/** The set without everything from `sizeBytes` on. */
export function clipExtents(extents: readonly Extent[], sizeBytes: number): Extent[] {
  return extents
    .filter((extent) => extent.start < sizeBytes)
    .map((extent) => (extent.end <= sizeBytes ? extent : { start: extent.start, end: sizeBytes }))
}

export type Piece = Extent & { readonly isCovered: boolean }

/** Cuts `range` into pieces that lie wholly inside or wholly outside of the set, in order. */
export function cutByExtents(extents: readonly Extent[], range: Extent): Piece[] {
  const pieces: Piece[] = []
  let position = range.start
  for (const extent of extents) {
    if (extent.end <= position) continue
    if (extent.start >= range.end) break
    if (extent.start > position) {
      pieces.push({ start: position, end: extent.start, isCovered: false })
    }
    const start = Math.max(position, extent.start)
    const end = Math.min(extent.end, range.end)
    pieces.push({ start, end, isCovered: true })
    position = end
  }
  if (position < range.end) pieces.push({ start: position, end: range.end, isCovered: false })
  return pieces
}

export function totalBytes(extents: readonly Extent[]): number {
  return extents.reduce((sum, extent) => sum + extent.end - extent.start, 0)
}
