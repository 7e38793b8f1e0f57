/**
 * The list of names that stay on this computer.
 *
 * Owns:  row `junk` of table `fact`; no row means the list that Pail comes with. Runs in: engine.
 */
import { JUNK_DEFAULTS, JunkPattern, matchesPattern } from '../../shared/junk.ts'
import type { Database } from '../store/database.ts'
import { factOf, setFact } from '../store/facts.ts'

const FACT = 'junk'

/** Names asked about again and again, as by a copy of many folders. */
const REMEMBERED_MAX = 4096

export class JunkList {
  readonly #database: Database
  #patterns: readonly string[]
  readonly #remembered = new Map<string, boolean>()

  constructor(database: Database) {
    this.#database = database
    this.#patterns = this.#load()
  }

  get patterns(): readonly string[] {
    return this.#patterns
  }

  matches(name: string): boolean {
    const known = this.#remembered.get(name)
    if (known !== undefined) return known
    if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear()
    const isJunk = this.#patterns.some((pattern) => matchesPattern(name, pattern))
    this.#remembered.set(name, isJunk)
    return isJunk
  }

  async replace(patterns: readonly string[]): Promise<void> {
    const unique = [...new Set(patterns)]
    await this.#database.write(() => setFact(this.#database, FACT, JSON.stringify(unique)))
    this.#patterns = unique
    this.#remembered.clear()
  }

  #load(): readonly string[] {
    const stored = factOf(this.#database, FACT)
    return stored === undefined ? JUNK_DEFAULTS : JunkPattern.array().parse(JSON.parse(stored))
  }
}
