/**
 * The calls about sync state, and the part of the status that tells of it.
 *
 * Keeps: thin. What a state is, and what a decision does, is said elsewhere.
 */
import type { EngineHandlers, EngineParsed } from '../../shared/engine-contract.ts'
import { PailError } from '../../shared/errors.ts'
import { type PathState, STATUS_ENTRIES_MAX, type SyncView } from '../../shared/sync-model.ts'
import { verdictOf } from '../../shared/verdict.ts'
import type { NodeRow } from '../store/nodes.ts'
import { resolveConflict } from '../sync/conflict-resolve.ts'
import type { MountedPaths, Place } from './mounted-paths.ts'
import { stateOfFile, stateOfFolder } from './node-state.ts'
import type { PauseSwitch } from './pause-switch.ts'
import { type Scope, SyncLists } from './sync-lists.ts'
import { problemsIn } from './trust-check.ts'
import type { Stores, Volume } from './volume.ts'
import { waitForGlob } from './wait-glob.ts'

/** Lines of a damaged database that a report needs. */
const PROBLEMS_MAX = 20

export type SyncCallsParts = {
  readonly stores: Stores
  readonly volumes: ReadonlyMap<number, Volume>
  readonly paths: MountedPaths
  readonly pauseSwitch: PauseSwitch
  /** A person wants no requests at all. */
  readonly isWorkingOffline: () => boolean
  readonly onDidChange: () => void
  /** Ends what waits when the engine closes. */
  readonly signal: AbortSignal
}

type SyncHandlers = Pick<
  EngineHandlers,
  | 'files/state'
  | 'queue/list'
  | 'attention/list'
  | 'conflicts/list'
  | 'conflicts/resolve'
  | 'recent/list'
  | 'uploads/retry'
  | 'uploads/pause'
  | 'uploads/resume'
  | 'wait/glob'
  | 'engine/check'
>

export class SyncCalls {
  readonly handlers: SyncHandlers
  readonly #parts: SyncCallsParts
  readonly #lists: SyncLists
  #lastView: SyncView | undefined

