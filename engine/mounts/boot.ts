/** Whether the computer ran on since the data folder was used last. */
import { readFile } from 'node:fs/promises'
import type { Database } from '../store/database.ts'

/** Remembers this boot for the next question. */
export async function isSameBootAsBefore(database: Database): Promise<boolean> {
  return isBoot(database, await bootId())
}

/** Tells one start of the computer from the next; empty where the system does not say. */
async function bootId(): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
  } catch {
    return ''
  }
}

/** Did the computer run on since the data folder was used last? Remembers this boot. */
function isBoot(database: Database, boot: string): boolean {
  const known = database.get("SELECT value FROM fact WHERE name = 'boot'")
  database.writeNow(() =>
    database.run(
      `INSERT INTO fact (name, value) VALUES ('boot', ?)
       ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
      boot,
    ),
  )
  return boot !== '' && known?.value === boot
}
