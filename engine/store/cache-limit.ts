/**
 * How much room cached blocks may take, as a person chose it.
 *
 * Owns:  row `cache-limit` of table `fact`; no row means the usual limit. Runs in: engine process.
 */
import { CACHE_LIMIT_DEFAULT_BYTES, CacheLimit } from '../../shared/cache-contract.ts'
import type { Database } from './database.ts'

/** @returns the limit; the usual one when what is stored is none */
export function storedCacheLimitBytes(database: Database): number {
  const stored = database.get("SELECT value FROM fact WHERE name = 'cache-limit'")?.value
  const parsed = CacheLimit.safeParse(Number(stored))
  return parsed.success ? parsed.data : CACHE_LIMIT_DEFAULT_BYTES
}

export async function storeCacheLimit(database: Database, limitBytes: number): Promise<void> {
  await database.write(() =>
    database.run(
      `INSERT INTO fact (name, value) VALUES ('cache-limit', ?)
       ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
      String(limitBytes),
    ),
  )
}
