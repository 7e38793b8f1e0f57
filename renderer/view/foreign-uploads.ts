/** Uploads that others began and never ended, in words. Pure. */
import type { ForeignUpload } from '../../shared/engine-contract.ts'
import { formatBytes, formatCount } from '../../shared/sentences.ts'
import { relativeTime } from './time.ts'

type Found = { readonly uploads: readonly ForeignUpload[]; readonly count: number }

const bytesOf = (uploads: readonly ForeignUpload[]) =>
  uploads.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)

/** `3 uploads, 1.2 GB` or `1,204 uploads; the oldest 200, 31 GB, are shown` */
export function foundWords({ uploads, count }: Found): string {
  const size = formatBytes(bytesOf(uploads))
  const all = formatCount(count, 'upload')
  if (count <= uploads.length) return `${all}, ${size}`
  return `${all}; the oldest ${uploads.length.toLocaleString('en-US')}, ${size}, are shown`
}

/** What aborting these does, before it is done. */
export function abortSentence(chosen: readonly ForeignUpload[]): string {
  const size = formatBytes(bytesOf(chosen))
  const whose = chosen.length === 1 ? 'it' : 'them'
  return `What was sent of ${whose}, ${size}, is deleted in the bucket. A program that still sends ${whose} has to begin anew. Finished files are not touched.`
}

/** In days however long ago: what a person decides by is the age. */
export function ageWords({ startedMs }: ForeignUpload, nowMs: number): string {
  const days = Math.floor((nowMs - startedMs) / DAY_MS)
  return days < 2 ? relativeTime(startedMs, nowMs) : `${formatCount(days, 'day')} ago`
}

/** Those of long ago are most likely nobody’s any more. */
export function olderThan(
  uploads: readonly ForeignUpload[],
  { days, nowMs }: { readonly days: number; readonly nowMs: number },
): ForeignUpload[] {
  return uploads.filter(({ startedMs }) => nowMs - startedMs >= days * DAY_MS)
}

const DAY_MS = 24 * 3_600_000
