/**
 * Files that programs wanted and could not have: the last of them, and which of them are to be told.
 *
 * Keeps: a program that tries the same file again and again while the network is away is told of
 *        once; anew when the network was back in between.
 */
import type { UnavailableView } from '../../shared/keeping-contract.ts'

/** Files remembered for a status. */
const SHOWN_MAX = 50
/** Files of which it is known that they were told; the one told longest ago is told once more. */
export const TOLD_MAX = 2_000

export class MissedFiles {
  #shown: readonly UnavailableView[] = []
  /** By path: how often the network had come back when the file was told. */
  readonly #told = new Map<string, number>()

  /** The newest first, each once. */
  get shown(): readonly UnavailableView[] {
    return this.#shown
  }

  /**
   * @param returns how often the way to its bucket was found again so far
   * @returns whether it is to be told
   */
  note(missed: UnavailableView, returns: number): boolean {
    const { path, why } = missed
    const others = this.#shown.filter((one) => one.path !== path)
    this.#shown = [missed, ...others].slice(0, SHOWN_MAX)
    if (why !== 'network') return true
    const isTold = this.#told.get(path) === returns
    this.#told.delete(path)
    this.#told.set(path, returns)
    const [oldest] = this.#told.keys()
    if (this.#told.size > TOLD_MAX && oldest !== undefined) this.#told.delete(oldest)
    return !isTold
  }

  /** Some archived file can be read now. */
  forgetArchived(): void {
    this.#shown = this.#shown.filter(({ why }) => why !== 'archived')
  }
}
