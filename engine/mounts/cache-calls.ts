/** The calls of shared/cache-contract.ts: what lies on this computer, and how much may. */
import type { CacheView, cacheCalls } from '../../shared/cache-contract.ts'
import type { EngineHandlers } from '../../shared/engine-contract.ts'
import { storeCacheLimit } from '../store/cache-limit.ts'
import type { Stores } from './volume.ts'

/** @param pendingBytes  of all mounts: not in the bucket yet */
export function cacheHandlers(
  { cache, database }: Pick<Stores, 'cache' | 'database'>,
  pendingBytes: () => number,
): Pick<EngineHandlers, keyof typeof cacheCalls> {
  const view = async (): Promise<CacheView> => {
    const { bytes, pinnedBytes } = cache.usage()
    const { limitBytes, disk } = await cache.room()
    return {
      ...{ cachedBytes: bytes - pinnedBytes, limitBytes, pinnedBytes },
      ...{ pendingBytes: pendingBytes(), disk },
    }
  }
  return {
    'cache/get': view,
    'cache/set': async ({ limitBytes }) => {
      await storeCacheLimit(database, limitBytes)
      await cache.setLimits({ cacheBytesMax: limitBytes })
      return view()
    },
    'cache/free': async () => {
      await cache.free()
      return view()
    },
  }
}
