/**
 * The calls of keeping-contract.ts: what is kept here, and what is asked of the network.
 */
import type { archiveCalls } from '../../shared/archive.ts'
import type { EngineHandlers, EngineNews, EngineParsed } from '../../shared/engine-contract.ts'
import type { ConnectionRequestsView, keepingCalls } from '../../shared/keeping-contract.ts'
import type { StatusView } from '../../shared/model.ts'
import type { Arrived } from '../sync/arrivals.ts'
import type { PollPace } from '../sync/poll-plan.ts'
import { archiveHandlers, restoresOf } from './archive-calls.ts'
import type { Missed } from './archived-words.ts'
import { localPathOf, nodeAt, placeOf } from './local-paths.ts'
import { MissedFiles } from './missed-files.ts'
import type { MountSession } from './mount-session.ts'
import { checkPins, listPins, setPin, totalOf } from './pin-calls.ts'
import type { Stores, Volume } from './volume.ts'

export type KeepingHandlers = Pick<
  EngineHandlers,
  keyof typeof keepingCalls | keyof typeof archiveCalls
>

export type KeepingParts = {
  readonly stores: Stores
  readonly sessions: () => Iterable<MountSession>
  readonly tell: (news: EngineNews) => void
  readonly onDidChange: () => void
}

export class Keeping {
  readonly handlers: KeepingHandlers
  readonly #parts: KeepingParts
  readonly #missed = new MissedFiles()

