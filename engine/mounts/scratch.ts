/**
 * Scratch objects, with which a volume finds out what an endpoint honours and what its keys may do.
 *
 * Keeps: the deletion of a scratch object is in the journal before the object is made: no crash and
 *        no lost reply leaves it. What a try may have left goes before the next one, and few of
 *        them wait. A try that reached no server leaves nothing in the journal.
 */
import { PailError } from '../../shared/errors.ts'
import type { Clock, Random } from '../base/clock.ts'
import type { ObjectStore } from '../s3/object-store.ts'
import { scratchKey } from '../s3/probe.ts'
import { isUnsent } from '../s3/s3-errors.ts'
import type { Requests } from '../sync/requests.ts'
import type { Tree } from '../sync/tree.ts'

/** Longer than any probe takes: until then its scratch object is not deleted under it. */
const PROBE_MS_MAX = 120_000
/** So many that an earlier try may have left wait to be deleted, where the server does not do that. */
export const SCRATCHES_MAX = 4

export type ScratchParts = {
  readonly tree: Tree
  readonly store: ObjectStore
  readonly requests: Requests
  readonly clock: Clock
  readonly random: Random
  /** There is something to delete. */
  readonly wake: () => void
}

type Probe<T> = (store: ObjectStore, key: string, signal: AbortSignal) => Promise<T>

/** A key to try things on, and the row of its deletion. */
type Place = { readonly seq: number; readonly key: string; readonly traces: Traces }

export class Scratches {
  readonly #parts: ScratchParts

  constructor(parts: ScratchParts) {
    this.#parts = parts
  }

  /** @param probe stores objects and uploads under its key alone */
  async run<T>(prefix: string, probe: Probe<T>, signal: AbortSignal): Promise<T> {
    const { requests, store } = this.#parts
    let place: Place | undefined
    const attempt = async (one: AbortSignal) => {
      place = await this.#emptied(place ?? (await this.#take(prefix)), prefix, one)
      return probe(place.traces.watch(store), place.key, one)
    }
    try {
      return await requests.run('background', attempt, signal)
    } finally {
      if (place) await this.#settle(place)
    }
  }

  /** Deletes what an earlier try may have left there: it would be taken for an answer. */
  async #emptied(place: Place, prefix: string, signal: AbortSignal): Promise<Place> {
    if (!place.traces.mayBeThere) return place
    try {
      await this.#parts.store.delete(place.key, signal)
      return place
    } catch (thrown) {
      await this.#settle(place)
      if (this.#countOf(prefix) >= SCRATCHES_MAX) throw thrown
      return this.#add(prefix)
    }
  }

  /** The row is not for a flush to hurry while the key is in use. */
  async #take(prefix: string): Promise<Place> {
    const { tree } = this.#parts
    const rows = tree.journal.scratchDeletions(tree.volume, prefix)
    const left = rows.find((row) => !tree.isRunning(row))
    if (!left && rows.length >= SCRATCHES_MAX) {
      throw new PailError('s3/server', 'what was tried before is not deleted yet', { prefix })
    }
    if (!left) return this.#add(prefix)
    tree.running.add(left.seq)
    return { seq: left.seq, key: left.key, traces: new Traces(true) }
  }

  async #add(prefix: string): Promise<Place> {
    const { tree, clock, random } = this.#parts
    const key = scratchKey(prefix, random)
    const { volume } = tree
    const readyMs = clock.nowMs() + PROBE_MS_MAX
    const seq = await tree.database.write(() => {
      const inserted = tree.journal.insert({ volume, op: 'delete', node: null, key, readyMs })
      tree.running.add(inserted)
      return inserted
    })
    return { seq, key, traces: new Traces(false) }
  }

  async #settle({ seq, traces }: Place): Promise<void> {
    const { tree, clock, wake } = this.#parts
    tree.running.delete(seq)
    await tree.database.write(() => {
      if (traces.mayBeThere) tree.journal.setReady(seq, clock.nowMs())
      else tree.journal.remove(seq)
    })
    if (traces.mayBeThere) wake()
  }

  #countOf(prefix: string): number {
    const { tree } = this.#parts
    return tree.journal.scratchDeletions(tree.volume, prefix).length
  }
}

/** Whether anything may have been stored. */
class Traces {
  mayBeThere: boolean

  constructor(mayBeThere: boolean) {
    this.mayBeThere = mayBeThere
  }

  watch(store: ObjectStore): ObjectStore {
    return {
      ...store,
      put: (request, signal) => this.#note(store.put(request, signal)),
      createMultipart: (request, signal) => this.#note(store.createMultipart(request, signal)),
      completeMultipart: (request, signal) => this.#note(store.completeMultipart(request, signal)),
    }
  }

  async #note<T>(work: Promise<T>): Promise<T> {
    try {
      const value = await work
      this.mayBeThere = true
      return value
    } catch (thrown) {
      if (!(thrown instanceof PailError && isUnsent(thrown))) this.mayBeThere = true
      throw thrown
    }
  }
}
