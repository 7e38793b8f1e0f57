/**
 * Archived files of one volume: which may be read, which a person wants back, and when they are.
 *
 * Owns:  the requests to restore, and the looks whether they are done. Runs in: engine process.
 * Keeps: what a person asked for is on record before it is sent, so that neither a crash nor a night
 *        without a network loses it; a request goes out once, and a repeated one is harmless.
 * Never: asks for a restore by itself: no read, preview, pin or check costs anybody that.
 */
import { isArchiveClass, RESTORE_FILES_MAX, type RestoreTier } from '../../shared/archive.ts'
import { PailError } from '../../shared/errors.ts'
import type { ArchiveStatus } from '../s3/object-store.ts'
import type { NodeRow } from '../store/nodes.ts'
import { NEVER_MS, type RestoreRow, type RestoreTable } from '../store/restore-table.ts'
import type { ListingParts } from './flat-listing.ts'
import type { PollingMode } from './request-budget.ts'
import {
  type Archived,
  archivedState,
  LOOK_MS_MIN,
  nextLookMs,
  REFUSED_MS,
} from './restore-plan.ts'

/** Rows looked at in one round; the rest follows in the next. */
const ROUND_ROWS_MAX = 200
/** Requests to restore side by side. */
const SENDS_MAX = 8
/** A restore of which the bucket knows nothing after so long is over. */
const LOST_MS = 3_600_000
/** A failed request is tried again after so long, or when the network is back. */
const RETRY_MS = 60_000
const REST_MS_MAX = 10 * 60_000
/** Restores asked for within this time of each other are ready at about the same time. */
const PEERS_MS = 15 * 60_000

/** Answers to a restore by which there is no archive to restore from. */
const NO_ARCHIVE: ReadonlySet<string> = new Set(['s3/archived', 's3/unsupported'])

export type RestoresParts = ListingParts & {
  readonly table: RestoreTable
  readonly pollingMode: () => PollingMode
  readonly isOnline: () => boolean
  /** Files that can be read now, told once. */
  readonly onDidRestore: (ids: readonly number[]) => void
  /** What failed because something was archived may be tried again. */
  readonly onDidChange: () => void
}

export type Wish = { readonly days: number; readonly tier: RestoreTier | undefined }

export type Wished = {
  readonly asked: number
  readonly restoring: number
  readonly readable: number
  /** What was asked for now. */
  readonly rows: readonly NodeRow[]
}

type Look = 'readable' | 'same' | 'gone'

export class Restores {
  readonly #parts: RestoresParts
  #wake: () => void = () => {}
  #round: Promise<void> | undefined
  #hasNews = false

  constructor(parts: RestoresParts) {
    this.#parts = parts
  }

  /** @returns undefined for a file that is in no archive */
  stateOf(row: NodeRow): Archived | undefined {
    const { table, clock } = this.#parts
    return archivedState(row, table.of(row.id), clock.nowMs())
  }

  /** Is it in an archive, with no copy that can be read? */
  isOutOfReach(row: NodeRow): boolean {
    const state = this.stateOf(row)?.state
    return state === 'archived' || state === 'restoring'
  }

  /** Is something below it, as far as it is known, out of reach? */
  isOutOfReachBelow(directory: NodeRow): boolean {
    const below = this.#archivedBelow(directory, ROUND_ROWS_MAX)
    return below.some((row) => this.isOutOfReach(row))
  }

  /**
   * Before a version is asked for: the bucket would refuse it.
   * @throws PailError `s3/archived`
   */
  check(key: string, etag: string): void {
    const row = this.#versionOf(key, etag)
    if (row && this.isOutOfReach(row)) throw new PailError('s3/archived', 'is archived', { key })
  }

  /** The bucket refused a read: so it is, whatever was believed. */
  noteRefused(key: string, etag: string): void {
    const { tree, table, clock } = this.#parts
    const row = this.#versionOf(key, etag)
    if (!row || this.isOutOfReach(row)) return
    const nowMs = clock.nowMs()
    tree.changeLater((note) => {
      const times = { askedMs: nowMs, nextMs: nowMs + REFUSED_MS }
      table.put(tree.volume, { ...blank(row, etag), state: 'refused', ...times })
      if (row.parent !== null) {
        note({
          type: 'attributes',
          id: row.id,
          parent: row.parent,
          name: row.name,
          origin: 'check',
        })
      }
    })
    this.#parts.onDidChange()
  }