  constructor(parts: SyncCallsParts) {
    this.#parts = parts
    const { pauseSwitch } = parts
    this.#lists = new SyncLists({ ...parts, isPaused: () => pauseSwitch.isPaused })
    const lists = this.#lists
    this.handlers = {
      'files/state': ({ paths }) => this.#states(paths),
      'queue/list': async ({ dir, countMax }) => lists.queue(await this.#scope(dir), countMax),
      'attention/list': async ({ dir, countMax }) =>
        lists.attention(await this.#scope(dir), countMax),
      'conflicts/list': async ({ dir, countMax }) =>
        lists.conflicts(await this.#scope(dir), countMax),
      'conflicts/resolve': (input) => this.#resolve(input),
      'recent/list': async ({ countMax }) => lists.recent(countMax),
      'uploads/retry': (input) => this.#retry(input),
      'uploads/pause': async () => this.#switch(() => pauseSwitch.set(true)),
      'uploads/resume': async () => this.#switch(() => pauseSwitch.set(false)),
      'engine/check': async () => this.#check(),
      'wait/glob': (input) => waitForGlob(parts.paths, { ...input, signal: parts.signal }),
    }
  }

  /** A snapshot with the first entries of each list; the last one that could be read. */
  view(): SyncView {
    const { trust } = this.#parts.stores.database
    try {
      this.#lastView = this.#viewNow()
    } catch (thrown) {
      if (!trust.finding || !this.#lastView) throw thrown
      const verdict = { kind: 'attention', sentence: trust.finding.remedy } as const
      this.#lastView = { ...this.#lastView, verdict }
    }
    return this.#lastView
  }

  #viewNow(): SyncView {
    const { volumes } = this.#parts
    const { isPaused } = this.#parts.pauseSwitch
    const isWorkingOffline = this.#parts.isWorkingOffline()
    const counts = this.#lists.counts(undefined)
    const open = [...volumes.values()]
    const isOffline = open.some(({ connectivity }) => !connectivity.isOnline)
    const finding = this.#parts.stores.database.trust.finding?.remedy
    const rates = open.flatMap(({ transfers }) => transfers.all())
    return {
      verdict: verdictOf({ counts, isPaused, isWorkingOffline, isOffline, finding }),
      counts,
      isPaused,
      isWorkingOffline,
      upBytesPerSecond: rates.reduce((sum, { bytesPerSecond }) => sum + bytesPerSecond, 0),
      queue: this.#lists.queue(undefined, STATUS_ENTRIES_MAX),
      attention: this.#lists.attention(undefined, STATUS_ENTRIES_MAX),
      conflicts: this.#lists.conflicts(undefined, STATUS_ENTRIES_MAX),
      recent: this.#lists.recent(STATUS_ENTRIES_MAX),
    }
  }

  /** The state of one node, for whoever has it at hand already. */
  pathState(volume: Volume, node: NodeRow, path: string): PathState {
    const { stores, pauseSwitch } = this.#parts
    const parts = { stores, isPaused: () => pauseSwitch.isPaused }
    const common = { path, name: node.name, key: volume.tree.keyOf(node) }
    if (node.kind === 'directory') {
      return { ...common, kind: 'folder', state: stateOfFolder(parts, volume, node) }
    }
    const conflict = stores.conflicts.ofNode(node.id)
    return {
      ...common,
      kind: 'file',
      ...(node.etag === null ? {} : { etag: node.etag }),
      sizeBytes: volume.contents.peek(node.id)?.overlay?.size ?? node.size,
      ...(conflict ? { conflictId: conflict.id } : {}),
      state: stateOfFile(parts, volume, node),
    }
  }

  async #states(paths: readonly string[]): Promise<{ states: PathState[] }> {
    return { states: await Promise.all(paths.map((path) => this.#state(path))) }
  }

  async #state(path: string): Promise<PathState> {
    try {
      const place = await this.#parts.paths.place(path)
      return this.pathState(place.session.volume, this.#parts.paths.find(place), path)
    } catch (thrown) {
      const { code } = PailError.from(thrown)
      if (code !== 'mount/not-mounted' && code !== 'vfs/not-found') throw thrown
      return { kind: 'unknown', path, code }
    }
  }

  async #scope(dir: string | undefined): Promise<Scope | undefined> {
    return dir === undefined ? undefined : this.#scopeOf(await this.#parts.paths.place(dir))
  }

  /** A file's own key, or everything below a folder's. */
  #scopeOf(place: Place): Scope {
    const { volume } = place.session
    const node = this.#parts.paths.find(place)
    return { volume: volume.id, prefix: volume.tree.keyOf(node) }
  }

  async #resolve(input: {
    readonly id: number
    readonly keep: 'mine' | 'theirs' | 'both'
    readonly theirsEtag?: string | undefined
  }): Promise<Record<string, never>> {
    const { stores, volumes } = this.#parts
    const conflict = stores.conflicts.byId(input.id)
    if (!conflict) throw new PailError('conflict/over', `there is no conflict ${input.id}`)
    const volume = volumes.get(conflict.volume)
    if (!volume) throw new PailError('mount/not-mounted', conflict.key, { dir: conflict.key })
    await resolveConflict({ ...stores, tree: volume.tree }, conflict, input)
    return this.#switch(() => {})
  }

  /** A person waits: whether the network is back is looked up now. */
  async #retry({ path, seq, cause }: EngineParsed<'uploads/retry'>) {
    const { stores, volumes } = this.#parts
    const { journal, database, clock } = stores
    const scope = await this.#scope(path)
    if (seq !== undefined) database.writeNow(() => journal.retry({ seq }, clock.nowMs()))
    if (cause !== undefined) database.writeNow(() => journal.retry({ cause }, clock.nowMs()))
    const isEverything = seq === undefined && cause === undefined
    for (const volume of volumes.values()) {
      if (scope && scope.volume !== volume.id) continue
      if (!volume.connectivity.isOnline) volume.connectivity.resumed()
      if (isEverything) {
        database.writeNow(() => journal.hurry(volume.id, scope?.prefix ?? '', clock.nowMs(), true))
      }
      volume.syncer.wake()
    }
    this.#parts.onDidChange()
    return this.#lists.counts(scope)
  }

  #check(): { problems: string[]; oldestPendingMs?: number } {
    const { database } = this.#parts.stores
    const problems = problemsIn(database, PROBLEMS_MAX)
    const oldest = database.get(
      "SELECT min(error_ms) AS at FROM journal WHERE state <> 'cancelled' AND error_ms IS NOT NULL",
    )
    return oldest?.at == null ? { problems } : { problems, oldestPendingMs: Number(oldest.at) }
  }

  #switch(turn: () => void): Record<string, never> {
    turn()
    this.#parts.onDidChange()
    return {}
  }
}
