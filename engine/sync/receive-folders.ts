/**
 * Folders that receive: what others store in them is seen, fetched, and told once for each batch.
 *
 * Runs in: engine process, in the background, one for each volume.
 * Keeps: a few files at a time, behind what programs wait for, within the cache's limit and above
 *        the floor of free disk; what arrived is on record, so that a restart goes on.
 * Never: tells of what was there before the folder got its role.
 */
import { PailError } from '../../shared/errors.ts'
import type { BlockCache } from '../store/block-cache.ts'
import type { FolderRoles, RoleRow } from '../store/folder-roles.ts'
import type { NodeRow } from '../store/nodes.ts'
import { listDeep } from './deep-listing.ts'
import type { Fetcher } from './fetcher.ts'
import type { ListingParts } from './flat-listing.ts'
import { versionToKeep } from './pin-files.ts'
import { newestFirst, planReceive, type ReceiveStep } from './receive-plan.ts'
import type { PollingMode } from './request-budget.ts'
import type { TreeChange } from './tree.ts'

const FETCHES_MAX = 4
/** Files of one batch; what comes beyond them is fetched when a program reads it. */
const BATCH_FILES_MAX = 2_000
const RETRY_MS = 15_000
const FETCH_TRIES_MAX = 4

/** Nodes of the batch, the newest first. */
export type Received = {
  readonly folder: number
  readonly ids: readonly number[]
  readonly bytes: number
}

export type ReceiveParts = ListingParts & {
  readonly roles: FolderRoles
  readonly fetcher: Pick<Fetcher, 'prefetch'>
  readonly cache: Pick<BlockCache, 'has'>
  readonly pollingMode: () => PollingMode
  readonly isOnline: () => boolean
  readonly onDidReceive: (received: Received) => void
  readonly onDidChange: () => void
}

export class ReceiveFolders {
  readonly #parts: ReceiveParts
  #folders: readonly number[] = []
  /** Listed for the first time: what is there now did not arrive. */
  readonly #learning = new Set<number>()
  readonly #listedMs = new Map<number, number>()
  readonly #arrivedMs = new Map<number, number>()
  /** Versions that are here, or that could not be had: `node etag`. */
  readonly #done = new Set<string>()
  readonly #tries = new Map<string, number>()
  #wake: () => void = () => {}