  /**
   * On record when it resolves; sent soon after.
   * @throws PailError `input/invalid` when it is too much for one request
   */
  async ask(rows: readonly NodeRow[], wish: Wish): Promise<Wished> {
    const { tree, table, clock } = this.#parts
    const wished = { asked: 0, restoring: 0, readable: 0 }
    const asked: NodeRow[] = []
    const files = rows.flatMap((row) => (row.kind === 'directory' ? this.#below(row) : [row]))
    if (files.length > RESTORE_FILES_MAX) {
      throw new PailError('input/invalid', `more than ${RESTORE_FILES_MAX} archived files`)
    }
    await tree.database.write(() => {
      const nowMs = clock.nowMs()
      for (const row of files) {
        const state = this.stateOf(row)?.state ?? 'readable'
        if (state === 'archived' && row.etag !== null) {
          const times = { askedMs: nowMs, nextMs: nowMs }
          table.put(tree.volume, { ...blank(row, row.etag), state: 'asked', ...times, ...wish })
          asked.push(row)
          wished.asked++
        } else wished[state === 'restoring' ? 'restoring' : 'readable']++
      }
    })
    this.wake()
    this.#parts.onDidChange()
    return { ...wished, rows: asked }
  }

  /** Sends and looks at what is due, now. Resolves when that is done. */
  settle(): Promise<void> {
    this.#round ??= this.#runRound().finally(() => {
      this.#round = undefined
    })
    return this.#round
  }

  /** A person looks: how it is with this file in the bucket. */
  async look(row: NodeRow, signal: AbortSignal): Promise<void> {
    const known = this.#parts.table.of(row.id)
    if (!this.stateOf(row) || row.etag === null || row.remoteKey === null) return
    await this.#look(known ?? { ...blank(row, row.etag), state: 'refused' }, signal)
    this.#tellOfNews()
  }

  /** The network is back, or something was asked for. */
  wake(): void {
    this.#hasNews = true
    this.#wake()
  }

  /** Rounds until the volume closes. */
  async run(): Promise<void> {
    const { signal, log, clock } = this.#parts
    while (!signal.aborted) {
      this.#hasNews = false
      await this.settle().catch((thrown) => {
        log.write('debug', 'restores/round', { code: PailError.from(thrown).code })
      })
      if (this.#hasNews || signal.aborted) continue
      const woken = new AbortController()
      this.#wake = () => woken.abort()
      const anyEnd = AbortSignal.any([signal, woken.signal])
      await clock.sleep(this.#restMs(), anyEnd).catch(() => {})
      this.#wake = () => {}
    }
  }

  #restMs(): number {
    const { table, tree, clock, isOnline } = this.#parts
    const [first] = table.next(tree.volume, 1)
    if (!first) return REST_MS_MAX
    const leftMs = Math.max(0, first.nextMs - clock.nowMs())
    // What is due and could not be done waits for the network, which wakes it.
    return Math.min(REST_MS_MAX, isOnline() ? Math.max(leftMs, 1_000) : Math.max(leftMs, RETRY_MS))
  }

  async #runRound(): Promise<void> {
    const { table, tree, clock, signal } = this.#parts
    let readyMs: number | undefined
    const rows = table.next(tree.volume, ROUND_ROWS_MAX)
    // What a person waits for goes out as soon as the bucket can be asked, whenever it failed.
    const asked = rows.filter(({ state }) => state === 'asked')
    for (let at = 0; at < asked.length && !signal.aborted; at += SENDS_MAX) {
      const sends = asked.slice(at, at + SENDS_MAX)
      await Promise.all(sends.map((row) => this.#tryOne(row)))
    }
    for (const row of rows) {
      if (signal.aborted) return
      if (row.state === 'asked') continue
      const isDue = row.nextMs <= clock.nowMs()
      const isPeer = readyMs !== undefined && Math.abs(row.askedMs - readyMs) < PEERS_MS
      if (!isDue && !(isPeer && row.state === 'restoring')) continue
      const outcome = await this.#tryOne(row)
      if (outcome === 'readable') readyMs = row.askedMs
      else if (!isDue) readyMs = undefined
    }
    this.#tellOfNews()
  }

  #tryOne(row: RestoreRow): Promise<Look> {
    return this.#settleOne(row).catch((thrown) => this.#noteFailure(row, thrown))
  }

  async #settleOne(row: RestoreRow): Promise<Look> {
    const { table, tree, isOnline, signal } = this.#parts
    const node = tree.nodes.byId(row.node)
    const isOver = row.state === 'readable' || row.state === 'refused'
    // A copy whose time is over, a refusal that is old, a version that is another by now.
    if (isOver || !node || node.etag !== row.etag || node.remoteKey === null) {
      await tree.change(() => table.remove(row.node))
      this.#parts.onDidChange()
      return 'gone'
    }
    if (!isOnline()) return 'same'
    return row.state === 'asked' ? this.#send(row, node.remoteKey) : this.#look(row, signal)
  }

