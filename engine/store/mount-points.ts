/**
 * Folders of this computer on which something was mounted: empty then, and Pail's since.
 *
 * Owns:  table `mount_point`. Runs in: engine process.
 */
import type { Database } from './database.ts'

/** The one that was mounted longest ago is forgotten first. */
const MOUNT_POINTS_MAX = 1_000

export type MountPoint = {
  readonly mountedMs: number
  /** Its permissions without Pail; absent: they cannot be changed. */
  readonly mode?: number
  /** Pail made it: it was not there before. */
  readonly isMade: boolean
}

export class MountPoints {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  find(dir: string): MountPoint | undefined {
    const row = this.#database.get(
      'SELECT mounted_ms, mode, made FROM mount_point WHERE dir = ?',
      dir,
    )
    if (!row) return undefined
    const mode = row.mode === null ? {} : { mode: Number(row.mode) }
    return { mountedMs: Number(row.mounted_ms), isMade: row.made === 1, ...mode }
  }

  note(dir: string, { mountedMs, mode, isMade }: MountPoint): void {
    this.#database.writeNow(() => {
      this.#database.run(
        `INSERT INTO mount_point (dir, mounted_ms, mode, made) VALUES (?, ?, ?, ?)
         ON CONFLICT (dir) DO UPDATE
         SET mounted_ms = excluded.mounted_ms, mode = excluded.mode, made = excluded.made`,
        dir,
        mountedMs,
        mode ?? null,
        Number(isMade),
      )
      this.#database.run(
        `DELETE FROM mount_point WHERE dir NOT IN
         (SELECT dir FROM mount_point ORDER BY mounted_ms DESC LIMIT ?)`,
        MOUNT_POINTS_MAX,
      )
    })
  }
}
