/** The last events, filtered as a person asks. Pure. */
import type { RecentView } from '../../shared/sync-model.ts'

export const RECENT_ORIGINS = ['all', 'local', 'remote'] as const
export type RecentOrigin = (typeof RECENT_ORIGINS)[number]

export type RecentFilter = { readonly origin: RecentOrigin; readonly search: string }

export function filterRecent(
  entries: readonly RecentView[],
  { origin, search }: RecentFilter,
): RecentView[] {
  const wanted = search.trim().toLowerCase()
  return entries.filter((entry) => {
    if (origin !== 'all' && entry.origin !== origin) return false
    const text = `${entry.sentence} ${entry.bucket} ${entry.program ?? ''}`
    return text.toLowerCase().includes(wanted)
  })
}
