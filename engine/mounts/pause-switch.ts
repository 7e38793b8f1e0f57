/**
 * The switch of a person that lets uploads rest.
 *
 * Owns:  its fact in the database. Keeps: it holds for every volume, also for those opened later,
 *        and across restarts.
 */
import type { Database } from '../store/database.ts'

const FACT = 'uploads-paused'

type Pausable = { readonly syncer: { setPaused(isPaused: boolean): void } }

export class PauseSwitch {
  readonly #database: Database
  readonly #volumes: () => Iterable<Pausable>
  #isPaused: boolean

  constructor(database: Database, volumes: () => Iterable<Pausable>) {
    this.#database = database
    this.#volumes = volumes
    this.#isPaused = database.get('SELECT 1 FROM fact WHERE name = ?', FACT) !== undefined
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  set(isWanted: boolean): void {
    this.#database.writeNow(() => {
      if (isWanted) {
        this.#database.run('INSERT OR IGNORE INTO fact (name, value) VALUES (?, ?)', FACT, 'yes')
      } else this.#database.run('DELETE FROM fact WHERE name = ?', FACT)
    })
    this.#isPaused = isWanted
    for (const volume of this.#volumes()) volume.syncer.setPaused(isWanted)
  }

  /** Before anything is asked of a volume that was just opened. */
  apply(volume: Pausable): void {
    if (this.#isPaused) volume.syncer.setPaused(true)
  }
}
