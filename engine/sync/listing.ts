/**
 * Keeps directories as fresh as they are asked for, with as few LIST requests as that takes.
 *
 * Owns:  which listings are under way. Runs in: engine process.
 * Keeps: one listing per directory at a time, shared by all who wait; what was listed once is
 *        served at once when the network does not answer, and a directory that was never listed
 *        fails instead of showing itself empty.
 * Never: asks HEAD for an entry.
 */
import { PailError } from '../../shared/errors.ts'
import { withSignal } from '../base/with-signal.ts'
import { componentOfName } from '../s3/keys.ts'
import type { ListPage } from '../s3/object-store.ts'
import type { NodeRow } from '../store/nodes.ts'
import { FlatWalk, type ListingParts } from './flat-listing.ts'
import { ListingFailures } from './listing-failures.ts'
import { Pages } from './listing-pages.ts'
import type { RequestUrgency } from './requests.ts'
import { REFRESH_WAIT_MS, ShortWaits } from './short-waits.ts'
import { finishListing, mergePage } from './tree-merge.ts'

/** A listing younger than this is taken as it is. */
export const LISTING_FRESH_MS = 10_000
/** A name that the listing does not have is missing for so long; the kernel adds NEGATIVE_TIMEOUT_MS. */
export const ABSENCE_FRESH_MS = 3_000
/** While files are made here, each of them is looked up first: that is no question to the bucket. */
const EDITING_MS = 5_000
/** Listings under way at once for one volume. */
const LISTINGS_MAX = 64
/** So many sibling directories listed within FLAT_WINDOW_MS make the next one a flat listing. */
const FLAT_AFTER_SIBLINGS = 3
const FLAT_WINDOW_MS = 10_000
/** Parents whose listed children are counted at once. */
const PARENTS_TRACKED_MAX = 256

type Listing = {
  readonly prefix: string
  readonly startedMs: number
  lastName: string
  /** Settles with the next page, and in the end with the end. */
  nextPage: Promise<void>
  readonly done: Promise<void>
  isDone: boolean
  hasAnswered: boolean
  pages: number
}

export class Listings {
  readonly #parts: ListingParts
  readonly #active = new Map<number, Listing>()
  /** Of each parent, the children listed lately; no more of them than it takes to go flat. */
  readonly #siblings = new Map<number, { ids: ReadonlySet<number>; sinceMs: number }>()
  readonly #walks = new Map<number, FlatWalk>()
  readonly #waits: ShortWaits
  readonly #failures: ListingFailures
  /** LIST requests that a directory took, where it was more than one. */
  readonly #pageCounts = new Map<number, number>()

  constructor(parts: ListingParts) {
    this.#parts = parts
    this.#failures = new ListingFailures(parts.clock)
    this.#waits = new ShortWaits(parts.clock)
  }

