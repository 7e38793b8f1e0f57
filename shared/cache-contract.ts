/**
 * The room that Pail takes on this computer: what lies there, the limit, and giving room back. Pure.
 */
import { z } from 'zod'

/** For what comes and goes by itself, until a person chooses another limit. */
export const CACHE_LIMIT_DEFAULT_BYTES = 20 * 1000 ** 3
/** Less would not hold the blocks that one program reads ahead. */
export const CACHE_LIMIT_MIN_BYTES = 200 * 1000 ** 2
/** Disks are not larger; the free-disk floor counts before it. */
export const CACHE_LIMIT_MAX_BYTES = 1000 * 1000 ** 4

export const CacheLimit = z
  .number()
  .int()
  .min(CACHE_LIMIT_MIN_BYTES, 'The limit is at least 200 MB.')
  .max(CACHE_LIMIT_MAX_BYTES, 'The limit is at most 1000 TB.')

export const CacheView = z.object({
  /** Fetched or uploaded, and let go when room is needed. The limit is for these. */
  cachedBytes: z.number().int(),
  limitBytes: z.number().int(),
  /** Kept by pins: apart from the limit. */
  pinnedBytes: z.number().int(),
  /** Not in the bucket yet: never let go. */
  pendingBytes: z.number().int(),
  disk: z.object({
    freeBytes: z.number().int(),
    totalBytes: z.number().int(),
    /** Never touched by what is fetched, so that the disk does not fill. */
    floorBytes: z.number().int(),
  }),
})
export type CacheView = z.infer<typeof CacheView>

export const cacheCalls = {
  'cache/get': { input: z.object({}), output: CacheView },
  /** A lower limit takes effect at once, as far as nothing is in use. */
  'cache/set': { input: z.object({ limitBytes: CacheLimit }), output: CacheView },
  /** Lets go what may go: neither pinned, nor in use, nor still to upload. */
  'cache/free': { input: z.object({}), output: CacheView },
} as const
