/** Times as people say them; the exact one goes into the title. Pure. */

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

export function relativeTime(atMs: number, nowMs: number): string {
  const ageMs = Math.max(0, nowMs - atMs)
  if (ageMs < MINUTE_MS) return 'just now'
  if (ageMs < HOUR_MS) return `${Math.floor(ageMs / MINUTE_MS)} min ago`
  if (ageMs < DAY_MS) return `${Math.floor(ageMs / HOUR_MS)} h ago`
  if (ageMs < 30 * DAY_MS) {
    const days = Math.floor(ageMs / DAY_MS)
    return days === 1 ? 'yesterday' : `${days} days ago`
  }
  return new Date(atMs).toISOString().slice(0, 10)
}

export function exactTime(atMs: number): string {
  return new Date(atMs).toLocaleString()
}

/** `12 s`, `3 min`, `2 h`, `4 days`: rounded up, because it is about what is left. */
export function durationWords(ms: number): string {
  if (ms < MINUTE_MS) return `${Math.max(1, Math.ceil(ms / 1000))} s`
  if (ms < HOUR_MS) return `${Math.ceil(ms / MINUTE_MS)} min`
  if (ms < 2 * DAY_MS) return `${Math.ceil(ms / HOUR_MS)} h`
  return `${Math.ceil(ms / DAY_MS)} days`
}