  /** Waits until the directory is known and not older than LISTING_FRESH_MS, if that can be had. */
  async ensureFresh(id: number, signal: AbortSignal): Promise<void> {
    const directory = this.#parts.tree.directory(id)
    if (this.#isFresh(directory)) return
    const listing = await this.#listing(directory, signal)
    if (!listing) return
    await this.#settle(directory, listing, signal)
  }

  /** Like `ensureFresh`, but the first page of a directory never seen before is enough to go on. */
  async begin(id: number, signal: AbortSignal): Promise<void> {
    const directory = this.#parts.tree.directory(id)
    if (this.#isFresh(directory)) return
    const listing = await this.#listing(directory, signal)
    if (!listing) return
    if (directory.listedMs > 0) await this.#settle(directory, listing, signal)
    else if (listing.pages === 0) await withSignal(listing.nextPage, signal)
  }

  /** Reads the directory anew whatever its age: for a decision that must not rest on an old listing. */
  async refresh(id: number, signal: AbortSignal): Promise<void> {
    const directory = this.#parts.tree.directory(id)
    if (this.#isLocal(directory)) return
    const failure = this.#failures.of(id)
    if (failure) throw failure
    const listing = await this.#inTurn(directory, signal)
    await withSignal(listing.done, signal)
  }

  /**
   * Lists a directory that was listed before, for nobody who waits.
   * @returns LIST requests that it took; 0 when the bucket has nothing to say about it now
   */
  async poll(id: number, signal: AbortSignal): Promise<number> {
    const directory = this.#parts.tree.directory(id)
    if (this.#isLocal(directory)) return 0
    const listing = this.#active.get(id) ?? this.#start(directory, 'background')
    await withSignal(listing.done, signal)
    return listing.pages
  }

  /** Can `name` be answered from the tree as it is? Then `ensureName` would do nothing. */
  isKnown(id: number, name: string): boolean {
    const directory = this.#parts.tree.directory(id)
    return this.#isFresh(directory) && !this.#isDoubtful(directory, name)
  }

  /**
   * Makes sure that `name` can be answered from the tree: by a fresh listing, by the part of a
   * running one that passed the name, or by one request for the name alone.
   */
  async ensureName(id: number, name: string, signal: AbortSignal): Promise<void> {
    const directory = this.#parts.tree.directory(id)
    if (this.#isFresh(directory)) {
      if (!this.#isDoubtful(directory, name) || this.#failures.of(id)) return
      if ((this.#pageCounts.get(id) ?? 1) > 1) return this.#askFor(directory, name, signal)
    }
    const listing = await this.#listing(directory, signal)
    if (!listing) return
    if (directory.listedMs > 0) return this.#settle(directory, listing, signal)
    const isTold = () =>
      listing.isDone || listing.lastName > name || this.#parts.tree.nodes.child(id, name)
    if (listing.pages > 0 && isTold()) return
    await this.#pageOf(listing, signal)
    if (isTold()) return
    await this.#askFor(directory, name, signal)
  }

  /** The network is back: what it was like before keeps nobody from a fresh answer. */
  networkReturned(): void {
    this.#waits.noteQuick()
    this.#failures.clear()
  }

  /** Is more of the directory still arriving? */
  isListing(id: number): boolean {
    return this.#active.has(id)
  }

  /** Resolves with the next page of a listing under way; at once when there is none. */
  async nextPage(id: number, signal: AbortSignal): Promise<void> {
    const listing = this.#active.get(id)
    if (listing) await this.#pageOf(listing, signal)
  }

  /** The next page; not for long while listings fail. */
  async #pageOf(listing: Listing, signal: AbortSignal): Promise<void> {
    const { trouble } = this.#failures
    if (trouble) await this.#shortly(listing, trouble, signal)
    else await withSignal(listing.nextPage, signal)
  }

  async #askFor(directory: NodeRow, name: string, signal: AbortSignal): Promise<void> {
    const sinceMs = this.#parts.clock.monotonicMs()
    try {
      await this.#listName(directory, name, signal)
    } catch (thrown) {
      if (!signal.aborted) this.#noteFailure(directory.id, thrown, sinceMs)
      throw thrown
    }
  }

  /** Fresh enough for what it shows, not for what it does not: "my job's output is not there". */
  #isDoubtful(directory: NodeRow, name: string): boolean {
    const { tree, clock } = this.#parts
    if (this.#isLocal(directory) || clock.nowMs() - directory.listedMs < ABSENCE_FRESH_MS) {
      return false
    }
    if (clock.monotonicMs() - tree.lastEditMs < EDITING_MS) return false
    return tree.nodes.child(directory.id, name) === undefined
  }

  #isLocal(directory: NodeRow): boolean {
    return directory.remoteKey === null || this.#parts.tree.isMoving(directory.remoteKey)
  }

  #isFresh(directory: NodeRow): boolean {
    if (this.#isLocal(directory)) return true
    const ageMs = this.#parts.clock.nowMs() - directory.listedMs
    return ageMs >= 0 && ageMs < LISTING_FRESH_MS
  }

  /** A known directory is served after a short wait, or when the network fails; others must wait. */
  async #settle(directory: NodeRow, listing: Listing, signal: AbortSignal): Promise<void> {
    if (directory.listedMs === 0) return withSignal(listing.done, signal)
    await this.#waits.waitFor(
      { done: listing.done, hasAnswered: () => listing.hasAnswered },
      signal,
    )
  }

  /** The listing to wait for; undefined when there is none to wait for: see what is known. */
  async #listing(directory: NodeRow, signal: AbortSignal): Promise<Listing | undefined> {
    const active = this.#active.get(directory.id)
    if (active) return active
    if (this.#hasJustFailed(directory)) return undefined
    const before = this.#failures.before(directory.id) ?? this.#failures.trouble
    if (before && directory.listedMs === 0) return this.#listAgain(directory, before, signal)
    const walk = this.#walkFor(directory)
    if (walk && !(await this.#isLeftBy(walk, directory, signal))) return undefined
    const isCrowded = this.#active.size >= LISTINGS_MAX && !this.#active.has(directory.id)
    return isCrowded && directory.listedMs > 0 ? undefined : this.#inTurn(directory, signal)
  }

  /** Does the directory need a listing of its own, because a flat walk does not come to it? */
  async #isLeftBy(walk: FlatWalk, directory: NodeRow, signal: AbortSignal): Promise<boolean> {
    if (directory.listedMs === 0) return !(await this.#walkTo(walk, directory, signal))
    let isLeft = false
    const pagesBefore = walk.pages
    const done = this.#walkTo(walk, directory, this.#parts.signal).then(
      (isReached) => {
        isLeft = !isReached
      },
      () => {},
    )
    await this.#waits.waitFor({ done, hasAnswered: () => walk.pages > pagesBefore }, signal)
    return isLeft
  }

  /** Where very many listings are under way, others wait for the end of one. */
  async #inTurn(directory: NodeRow, signal: AbortSignal): Promise<Listing> {
    for (;;) {
      const active = this.#active.get(directory.id)
      if (active) return active
      if (this.#active.size < LISTINGS_MAX) return this.#start(directory)
      const ends = [...this.#active.values()].map(({ done }) => done.catch(() => {}))
      await withSignal(Promise.race(ends), signal)
    }
  }

  /** `find` and `du` read siblings one after the other: then their parent is listed flat. */
  #walkFor(directory: NodeRow): FlatWalk | undefined {
    const { tree, clock } = this.#parts
    if (directory.parent === null || directory.remoteKey === null) return undefined
    const parent = tree.nodes.byId(directory.parent)
    if (!parent || parent.remoteKey === null || this.#isLocal(parent)) return undefined
    if (!directory.remoteKey.startsWith(parent.remoteKey)) return undefined
    const known = this.#walks.get(parent.id)
    if (known && !known.isOver(clock.nowMs())) return known
    this.#walks.delete(parent.id)
    if (!this.#countSibling(parent.id, directory.id)) return undefined
    const from = directory.remoteKey.slice(0, -1)
    const walk = new FlatWalk(this.#parts, parent.id, parent.remoteKey, from)
    this.#walks.set(parent.id, walk)
    return walk
  }

  async #walkTo(walk: FlatWalk, directory: NodeRow, signal: AbortSignal): Promise<boolean> {
    const sinceMs = this.#parts.clock.monotonicMs()
    try {
      return await walk.reach(directory, signal)
    } catch (thrown) {
      if (!signal.aborted) this.#noteFailure(directory.id, thrown, sinceMs)
      if (directory.parent !== null && this.#walks.get(directory.parent) === walk) {
        this.#walks.delete(directory.parent)
      }
      throw thrown
    }
  }

  /** A program has waited for this directory before: this time the listing goes on without it. */
  async #listAgain(directory: NodeRow, before: PailError, signal: AbortSignal): Promise<Listing> {
    const listing = this.#active.get(directory.id) ?? this.#start(directory)
    await this.#shortly(listing, before, signal)
    return listing
  }

  /** @throws `before` when the next page does not come within a short wait */
  async #shortly(listing: Listing, before: PailError, signal: AbortSignal): Promise<void> {
    const waiting = new AbortController()
    const tooLong = this.#parts.clock.sleep(REFRESH_WAIT_MS, waiting.signal).then(
      () => Promise.reject(before),
      () => {},
    )
    try {
      await withSignal(Promise.race([listing.nextPage, tooLong]), signal)
    } finally {
      waiting.abort()
    }
  }

  /** A known directory is served as it is known; others fail as they did a moment ago. */
  #hasJustFailed(directory: NodeRow): boolean {
    const error = this.#failures.of(directory.id)
    if (error && directory.listedMs === 0) throw error
    return error !== undefined
  }