  async #send(row: RestoreRow, key: string): Promise<Look> {
    const { store, requests, signal, clock, log } = this.#parts
    const node = this.#parts.tree.nodes.byId(row.node)
    const request = {
      key,
      // Objects that the provider moves by itself come back for good.
      ...(isArchiveClass(node?.storageClass) ? { days: row.days } : {}),
      ...(row.tier === undefined ? {} : { tier: row.tier }),
    }
    const answer = await requests
      .run('background', (one) => store.restore(request, one), signal)
      .catch((thrown) => {
        // Where nothing can be restored, nothing is archived, whatever the class is called there.
        if (!NO_ARCHIVE.has(PailError.from(thrown).code)) throw thrown
        return 'never-archived' as const
      })
    log.write('info', 'restore/sent', { key, answer })
    if (answer === 'never-archived') return this.#noteReadable(row, undefined)
    const sent = { ...row, state: 'restoring' as const, nextMs: clock.nowMs() + LOOK_MS_MIN }
    await this.#put(sent)
    return answer === 'readable' ? this.#look(sent, signal) : 'same'
  }

  async #look(row: RestoreRow, signal: AbortSignal): Promise<Look> {
    const { store, requests, tree } = this.#parts
    const key = tree.nodes.byId(row.node)?.remoteKey
    if (key == null) return 'gone'
    const head = await requests.run('background', (one) => store.head(key, one), signal)
    if (head.etag !== row.etag) return 'same'
    return this.#noteStatus(row, head.archive)
  }

  async #noteStatus(row: RestoreRow, archive: ArchiveStatus | undefined): Promise<Look> {
    const { table, tree, clock, pollingMode } = this.#parts
    if (!archive) return this.#noteReadable(row, undefined)
    if (archive.state === 'restored') return this.#noteReadable(row, archive.untilMs)
    const nowMs = clock.nowMs()
    const isLost = archive.state === 'archived' && nowMs - row.askedMs > LOST_MS
    if (row.state === 'restoring' && isLost) {
      await tree.database.write(() => table.remove(row.node))
      this.#parts.onDidChange()
    } else if (archive.state === 'restoring' || row.state === 'restoring') {
      const waiting = table.count(tree.volume, 'restoring')
      const sinceAskedMs = nowMs - row.askedMs
      const nextMs = nowMs + nextLookMs({ sinceAskedMs, waiting, mode: pollingMode() })
      await this.#put({ ...row, state: 'restoring', nextMs })
    }
    return 'same'
  }

  /** @param untilMs  when the copy goes; undefined: it is in no archive any more */
  async #noteReadable(row: RestoreRow, untilMs: number | undefined): Promise<Look> {
    const { tree } = this.#parts
    await this.#put({ ...row, state: 'readable', untilMs, nextMs: untilMs ?? NEVER_MS })
    await tree.database.write(() =>
      tree.journal.retryArchived(tree.volume, this.#parts.clock.nowMs()),
    )
    if (row.state === 'asked' || row.state === 'restoring') this.#ready.push(row.node)
    return 'readable'
  }

  readonly #ready: number[] = []

  #tellOfNews(): void {
    const ids = this.#ready.splice(0)
    if (ids.length > 0) this.#parts.onDidRestore(ids)
  }

  async #put(row: RestoreRow): Promise<void> {
    const { tree, table } = this.#parts
    // It may have been removed, or replaced, while the bucket was asked.
    if (!tree.nodes.byId(row.node)) return
    await tree.database.write(() => table.put(tree.volume, row))
    this.#parts.onDidChange()
  }

  async #noteFailure(row: RestoreRow, thrown: unknown): Promise<Look> {
    const { signal, clock, log, tree, table } = this.#parts
    if (signal.aborted) throw thrown
    const error = PailError.from(thrown)
    log.write('warn', 'restore/failed', { node: row.node, code: error.code, detail: error.detail })
    if (error.code === 's3/no-key') {
      await tree.change(() => table.remove(row.node))
      return 'gone'
    }
    const isDenied = error.retry === 'never' && row.state === 'asked'
    const waits = { ...row, nextMs: clock.nowMs() + RETRY_MS }
    const denied = { ...row, state: 'denied' as const, nextMs: NEVER_MS, errorCode: error.code }
    await this.#put(isDenied ? denied : waits)
    return 'same'
  }

  #versionOf(key: string, etag: string): NodeRow | undefined {
    const { nodes, volume } = this.#parts.tree
    return nodes.byRemoteKey(volume, key).find((row) => row.etag === etag)
  }

  #below(directory: NodeRow): NodeRow[] {
    return this.#archivedBelow(directory, RESTORE_FILES_MAX + 1)
  }

  #archivedBelow(directory: NodeRow, countMax: number): NodeRow[] {
    const { tree } = this.#parts
    const prefix = directory.remoteKey
    if (prefix === null) return []
    return tree.nodes.archivedBelow(tree.volume, prefix, countMax)
  }
}

function blank(row: NodeRow, etag: string): RestoreRow {
  return {
    ...{ node: row.id, etag, state: 'refused', days: 0, tier: undefined },
    ...{ askedMs: 0, nextMs: 0, untilMs: undefined, errorCode: undefined },
  }
}
