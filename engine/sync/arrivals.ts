/**
 * Tells which files others stored in folders that were known, a batch at a time.
 *
 * Keeps: a batch is told when nothing more came for a moment, or after BATCH_MS_MAX; it names at
 *        most FILES_MAX files and counts the rest.
 * Never: tells what a first listing shows: that was there before.
 */
import type { Clock } from '../base/clock.ts'
import type { Tree, TreeChange } from './tree.ts'

export const BATCH_QUIET_MS = 1_000
export const BATCH_MS_MAX = 5_000
export const FILES_MAX = 1_000

export type Arrived = {
  /** Files that are new or another version, at most FILES_MAX. */
  readonly ids: readonly number[]
  readonly count: number
}

export class Arrivals {
  readonly #tree: Tree
  readonly #clock: Clock
  readonly #tell: (arrived: Arrived) => void
  readonly #stopWatching: () => void
  #ids = new Set<number>()
  #unnamed = 0
  #firstMs = 0
  #cancel: (() => void) | undefined

  constructor(tree: Tree, clock: Clock, tell: (arrived: Arrived) => void) {
    this.#tree = tree
    this.#clock = clock
    this.#tell = tell
    this.#stopWatching = tree.watch((changes) => {
      const arrived = changes.filter((change) => this.#isArrival(change))
      if (arrived.length > 0) this.#note(arrived)
    })
  }

  close(): void {
    this.#stopWatching()
    this.#cancel?.()
  }

  #isArrival({ origin, type, parent }: TreeChange): boolean {
    if (origin !== 'remote' || (type !== 'added' && type !== 'data')) return false
    return (this.#tree.nodes.byId(parent)?.listedMs ?? 0) > 0
  }

  #note(arrived: readonly TreeChange[]): void {
    const nowMs = this.#clock.monotonicMs()
    if (this.#ids.size === 0) this.#firstMs = nowMs
    for (const { id } of arrived) {
      if (this.#ids.size < FILES_MAX || this.#ids.has(id)) this.#ids.add(id)
      else this.#unnamed++
    }
    const leftMs = this.#firstMs + BATCH_MS_MAX - nowMs
    this.#cancel?.()
    this.#cancel = this.#clock.after(Math.max(0, Math.min(BATCH_QUIET_MS, leftMs)), () =>
      this.#flush(),
    )
  }

  #flush(): void {
    const [ids, unnamed] = [this.#ids, this.#unnamed]
    this.#ids = new Set()
    this.#unnamed = 0
    this.#cancel = undefined
    const files = [...ids].filter((id) => this.#tree.nodes.byId(id)?.kind === 'file')
    if (files.length > 0) this.#tell({ ids: files, count: files.length + unnamed })
  }
}
