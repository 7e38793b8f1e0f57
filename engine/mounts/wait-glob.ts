/**
 * Waits until a file that matches a pattern is in the bucket.
 *
 * Keeps: asks by LIST alone, at growing intervals up to WAIT_INTERVAL_MS_MAX; a file that is
 *        reported is complete and can be opened in the folder.
 */
import { PailError } from '../../shared/errors.ts'
import { globToRegExp, splitGlob } from '../base/glob.ts'
import { componentOfName, nameOfComponent } from '../s3/keys.ts'
import type { ObjectInfo } from '../s3/object-store.ts'
import type { MountedPaths, Place } from './mounted-paths.ts'

/** A new output shows within this time, at the price of four requests a minute. */
const WAIT_INTERVAL_MS_MAX = 15_000
const WAIT_INTERVAL_MS_MIN = 1_000
const INTERVAL_GROWTH = 1.5
/** Pages of one look: a pattern over more keys is too wide to be waited for. */
const PAGES_MAX = 100
/** Files that one answer names. */
const MATCHES_MAX = 100

export type WaitRequest = {
  /** Absolute. */
  readonly pattern: string
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export type WaitResult = { readonly matches: string[]; readonly requests: number }

export async function waitForGlob(paths: MountedPaths, request: WaitRequest): Promise<WaitResult> {
  const { plain, glob } = splitGlob(request.pattern)
  const place = await paths.place(plain === '' ? '/' : plain)
  const look = new Look(place, glob)
  const { clock } = place.session.volume.tree
  const endMs = clock.monotonicMs() + request.timeoutMs
  const sleep = (ms: number) => clock.sleep(ms, request.signal)
  for (let intervalMs = WAIT_INTERVAL_MS_MIN; ; intervalMs *= INTERVAL_GROWTH) {
    const found = await look.once(request.signal)
    if (found.length > 0) {
      await show(paths, place, found, request.signal)
      const matches = found.map((names) => [place.session.dir, ...place.names, ...names].join('/'))
      return { matches, requests: look.requests }
    }
    const leftMs = endMs - clock.monotonicMs()
    if (leftMs <= 0) return { matches: [], requests: look.requests }
    await sleep(Math.min(leftMs, intervalMs, WAIT_INTERVAL_MS_MAX))
  }
}

class Look {
  requests = 0
  readonly #place: Place
  readonly #prefix: string
  readonly #pattern: RegExp
  readonly #isFlat: boolean
  /** Empty files seen at the last look: some tools write one first and the content later. */
  #empty = new Map<string, string>()

  constructor(place: Place, glob: string) {
    this.#place = place
    const components = place.names.map((name) => `${componentOfName(name)}/`)
    this.#prefix = place.session.prefix + components.join('')
    this.#pattern = globToRegExp(glob)
    this.#isFlat = !glob.includes('/') && !glob.includes('**')
  }

  /** @returns the names below the place of each complete file that matches */
  async once(signal: AbortSignal): Promise<string[][]> {
    const found: string[][] = []
    const empty = new Map<string, string>()
    try {
      for await (const object of this.#objects(signal)) {
        const names = this.#namesOf(object.key)
        if (!names || !this.#pattern.test(names.join('/'))) continue
        const isSeenBefore = this.#empty.get(object.key) === object.etag
        if (object.sizeBytes > 0 || isSeenBefore) found.push(names)
        else empty.set(object.key, object.etag)
        if (found.length >= MATCHES_MAX) break
      }
    } catch (thrown) {
      // Whoever waits for a file waits for the network as well.
      if (signal.aborted || PailError.from(thrown).retry === 'never') throw thrown
    }
    this.#empty = empty
    return found
  }

  async *#objects(signal: AbortSignal): AsyncGenerator<ObjectInfo> {
    const { store, requests } = this.#place.session.volume
    const delimiter = this.#isFlat ? ({ delimiter: '/' } as const) : {}
    let token: string | undefined
    for (let pages = 0; pages < PAGES_MAX; pages++) {
      const from = token === undefined ? {} : { token }
      this.requests++
      const page = await requests.run(
        'interactive',
        (attempt) => store.list({ prefix: this.#prefix, ...delimiter, ...from }, attempt),
        signal,
      )
      yield* page.objects
      token = page.next
      if (token === undefined) return
    }
    throw new PailError('input/invalid', `more than ${PAGES_MAX * 1000} files: narrow the pattern`)
  }

  #namesOf(key: string): string[] | undefined {
    const rest = key.slice(this.#prefix.length)
    if (rest === '' || rest.endsWith('/')) return undefined
    return rest.split('/').map((component) => nameOfComponent(component).name)
  }
}

/** The folders of what was found are listed, from the outermost to the innermost. */
async function show(
  paths: MountedPaths,
  place: Place,
  found: readonly string[][],
  signal: AbortSignal,
): Promise<void> {
  const { listings } = place.session.volume
  const shown = new Set<number>()
  for (const names of found) {
    const all = [...place.names, ...names.slice(0, -1)]
    for (let depth = place.names.length; depth <= all.length; depth++) {
      const folder = paths.nearestFolder({ session: place.session, names: all.slice(0, depth) })
      if (shown.has(folder.id)) continue
      shown.add(folder.id)
      await listings.refresh(folder.id, signal)
    }
  }
}
