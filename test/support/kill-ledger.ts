/**
 * What programs were promised: kept outside of the mount, so that a kill of the engine cannot
 * touch it.
 *
 * Keeps: a file has the content of its last acknowledged operation; an operation that was cut off
 *        by a kill may have happened or not, and nothing in between.
 */
import { createHash } from 'node:crypto'

/** Content's SHA-256; undefined means that there is no such file. */
export type Content = string | undefined

export const contentOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

const HISTORY_SHOWN_MAX = 12

export type Verdict = 'fine' | 'lost' | 'corrupt' | 'resurrected' | 'torn'

export class KillLedger {
  readonly #promised = new Map<string, Content>()
  /** What else a path may hold, because an operation on it was cut off. */
  readonly #possible = new Map<string, Content[]>()
  readonly #history = new Map<string, string[]>()
  acknowledged = 0

  /** Paths that were ever named, the removed ones as well. */
  get paths(): string[] {
    return [...this.#promised.keys()]
  }

  /** Paths of `folder` that are there for certain. */
  present(folder: string): string[] {
    return this.paths.filter((path) => path.startsWith(folder) && this.#promised.get(path))
  }

  get presentCount(): number {
    return [...this.#promised.values()].filter((content) => content !== undefined).length
  }

  promisedAt(path: string): Content {
    return this.#promised.get(path)
  }

  /** What was done to the path, for a person who looks into what went wrong. */
  historyOf(path: string): string {
    return (this.#history.get(path) ?? []).slice(-HISTORY_SHOWN_MAX).join(', ')
  }

  /**
   * Runs an operation that gives each path a new content; a failure leaves both possible.
   * @param name for the history
   */
  async record(
    name: string,
    changes: Readonly<Record<string, Content>>,
    work: () => Promise<void>,
  ): Promise<void> {
    for (const [path, content] of Object.entries(changes)) {
      if (!this.#promised.has(path)) this.#promised.set(path, undefined)
      this.#possible.set(path, [content])
    }
    await work()
    for (const [path, content] of Object.entries(changes)) {
      this.#promised.set(path, content)
      this.#possible.delete(path)
    }
    this.acknowledged++
    for (const [path, content] of Object.entries(changes)) this.#note(path, name, content)
  }

  /** Compares with what is there now, and believes it from here on. */
  judge(path: string, seen: Content): Verdict {
    const promised = this.#promised.get(path)
    const possible = this.#possible.get(path)
    if (possible || seen !== promised) this.#note(path, possible ? 'cut off' : 'found', seen)
    this.#promised.set(path, seen)
    this.#possible.delete(path)
    if (seen === promised || possible?.includes(seen)) return 'fine'
    if (seen === undefined) return 'lost'
    if (possible) return 'torn'
    return promised === undefined ? 'resurrected' : 'corrupt'
  }

  #note(path: string, name: string, content: Content): void {
    const history = this.#history.get(path) ?? []
    history.push(`${name} ${content?.slice(0, 8) ?? 'nothing'}`)
    this.#history.set(path, history)
  }
}
