/**
 * What may be left of a history when power goes: for each path, which contents, and whether an
 * error may stand in their place.
 *
 * A change of names is safe once anything was synced after it. The bytes of a file are safe once
 * that file was synced, or is in the bucket. Of a file that was only closed, the old or the new
 * content may be left, or an error that a person is told of; other bytes never. What was changed in
 * place after a sync may be old here and new there, also under the name that the file had then.
 */
import { ReferenceTree } from '../model/reference-tree.ts'

export type Seen = Uint8Array | 'absent' | 'directory' | 'error'

export class PowerHistory {
  readonly tree = new ReferenceTree()
  /** Every content that any file ever had. */
  readonly written: Uint8Array[] = []
  #states: ReferenceTree[] = []
  /** Contents that a program synced, or that the bucket holds. */
  readonly #safe = new Set<Uint8Array>()
  /** Synced, and on this computer alone. */
  readonly #local = new Set<Uint8Array>()
  /** Contents made of such ones by changing a part: the rest of them must stay readable. */
  readonly #derived = new Set<Uint8Array>()
  /** The content that one was made of by changing a part: the older one may be left of it. */
  readonly #origins = new Map<Uint8Array, Uint8Array>()

  plant(path: string, bytes: Uint8Array): void {
    this.tree.plant(path, bytes)
    this.written.push(bytes)
    this.#safe.add(bytes)
  }

  /** The tree is changed as a program did; with `isDerived` the file at `path` was changed in part. */
  note(path: string, before: Uint8Array | undefined, isDerived: boolean): void {
    this.#states.push(copyOf(this.tree))
    const after = this.contentAt(path)
    if (!after || after === before) return
    this.written.push(after)
    const isBuiltOnSafe = before && (this.#local.has(before) || this.#derived.has(before))
    if (isDerived && isBuiltOnSafe) this.#derived.add(after)
    if (isDerived && before) this.#origins.set(after, before)
  }

  contentAt(path: string): Uint8Array | undefined {
    const entry = this.tree.entries.get(path)
    return entry?.kind === 'file' ? entry.bytes : undefined
  }

  /** A program synced `path`: its bytes are safe, and all names up to now. */
  synced(path: string): void {
    const bytes = this.contentAt(path)
    if (bytes && !this.#safe.has(bytes)) this.#local.add(bytes)
    if (bytes) this.#safe.add(bytes)
    this.#states = [copyOf(this.tree)]
  }

  /** Everything is in the bucket. What the database knows of it may still be lost. */
  stored(): void {
    this.#local.clear()
    this.#derived.clear()
    for (const entry of this.tree.entries.values()) {
      if (entry.kind === 'file') this.#safe.add(entry.bytes)
    }
  }

  /** Names that were used at any time. */
  get paths(): string[] {
    return [...new Set(this.#states.flatMap((state) => [...state.entries.keys()]))].filter(
      (path) => path !== '',
    )
  }

  begin(): void {
    this.#states = [copyOf(this.tree)]
  }

  /** @returns what is wrong with what was seen at a path; undefined: nothing */
  verdict(path: string, seen: Seen): string | undefined {
    const entries = this.#states.map((state) => state.entries.get(path))
    if (seen === 'absent') {
      return entries.includes(undefined) ? undefined : 'is gone'
    }
    if (seen === 'directory') {
      return entries.some((entry) => entry?.kind === 'directory') ? undefined : 'is a directory'
    }
    const newer = entries.flatMap((entry) => (entry?.kind === 'file' ? [entry.bytes] : []))
    const contents = newer.flatMap((one) => [one, ...this.#olderThan(one)])
    if (seen === 'error') {
      const mayFail = contents.some((one) => !this.#safe.has(one) && !this.#derived.has(one))
      return mayFail ? undefined : 'cannot be read although it was synced'
    }
    if (contents.some((one) => Buffer.compare(one, seen) === 0)) return undefined
    if (isMixture(seen, contents)) return undefined
    if (newer.some((one) => this.#isChangedInPlace(seen, one))) return undefined
    return `has ${seen.length} bytes that nobody wrote, first at ${firstWrong(seen, contents)}`
  }

  /** What a content was made of, back to the last one that is safe. */
  #olderThan(content: Uint8Array): Uint8Array[] {
    const older: Uint8Array[] = []
    for (let at = content; !this.#safe.has(at); ) {
      const origin = this.#origins.get(at)
      if (!origin) break
      older.push(origin)
      at = origin
    }
    return older
  }

  /** Synced, changed in part under a later name, and the disk kept some of that, but not the name. */
  #isChangedInPlace(seen: Uint8Array, synced: Uint8Array): boolean {
    if (!this.#local.has(synced) || seen.length !== synced.length) return false
    const later = [...this.#origins.keys()].filter((one) => this.#isMadeOf(one, synced))
    return isMixture(seen, [synced, ...later])
  }

  #isMadeOf(content: Uint8Array, older: Uint8Array): boolean {
    for (let at = this.#origins.get(content); at; at = this.#origins.get(at)) {
      if (at === older) return true
    }
    return false
  }

  isKnown(bytes: Uint8Array): boolean {
    return this.written.some((one) => Buffer.compare(one, bytes) === 0)
  }
}

/** The entries are copied, the contents are the same objects. */
function copyOf(tree: ReferenceTree): ReferenceTree {
  const copy = new ReferenceTree()
  for (const [path, entry] of tree.entries) copy.entries.set(path, { ...entry })
  return copy
}

/** Bytes changed in place may be the old ones here and the new ones there, as on any disk. */
function isMixture(seen: Uint8Array, contents: readonly Uint8Array[]): boolean {
  if (!contents.some((one) => one.length === seen.length)) return false
  return firstWrong(seen, contents) === -1
}

function firstWrong(seen: Uint8Array, contents: readonly Uint8Array[]): number {
  return seen.findIndex((byte, at) => !contents.some((one) => one[at] === byte))
}