  constructor(parts: ReceiveParts) {
    this.#parts = parts
    parts.tree.watch((changes) => this.#note(changes))
    this.reload()
  }

  /** After a role was set or taken away, and when the network is back. */
  reload(): void {
    const { roles, tree } = this.#parts
    const rows = roles.ofVolume(tree.volume).filter(({ role }) => role === 'receive')
    this.#folders = rows.map(({ node }) => node)
    this.#wake()
  }

  /** Lists everything in the folder before it gets the role. */
  async learn(node: number, signal: AbortSignal): Promise<void> {
    this.#learning.add(node)
    try {
      await listDeep(this.#parts, node, signal)
      this.#listedMs.set(node, this.#parts.clock.monotonicMs())
    } finally {
      this.#learning.delete(node)
    }
  }

  /** How many files of the open batch are still to be fetched. */
  missing(folder: number): number {
    return this.#missing(folder).length
  }

  async run(): Promise<void> {
    const { clock, signal } = this.#parts
    while (!signal.aborted) {
      let delayMs = RETRY_MS * 4
      for (const folder of this.#folders) delayMs = Math.min(delayMs, await this.#turn(folder))
      const woken = new AbortController()
      this.#wake = () => woken.abort()
      await clock.sleep(delayMs, AbortSignal.any([signal, woken.signal])).catch(() => {})
      this.#wake = () => {}
    }
  }

  /** @returns when the folder is to be looked at again */
  async #turn(node: number): Promise<number> {
    const { roles, log, signal } = this.#parts
    const folder = roles.of(node)
    if (!folder || this.#learning.has(node)) return RETRY_MS
    const step = this.#plan(folder)
    try {
      if (step.kind === 'wait') return step.delayMs
      if (step.kind === 'list') await this.#list(node)
      if (step.kind === 'fetch') await this.#fetch(node)
      if (step.kind === 'tell') await this.#tell(node)
      return 0
    } catch (thrown) {
      if (signal.aborted) return 0
      log.write('info', 'receive/failed', { step: step.kind, code: PailError.from(thrown).code })
      return RETRY_MS
    }
  }

  #plan(folder: RoleRow): ReceiveStep {
    const { roles, clock, pollingMode, isOnline } = this.#parts
    const nowMs = clock.monotonicMs()
    const listedMs = this.#listedMs.get(folder.node)
    return planReceive({
      listedAgoMs: listedMs === undefined ? undefined : nowMs - listedMs,
      polling: pollingMode(),
      isOnline: isOnline(),
      files: roles.batchOf(folder.node).files,
      missing: this.missing(folder.node),
      quietForMs: nowMs - (this.#arrivedMs.get(folder.node) ?? Number.NEGATIVE_INFINITY),
      quietMs: folder.options.quietMs,
    })
  }

  async #list(node: number): Promise<void> {
    const { clock, signal } = this.#parts
    await listDeep(this.#parts, node, signal)
    this.#listedMs.set(node, clock.monotonicMs())
  }

  /** A few of the newest; then the plan is made anew, since still newer ones may have come. */
  async #fetch(node: number): Promise<void> {
    const { fetcher, cache, signal, onDidChange } = this.#parts
    const next = newestFirst(this.#missing(node)).slice(0, FETCHES_MAX)
    await Promise.all(
      next.map(async (row) => {
        const version = versionToKeep(row)
        if (version) await fetcher.prefetch([version], version.sizeBytes, signal)
        this.#noteTried(row, !version || cache.has(version, { start: 0, end: version.sizeBytes }))
      }),
    )
    onDidChange()
    // What could not be had waits a little, so that a server that fails is not asked all the time.
    const isStuck = next.every((row) => !this.#done.has(token(row)))
    if (isStuck) throw new PailError('net/timeout', 'nothing of the batch could be fetched')
  }

  /** A disk without room, or an object that cannot be read, does not hold the batch for ever. */
  #noteTried(row: NodeRow, isHere: boolean): void {
    const tries = (this.#tries.get(token(row)) ?? 0) + 1
    if (isHere || tries >= FETCH_TRIES_MAX) {
      this.#done.add(token(row))
      this.#tries.delete(token(row))
    } else this.#tries.set(token(row), tries)
  }

  async #tell(node: number): Promise<void> {
    const { roles, tree, onDidReceive } = this.#parts
    const rows = newestFirst(this.#rows(node))
    const { bytes } = roles.batchOf(node)
    // Told before it is put away: after a crash in between a batch is told twice, not never.
    if (rows.length > 0) onDidReceive({ folder: node, ids: rows.map(({ id }) => id), bytes })
    await tree.change(() => roles.finishBatch(node, tree.clock.nowMs()))
    for (const row of rows) this.#done.delete(token(row))
  }

  #rows(node: number): NodeRow[] {
    const { roles, tree } = this.#parts
    return roles
      .filesOf(node, 0, BATCH_FILES_MAX)
      .flatMap((file) => tree.nodes.byId(file.node) ?? [])
      .filter((row) => row.parent !== null)
  }

  #missing(node: number): NodeRow[] {
    return this.#rows(node).filter((row) => !this.#done.has(token(row)))
  }

  #note(changes: readonly TreeChange[]): void {
    if (this.#folders.length === 0) return
    const { roles, tree, clock } = this.#parts
    for (const { origin, type, id } of changes) {
      if (origin !== 'remote' || (type !== 'added' && type !== 'data')) continue
      const row = tree.nodes.byId(id)
      const folder = row?.kind === 'file' ? this.#folderOf(row) : undefined
      if (!row || row.etag === null || folder === undefined || this.#learning.has(folder)) continue
      const { etag, remoteSize } = row
      const file = { node: id, etag, sizeBytes: remoteSize, atMs: clock.nowMs() }
      tree.database.writeLater(() => roles.addFile(folder, file))
      this.#arrivedMs.set(folder, clock.monotonicMs())
      this.#wake()
    }
  }

  #folderOf(row: NodeRow): number | undefined {
    let at: NodeRow | undefined = row
    while (at && at.parent !== null) {
      const { parent } = at
      if (this.#folders.includes(parent)) return parent
      at = this.#parts.tree.nodes.byId(parent)
    }
    return undefined
  }
}

function token(row: NodeRow): string {
  return `${row.id} ${row.etag}`
}
