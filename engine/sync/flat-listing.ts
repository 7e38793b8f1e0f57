/**
 * A walk over all keys below one directory, without a delimiter: one request tells 1,000 keys of
 * however many directories they lie in.
 *
 * Keeps: goes on only while someone waits for a directory ahead, and a few pages at a time, so
 *        that opening four folders of a huge bucket does not list all of it.
 */
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { withSignal } from '../base/with-signal.ts'
import type { ListPage, ObjectStore } from '../s3/object-store.ts'
import type { NodeRow } from '../store/nodes.ts'
import type { Requests } from './requests.ts'
import type { Tree } from './tree.ts'
import { finishListing, mergeFlatPage } from './tree-merge.ts'

export type ListingParts = {
  readonly tree: Tree
  readonly store: ObjectStore
  readonly requests: Requests
  readonly clock: Clock
  readonly log: Log
  /** Ends everything under way when the volume closes. */
  readonly signal: AbortSignal
}

/** Pages fetched for one directory before a listing of its own is the better way. */
const PAGES_AHEAD_MAX = 4
/** What a walk found is as fresh as a listing for so long; then it starts anew. */
const WALK_MS_MAX = 10_000

export class FlatWalk {
  readonly #parts: ListingParts
  readonly #directory: number
  readonly #prefix: string
  readonly #startedMs: number
  /** Everything after `#from` and up to `#cursor` has been merged. */
  readonly #from: string
  #cursor: string
  #token: string | undefined
  /** Pages that came. */
  pages = 0
  #isAtEnd = false
  #hasUnshown = false
  /** When its last page was asked for. */
  #freshMs: number
  #fetching: Promise<void> | undefined

  constructor(parts: ListingParts, directory: number, prefix: string, from: string) {
    this.#parts = parts
    this.#directory = directory
    this.#prefix = prefix
    this.#from = from
    this.#cursor = from
    this.#startedMs = parts.clock.nowMs()
    this.#freshMs = this.#startedMs
  }

  isOver(nowMs: number): boolean {
    return nowMs - this.#freshMs > WALK_MS_MAX
  }

  /** @returns whether the walk has shown all of the directory, which is then listed */
  async reach(directory: NodeRow, signal: AbortSignal): Promise<boolean> {
    const prefix = directory.remoteKey ?? ''
    if (prefix < this.#from) return false
    for (let pages = 0; pages <= PAGES_AHEAD_MAX && !signal.aborted; pages++) {
      if (this.#hasPassed(prefix)) {
        if (!this.#hasShown(directory.id)) return false
        await finishBelow(this.#parts.tree, directory, prefix, this.#startedMs)
        return true
      }
      if (pages < PAGES_AHEAD_MAX) await withSignal(this.#advance(), signal)
    }
    return false
  }

  #hasPassed(prefix: string): boolean {
    if (this.#isAtEnd) return true
    return this.#cursor > prefix && !this.#cursor.startsWith(prefix)
  }

  /**
   * What cannot be shown is counted by the directory that it lies in, which a walk cannot tell.
   * A directory that was listed by name has keys. One that the walk passed without any is gone, or
   * the server lies: that is for a listing of its own to tell.
   */
  #hasShown(id: number): boolean {
    if (this.#hasUnshown) return false
    const { nodes } = this.#parts.tree
    if (nodes.hasChildSeenSince(id, this.#startedMs)) return true
    return nodes.byId(id)?.hasMarker === true && !nodes.hasChildren(id)
  }

  /** One page at a time, shared by all who wait: also its failure, which is one wait for all. */
  #advance(): Promise<void> {
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined
    })
    return this.#fetching
  }

  async #fetch(): Promise<void> {
    if (this.#isAtEnd) return
    const { requests, store, tree, signal } = this.#parts
    const token = this.#token
    this.#freshMs = this.#parts.clock.nowMs()
    const page: ListPage = await requests.run(
      'interactive',
      (attempt) =>
        store.list(
          {
            prefix: this.#prefix,
            ...(token === undefined ? { startAfter: this.#from } : { token }),
          },
          attempt,
        ),
      signal,
    )
    this.pages++
    await mergeFlatPage(tree, this.#directory, this.#prefix, page, this.#startedMs)
    this.#token = page.next
    if (page.unshown) this.#hasUnshown = true
    this.#cursor = page.objects.at(-1)?.key ?? this.#cursor
    if (page.next === undefined) this.#isAtEnd = true
  }
}

/** The directory and all below it are complete now: their listings are as fresh as the walk. */
export async function finishBelow(
  tree: Tree,
  directory: NodeRow,
  prefix: string,
  startedMs: number,
): Promise<void> {
  await finishListing(tree, directory.id, prefix, startedMs)
  let after = 0
  for (;;) {
    const children = tree.nodes.children(directory.id, after, 500)
    for (const child of children) {
      if (child.kind !== 'directory' || child.remoteKey === null) continue
      await finishBelow(tree, child, child.remoteKey, startedMs)
    }
    const last = children.at(-1)
    if (!last) return
    after = last.id
  }
}
