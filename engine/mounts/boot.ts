/** Whether the computer ran on since the data folder was used last. */
import { readFile } from 'node:fs/promises'
import type { Database } from '../store/database.ts'
import { factOf, setFact } from '../store/facts.ts'

const FACT = 'boot'

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
  const known = factOf(database, FACT)
  database.writeNow(() => setFact(database, FACT, boot))
  return boot !== '' && known === boot
}
