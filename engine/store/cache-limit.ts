/**
 * How much room cached blocks may take, as a person chose it.
 *
 * Owns:  row `cache-limit` of table `fact`; no row means the usual limit. Runs in: engine process.
 */
import { CACHE_LIMIT_DEFAULT_BYTES, CacheLimit } from '../../shared/cache-contract.ts'
import type { Database } from './database.ts'
import { factOf, setFact } from './facts.ts'

const FACT = 'cache-limit'

/** @returns the limit; the usual one when what is stored is none */
export function storedCacheLimitBytes(database: Database): number {
  const parsed = CacheLimit.safeParse(Number(factOf(database, FACT)))
  return parsed.success ? parsed.data : CACHE_LIMIT_DEFAULT_BYTES
}

export async function storeCacheLimit(database: Database, limitBytes: number): Promise<void> {
  await database.write(() => setFact(database, FACT, String(limitBytes)))
}
