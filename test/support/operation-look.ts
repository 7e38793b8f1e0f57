/** What a script of operations sees of a folder, so that two folders can be compared. */
import { createHash } from 'node:crypto'
import * as fs from 'node:fs/promises'
import { join } from 'node:path'

/** Works in an empty folder and says what it saw. */
export type Script = (dir: string) => Promise<unknown>

export const digest = (bytes: Uint8Array) =>
  createHash('sha256').update(bytes).digest('hex').slice(0, 16)

/** Everything below `dir`: names, kinds, sizes, contents. */
export async function look(dir: string): Promise<unknown[]> {
  const seen: unknown[] = []
  for (const name of (await fs.readdir(dir, { recursive: true })).sort()) {
    const stats = await fs.stat(join(dir, name))
    if (stats.isDirectory()) seen.push(`${name}/`)
    else seen.push([name, stats.size, digest(await fs.readFile(join(dir, name)))])
  }
  return seen
}