  #noteFailure(id: number, thrown: unknown, sinceMs: number): void {
    const waitedMs = this.#parts.clock.monotonicMs() - sinceMs
    if (!this.#parts.signal.aborted) this.#failures.note(id, PailError.from(thrown), waitedMs)
  }

  /** @returns whether so many siblings were listed that the next one is the first of a walk */
  #countSibling(parent: number, id: number): boolean {
    const nowMs = this.#parts.clock.nowMs()
    const seen = this.#siblings.get(parent)
    const isRecent = seen !== undefined && nowMs - seen.sinceMs < FLAT_WINDOW_MS
    const before = isRecent ? seen.ids : new Set<number>()
    const isEnough = before.size >= FLAT_AFTER_SIBLINGS && !before.has(id)
    const ids = isEnough ? before : new Set([...before, id])
    this.#siblings.delete(parent)
    this.#siblings.set(parent, { ids, sinceMs: isRecent ? seen.sinceMs : nowMs })
    const oldest = this.#siblings.keys().next()
    if (this.#siblings.size > PARENTS_TRACKED_MAX && !oldest.done) {
      this.#siblings.delete(oldest.value)
    }
    return isEnough
  }

  #start(directory: NodeRow, urgency: RequestUrgency = 'interactive'): Listing {
    if (this.#active.size >= LISTINGS_MAX) {
      throw new PailError('s3/busy', `${LISTINGS_MAX} directories are being listed already`)
    }
    const pages = new Pages()
    const listing: Listing = {
      prefix: directory.remoteKey ?? '',
      startedMs: this.#parts.clock.nowMs(),
      lastName: '',
      nextPage: pages.next,
      done: Promise.resolve(),
      isDone: false,
      hasAnswered: false,
      pages: 0,
    }
    const sinceMs = this.#parts.clock.monotonicMs()
    const done = this.#run(directory.id, listing, pages, urgency).finally(() => {
      listing.isDone = true
      this.#active.delete(directory.id)
    })
    done.then(
      () => {
        this.#failures.forget(directory.id)
        pages.end()
      },
      (thrown) => {
        this.#noteFailure(directory.id, thrown, sinceMs)
        pages.fail(thrown)
      },
    )
    const active = Object.assign(listing, { done })
    this.#active.set(directory.id, active)
    return active
  }

  async #run(id: number, listing: Listing, pages: Pages, urgency: RequestUrgency): Promise<void> {
    const { tree, requests, store, clock, signal } = this.#parts
    let token: string | undefined
    let unshown = 0
    do {
      const beganMs = clock.monotonicMs()
      const page: ListPage = await requests.run(
        urgency,
        (attempt) =>
          store.list(
            { prefix: listing.prefix, delimiter: '/', ...(token === undefined ? {} : { token }) },
            attempt,
          ),
        signal,
      )
      if (clock.monotonicMs() - beganMs < REFRESH_WAIT_MS) this.#waits.noteQuick()
      listing.hasAnswered = true
      await mergePage(tree, id, listing.prefix, page, listing.startedMs)
      listing.lastName = lastNameOf(page, listing.prefix) ?? listing.lastName
      token = page.next
      unshown += page.unshown ?? 0
      listing.pages++
      if (token !== undefined) listing.nextPage = pages.turn()
    } while (token !== undefined)
    await finishListing(tree, id, listing.prefix, listing.startedMs)
    this.#noteUnshown(id, unshown)
    this.#pageCounts.delete(id)
    if (listing.pages > 1) this.#pageCounts.set(id, listing.pages)
    const oldest = this.#pageCounts.keys().next()
    if (this.#pageCounts.size > PARENTS_TRACKED_MAX && !oldest.done) {
      this.#pageCounts.delete(oldest.value)
    }
  }

  #noteUnshown(id: number, unshown: number): void {
    const { tree } = this.#parts
    const now = tree.nodes.byId(id)
    if (now && now.unshown !== unshown) tree.changeLater(() => tree.nodes.update(id, { unshown }))
  }

  /** One request tells whether `name` is a file, a directory, both or neither. */
  async #listName(directory: NodeRow, name: string, signal: AbortSignal): Promise<void> {
    const { tree, requests, store, clock } = this.#parts
    const prefix = directory.remoteKey ?? ''
    const key = prefix + componentOfName(name)
    const startedMs = clock.nowMs()
    const list = (asked: string, keysMax: number) =>
      requests.run(
        'interactive',
        (attempt) => store.list({ prefix: asked, delimiter: '/', keysMax }, attempt),
        signal,
      )
    const page = await list(key, NAME_KEYS_MAX)
    const isDirectory =
      page.prefixes.includes(`${key}/`) ||
      (page.next !== undefined && isInhabited(await list(`${key}/`, 1)))
    const found: ListPage = {
      objects: page.objects.filter((object) => object.key === key),
      prefixes: isDirectory ? [`${key}/`] : [],
      ...(page.hasPlainKeys ? { hasPlainKeys: true } : {}),
    }
    await mergePage(tree, directory.id, prefix, found, startedMs)
  }
}

/** `name`, `name-2`, `name.txt` sort before `name/`: a few more keys find the directory, too. */
const NAME_KEYS_MAX = 100

function isInhabited(page: ListPage): boolean {
  return page.objects.length > 0 || page.prefixes.length > 0
}

function lastNameOf(page: ListPage, prefix: string): string | undefined {
  const last = [page.objects.at(-1)?.key, page.prefixes.at(-1)?.slice(0, -1)]
    .filter((key) => key !== undefined)
    .sort()
    .at(-1)
  return last?.slice(prefix.length)
}
