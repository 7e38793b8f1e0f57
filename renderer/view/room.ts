/** The room that files take on this computer, in words and as shares of a bar. Pure. */
import {
  CACHE_LIMIT_MAX_BYTES,
  CACHE_LIMIT_MIN_BYTES,
  type CacheView,
} from '../../shared/cache-contract.ts'
import { formatBytes } from '../../shared/sentences.ts'

export const GIGABYTE = 1000 ** 3

export type RoomPart = {
  readonly kind: 'pending' | 'pinned' | 'cached'
  readonly label: string
  readonly words: string
  /** Of the bar, 0 to 100. */
  readonly percent: number
}

/**
 * The bar ends where the fetched files would be at their limit: what is left of it is theirs to
 * take. Whatever there is at all can be seen.
 */
export function roomParts(view: CacheView): RoomPart[] {
  const { pendingBytes, pinnedBytes, cachedBytes, limitBytes } = view
  const wholeBytes = pendingBytes + pinnedBytes + Math.max(limitBytes, cachedBytes)
  const part = (
    kind: RoomPart['kind'],
    label: string,
    bytes: number,
    words = formatBytes(bytes),
  ) => ({
    ...{ kind, label, words },
    percent: bytes === 0 ? 0 : Math.max(SEEN_PERCENT, (bytes * 100) / wholeBytes),
  })
  return [
    part('pending', 'Not in the bucket yet', pendingBytes),
    part('pinned', 'Kept offline', pinnedBytes),
    part(
      'cached',
      'Fetched',
      cachedBytes,
      `${formatBytes(cachedBytes)} of at most ${formatBytes(limitBytes)}`,
    ),
  ]
}

const SEEN_PERCENT = 0.6

export function diskSentence({ disk }: CacheView): string {
  const free = `${formatBytes(disk.freeBytes)} of this disk are free`
  const floor = formatBytes(disk.floorBytes)
  return disk.freeBytes <= disk.floorBytes
    ? `Only ${free}: nothing more is fetched until there are more than ${floor}.`
    : `${free}; what Pail fetches leaves ${floor} of them alone.`
}

/** @returns what is wrong with a limit typed in gigabytes, as a sentence; undefined when nothing is */
export function limitFault(typed: string | number): string | undefined {
  const bytes = limitBytesOf(typed)
  if (bytes === undefined) return 'Type a number of gigabytes.'
  if (bytes < CACHE_LIMIT_MIN_BYTES) return 'At least 0.2 GB.'
  return bytes > CACHE_LIMIT_MAX_BYTES ? 'At most 1,000,000 GB.' : undefined
}

export function limitBytesOf(typed: string | number): number | undefined {
  return typeof typed === 'number' && Number.isFinite(typed) && typed >= 0
    ? Math.round(typed * GIGABYTE)
    : undefined
}
