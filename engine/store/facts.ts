/**
 * Single values that the engine remembers, by name.
 *
 * Owns:  table `fact`, as far as it holds values; a name alone is a switch of its owner's.
 */
import type { Database } from './database.ts'

export function factOf(database: Database, name: string): string | undefined {
  const value = database.get('SELECT value FROM fact WHERE name = ?', name)?.value
  return value == null ? undefined : String(value)
}

/** Only inside a write of the database. */
export function setFact(database: Database, name: string, value: string): void {
  database.run(
    `INSERT INTO fact (name, value) VALUES (?, ?)
     ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    name,
    value,
  )
}
