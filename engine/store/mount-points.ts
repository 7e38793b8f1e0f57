/**
 * Folders of this computer on which something was mounted: empty then, and Pail's since.
 *
 * Owns:  table `mount_point`. Runs in: engine process.
 */
import type { Database } from './database.ts'

/** The one that was mounted longest ago is forgotten first. */
const MOUNT_POINTS_MAX = 1_000

export class MountPoints {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  isKnown(dir: string): boolean {
    return this.#database.get('SELECT 1 FROM mount_point WHERE dir = ?', dir) !== undefined
  }

  note(dir: string, nowMs: number): void {
    this.#database.writeNow(() => {
      this.#database.run(
        `INSERT INTO mount_point (dir, mounted_ms) VALUES (?, ?)
         ON CONFLICT (dir) DO UPDATE SET mounted_ms = excluded.mounted_ms`,
        dir,
        nowMs,
      )
      this.#database.run(
        `DELETE FROM mount_point WHERE dir NOT IN
         (SELECT dir FROM mount_point ORDER BY mounted_ms DESC LIMIT ?)`,
        MOUNT_POINTS_MAX,
      )
    })
  }
}