  constructor(parts: KeepingParts) {
    this.#parts = parts
    this.handlers = {
      ...archiveHandlers(parts.sessions),
      'folders/refresh': ({ dir, path }) => this.#refresh(`${dir}/${path}`),
      'folders/show': async ({ paths }) => {
        this.#show(paths)
        return {}
      },
      'pins/set': async ({ path, mode }) => {
        await setPin(this.#parts.sessions(), path, mode)
        return {}
      },
      'pins/list': async () => listPins(this.#parts.sessions()),
      'pins/check': () => checkPins(this.#parts.sessions()),
      'network/work-offline': async ({ isWanted }) => {
        this.#workOffline(isWanted)
        return {}
      },
      'engine/suspend': async () => {
        for (const volume of this.volumes()) volume.requests.suspend()
        return {}
      },
      'engine/resume': async () => {
        this.resumed()
        return {}
      },
      'requests/get': async (input) => this.#requestsOf(input),
      'requests/set-budget': async (input) => this.#setBudget(input),
    }
  }

  /** What a status says of what is kept. */
  view(): Pick<StatusView, 'requests' | 'pins' | 'unavailable' | 'restores' | 'isWorkingOffline'> {
    const pins = totalOf(this.volumes())
    const restores = restoresOf([...this.#parts.sessions()])
    return {
      requests: this.requests(),
      unavailable: [...this.#missed.shown],
      isWorkingOffline: this.isWorkingOffline,
      ...(pins.files > 0 ? { pins } : {}),
      ...(restores.length > 0 ? { restores } : {}),
    }
  }

  get isWorkingOffline(): boolean {
    const { database } = this.#parts.stores
    return database.get("SELECT 1 FROM fact WHERE name = 'work-offline'") !== undefined
  }

  /** Those that something is, or was, mounted from, once each. */
  volumes(): Set<Volume> {
    return new Set([...this.#parts.sessions()].map(({ volume }) => volume))
  }

  /** Sleep, or another network: whatever was known of the way to the server may be wrong. */
  resumed(): void {
    for (const volume of this.volumes()) volume.resumed()
  }

  /** A program could not have a file: a person is told which one. */
  noteUnavailable(volume: Volume, path: string, { why, sentence }: Missed): void {
    const atMs = this.#parts.stores.clock.nowMs()
    const value = { path, atMs, why, ...(sentence === undefined ? {} : { sentence }) }
    const isNew = this.#missed.note(value, volume.connectivity.returns)
    if (isNew) this.#parts.tell({ event: 'files/unavailable', value })
    this.#parts.onDidChange()
  }

  #workOffline(isWanted: boolean): void {
    const { database } = this.#parts.stores
    database.writeNow(() => {
      if (isWanted) {
        database.run("INSERT OR IGNORE INTO fact (name, value) VALUES ('work-offline', 'yes')")
      } else database.run("DELETE FROM fact WHERE name = 'work-offline'")
    })
    for (const { connectivity } of this.volumes()) connectivity.workOffline(isWanted)
    this.#parts.onDidChange()
  }

  /** One row for each connection that something is mounted from. */
  requests(): ConnectionRequestsView[] {
    const rows = new Map<unknown, ConnectionRequestsView>()
    for (const { ledger, endpointUrl, accessKeyId } of this.volumes()) {
      if (!rows.has(ledger)) rows.set(ledger, { endpointUrl, accessKeyId, ...ledger.view() })
    }
    return [...rows.values()]
  }

  /** With its pace, which costs a look at each folder in use. */
  #requestsOf(connection: Connection): ConnectionRequestsView {
    const { endpointUrl, accessKeyId } = connection
    const watching = watchingOf(this.#volumesOf(connection).map(({ folders }) => folders.pace()))
    const ledger = this.#parts.stores.ledgers.of(endpointUrl, accessKeyId)
    return { endpointUrl, accessKeyId, ...ledger.view(), ...(watching ? { watching } : {}) }
  }

  #volumesOf({ endpointUrl, accessKeyId }: Connection): Volume[] {
    return [...this.volumes()].filter(
      (volume) => volume.endpointUrl === endpointUrl && volume.accessKeyId === accessKeyId,
    )
  }

  /** Archived files that can be read now, once for each mount. */
  noteRestored(volume: Volume, ids: readonly number[]): void {
    this.#missed.forgetArchived()
    for (const { dir, paths } of this.#pathsOf(volume, ids)) {
      const value = { dir, paths: paths.slice(0, RESTORED_PATHS_MAX), count: paths.length }
      this.#parts.tell({ event: 'files/restored', value })
    }
    this.#parts.onDidChange()
  }

  /** What others stored, told by the paths that programs see, once for each mount. */
  noteArrived(volume: Volume, { ids, count }: Arrived): void {
    for (const { dir, paths } of this.#pathsOf(volume, ids)) {
      const value = { dir, paths, count: paths.length + count - ids.length }
      this.#parts.tell({ event: 'files/arrived', value })
    }
  }

  /** By the paths that programs see, once for each mount that shows some. */
  #pathsOf(volume: Volume, ids: readonly number[]): Array<{ dir: string; paths: string[] }> {
    return [...this.#parts.sessions()].flatMap((session) => {
      if (session.volume !== volume || session.life !== 'mounted') return []
      const rows = ids.flatMap((id) => volume.tree.nodes.byId(id) ?? [])
      const paths = rows.flatMap((row) => localPathOf(session, row) ?? [])
      return paths.length === 0 ? [] : [{ dir: session.dir, paths }]
    })
  }

  /** A listing that runs already may have passed what a person knows to be there: one more. */
  async #refresh(path: string): Promise<{ changes: number }> {
    const place = placeOf(this.#parts.sessions(), path)
    const { volume } = place.session
    const signal = AbortSignal.timeout(REFRESH_MS_MAX)
    const row = await nodeAt(place, signal)
    const id = row.kind === 'directory' ? row.id : (row.parent ?? place.session.root)
    const changed = new Set<string>()
    const stop = volume.tree.watch((changes) => {
      for (const { origin, parent, name } of changes) {
        if (origin === 'remote' && parent === id) changed.add(name)
      }
    })
    try {
      if (row.kind === 'file') await volume.restores.look(row, signal)
      if (volume.listings.isListing(id)) await volume.listings.refresh(id, signal)
      await volume.listings.refresh(id, signal)
    } finally {
      stop()
    }
    return { changes: changed.size }
  }

  #show(paths: readonly string[]): void {
    const shown = new Map<Volume, number[]>()
    for (const { volume } of this.#parts.sessions()) shown.set(volume, [])
    for (const path of paths) {
      const id = this.#known(path)
      if (id) shown.get(id.volume)?.push(id.directory)
    }
    for (const [volume, directories] of shown) volume.folders.show(directories)
  }

  /** A folder that is known already: showing one asks nothing of the network by itself. */
  #known(path: string): { volume: Volume; directory: number } | undefined {
    const { session, names } = placeOf(this.#parts.sessions(), path)
    const { tree } = session.volume
    let row = tree.nodes.byId(session.root)
    for (const name of names) row = row && tree.nodes.child(row.id, name)
    return row?.kind === 'directory' ? { volume: session.volume, directory: row.id } : undefined
  }

  #setBudget(input: EngineParsed<'requests/set-budget'>): ConnectionRequestsView {
    const { endpointUrl, accessKeyId, listsPerMonth } = input
    this.#parts.stores.ledgers.of(endpointUrl, accessKeyId).setListsPerMonth(listsPerMonth)
    for (const { folders } of this.#volumesOf(input)) folders.wake()
    this.#parts.onDidChange()
    return this.#requestsOf(input)
  }
}

type Connection = { readonly endpointUrl: string; readonly accessKeyId: string }

/** Paths of one event. */
const RESTORED_PATHS_MAX = 1_000
/** A folder of a million files takes about so long. */
const REFRESH_MS_MAX = 10 * 60_000

/** The pace of all buckets of a connection: all their folders, and the one listed most often. */
function watchingOf(paces: ReadonlyArray<PollPace | undefined>): PollPace | undefined {
  let folders = 0
  let quickest: PollPace | undefined
  for (const pace of paces) {
    if (!pace) continue
    folders += pace.folders
    if (!quickest || pace.everyMs < quickest.everyMs) quickest = pace
  }
  return quickest && { ...quickest, folders }
}
