/** The list of buckets: joined with mounts, searched, sorted. Pure. */
import type { BucketView } from '../../shared/model.ts'
import type { MountRow } from '../../shared/window-contract.ts'
import { isServing } from './mount-state.ts'

export type BucketRow = BucketView & {
  /** Local folders on which this bucket, or a part of it, is mounted. */
  readonly mountedAt: readonly string[]
  /** The mounted folder that shows most of it. */
  readonly widestDir?: string
}
export type SortKey = 'name' | 'location' | 'created'
export type Sort = { readonly by: SortKey; readonly isDescending: boolean }

export type BucketFacts = {
  readonly buckets: readonly BucketView[]
  readonly mounts: readonly MountRow[]
  readonly connectionId: string
}

export function bucketRows({ buckets, mounts, connectionId }: BucketFacts): BucketRow[] {
  return buckets.map((bucket) => {
    const shown = mounts
      .filter((mount) => mount.connectionId === connectionId && mount.bucket === bucket.name)
      .filter(({ state }) => state !== 'stopped')
    const served = shown.filter(isServing)
    const [widest] = served.sort((a, b) => a.prefix.length - b.prefix.length)
    return {
      ...bucket,
      mountedAt: shown.map(({ dir }) => dir),
      ...(widest === undefined ? {} : { widestDir: widest.dir }),
    }
  })
}

export function arrange(rows: readonly BucketRow[], search: string, sort: Sort): BucketRow[] {
  const wanted = search.trim().toLowerCase()
  const direction = sort.isDescending ? -1 : 1
  return rows
    .filter(({ name, location = '' }) => `${name} ${location}`.toLowerCase().includes(wanted))
    .sort((a, b) => direction * compare(a, b, sort.by) || a.name.localeCompare(b.name))
}

/** Clicking the current column turns it round; another column starts at its usual end. */
export function nextSort(sort: Sort, by: SortKey): Sort {
  if (sort.by === by) return { by, isDescending: !sort.isDescending }
  return { by, isDescending: by === 'created' }
}

function compare(a: BucketRow, b: BucketRow, by: SortKey): number {
  if (by === 'created') return (a.createdMs ?? 0) - (b.createdMs ?? 0)
  if (by === 'location') return (a.location ?? '').localeCompare(b.location ?? '')
  return a.name.localeCompare(b.name)
}
