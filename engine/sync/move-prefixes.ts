/**
 * The moves of directories by the prefixes that they read or write, looked at once for all rows.
 *
 * Keeps: what touches a key is found by the key's own folders, and what lies inside a prefix by its
 *        place in their order: never by a look at each move.
 */
import type { JournalRow } from '../store/journal.ts'
import { plannedTarget } from './move-plan.ts'
import type { Tree } from './tree.ts'

export class MovePrefixes {
  readonly #moves: readonly JournalRow[]
  readonly #byPrefix = new Map<string, JournalRow[]>()
  readonly #bySource = new Map<string, JournalRow[]>()
  #sorted: readonly string[] | undefined

  constructor(tree: Tree) {
    this.#moves = tree.journal.directoryMoves(tree.volume)
    for (const move of this.#moves) {
      add(this.#bySource, move.key, move)
      for (const prefix of prefixesOf(tree, move)) add(this.#byPrefix, prefix, move)
    }
  }

  /** Moves that read or write `key`, or something above it. */
  touching(key: string): JournalRow[] {
    return this.#moves.length === 0 ? [] : above(this.#byPrefix, key)
  }

  /** Moves that take away what lies under `key`. */
  takingAway(key: string): JournalRow[] {
    return this.#moves.length === 0 ? [] : above(this.#bySource, key)
  }

  /** Moves that read or write something inside of `prefix`. */
  inside(prefix: string): JournalRow[] {
    this.#sorted ??= [...this.#byPrefix.keys()].sort()
    const found: JournalRow[] = []
    for (let at = firstFrom(this.#sorted, prefix); at < this.#sorted.length; at++) {
      const other = this.#sorted[at] ?? ''
      if (!other.startsWith(prefix)) break
      found.push(...(this.#byPrefix.get(other) ?? []))
    }
    return found
  }
}

function prefixesOf(tree: Tree, move: JournalRow): Set<string> {
  const prefixes = new Set([move.key])
  const directory = move.node === null ? undefined : tree.nodes.byId(move.node)
  if (directory && directory.parent !== null) prefixes.add(tree.keyOf(directory))
  // Renamed again meanwhile, it still goes to where its plan says first, and from there on.
  const planned = plannedTarget(move)
  if (planned !== undefined) prefixes.add(planned)
  return prefixes
}

function add(map: Map<string, JournalRow[]>, prefix: string, move: JournalRow): void {
  const known = map.get(prefix)
  if (known) known.push(move)
  else map.set(prefix, [move])
}

/** Of all folders that the key lies in, and of itself when it is one. */
function above(map: ReadonlyMap<string, JournalRow[]>, key: string): JournalRow[] {
  const found: JournalRow[] = []
  for (let end = key.indexOf('/'); end >= 0; end = key.indexOf('/', end + 1)) {
    const moves = map.get(key.slice(0, end + 1))
    if (moves) found.push(...moves)
  }
  return found
}

function firstFrom(sorted: readonly string[], prefix: string): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? '') < prefix) low = middle + 1
    else high = middle
  }
  return low
}
