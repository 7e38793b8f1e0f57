/**
 * Keeps pinned files on this computer: listed, fetched, refreshed when they change, never evicted.
 *
 * Runs in: engine process, in the background, one for each volume.
 * Keeps: what is kept is on record, so that a kill costs nothing but the range under way.
 * Keeps: the new version is complete before the old one goes.
 * Never: delays what a program waits for: it fetches a stretch at a time, in the lowest class, and
 *        rests while programs read.
 */
import { ERRORS, PailError } from '../../shared/errors.ts'
import { Mutex } from '../base/mutex.ts'
import type { BlockCache } from '../store/block-cache.ts'
import type { NodeRow } from '../store/nodes.ts'
import type { Pin, PinMode, PinTable } from '../store/pin-table.ts'
import type { ObjectVersion } from './content.ts'
import { listDeep } from './deep-listing.ts'
import type { Fetcher } from './fetcher.ts'
import type { ListingParts } from './flat-listing.ts'
import { missingBytes, pinnedFiles, stretches, verifyKept, versionToKeep } from './pin-files.ts'
import { pinListAgeMs, restMs } from './pin-plan.ts'
import type { PollingMode } from './request-budget.ts'

/** Fetched at once; a kill costs at most this. */
const STRETCH_BYTES = 8 * 1024 * 1024
/** Changes come in crowds: one round for all of them. */
const SETTLE_MS = 2_000
/** A round that could not do everything is repeated. */
const RETRY_MS = 30_000
const ROUND_MS_MAX = 10 * 60_000
const NAMES_MAX = 100

export type PinProblem = {
  readonly code: 'store/disk-full'
  readonly neededBytes: number
  readonly roomBytes: number
}

export type PinProgress = {
  readonly files: number
  readonly bytes: number
  readonly readyFiles: number
  readonly readyBytes: number
  readonly problem?: PinProblem
}

export type PinMiss = { readonly node: number; readonly reason: string }

export type PinCheck = PinProgress & {
  /** False: the network was away, and what others changed meanwhile is not known. */
  readonly isListed: boolean
  /** Damaged on this disk, and fetched again. */
  readonly repairedFiles: number
  readonly missingCount: number
  readonly missing: readonly PinMiss[]
}

export type PinsParts = ListingParts & {
  readonly table: PinTable
  readonly cache: BlockCache
  readonly fetcher: Pick<Fetcher, 'keep' | 'lastReadMs'>
  readonly pollingMode: () => PollingMode
  readonly isOnline: () => boolean
  readonly listFolder: (id: number, signal: AbortSignal) => Promise<number>
  readonly onDidChange: () => void
}

type Counts = {
  files: number
  bytes: number
  readyFiles: number
  readyBytes: number
  repaired: number
  missing: PinMiss[]
  missingCount: number
}

export class Pins {
  readonly #parts: PinsParts
  readonly #turn = new Mutex()
  readonly #progress = new Map<number, PinProgress>()
  readonly #listedMs = new Map<number, number>()
  readonly #stopWatching: () => void
  #round: AbortController | undefined
  #wake: () => void = () => {}
  #isDirty = true

  constructor(parts: PinsParts) {
    this.#parts = parts
    this.#stopWatching = parts.tree.watch(() => {
      this.#isDirty = true
      this.#wake()
    })
  }

  all(): Pin[] {
    return this.#parts.table.all(this.#parts.tree.volume)
  }

  progressOf(node: number): PinProgress {
    return this.#progress.get(node) ?? NOTHING
  }

  /** Recorded when it resolves; fetched later. `undefined` takes the entry's own pin away. */
  async set(node: number, mode: PinMode | undefined): Promise<void> {
    const { tree, table, clock } = this.#parts
    await tree.database.write(() => {
      if (mode) table.set(node, mode, clock.nowMs())
      else table.remove(node)
    })
    this.#round?.abort(new PailError('vfs/interrupted', 'the pins changed'))
    this.#listedMs.delete(node)
    this.#isDirty = true
    this.#wake()
  }

  /** The network is back, or there is room again. */
  wake(): void {
    this.#isDirty = true
    this.#wake()
  }

  close(): void {
    this.#stopWatching()
    this.#round?.abort(new PailError('engine/stopped', 'closing'))
    this.#wake()
  }

  /** Rounds until the volume closes. */
  async run(): Promise<void> {
    const { signal, log } = this.#parts
    while (!signal.aborted) {
      let isDone = true
      if (this.#isDirty || this.#isListingDue()) {
        this.#isDirty = false
        isDone = await this.#turn
          .run(() => this.#runRound(signal))
          .catch((thrown) => {
            const { code, detail } = PailError.from(thrown)
            log.write('debug', 'pins/round', { code, detail })
            return false
          })
      }
      await this.#rest(isDone ? ROUND_MS_MAX : RETRY_MS)
    }
  }

  /**
   * Ready for a flight: lists anew, reads every block on this disk and compares it with its
   * checksum, fetches what is missing or damaged.
   */
  async check(signal: AbortSignal): Promise<PinCheck> {
    this.#round?.abort(new PailError('vfs/interrupted', 'a check takes over'))
    return this.#turn.run(async () => {
      let isListed = true
      const total = noCounts()
      for (const root of this.#roots()) {
        isListed = (await this.#list(root, signal)) && isListed
        const row = this.#parts.tree.nodes.byId(root.id)
        if (row) await this.#keepRoot(row, signal, { total, verifies: true })
      }
      await this.#dropOutdated(signal)
      const { repaired, missing, missingCount, ...progress } = total
      return { ...progress, isListed, repairedFiles: repaired, missing, missingCount }
    })
  }

  /** Everything that is kept, each file once. */
  total(): PinProgress {
    const sum = { files: 0, bytes: 0, readyFiles: 0, readyBytes: 0 }
    let problem: PinProblem | undefined
    for (const { id } of this.#roots()) {
      const one = this.progressOf(id)
      sum.files += one.files
      sum.bytes += one.bytes
      sum.readyFiles += one.readyFiles
      sum.readyBytes += one.readyBytes
      problem ??= one.problem
    }
    return problem ? { ...sum, problem } : sum
  }

  /** Pinned entries that no other pin covers. */
  #roots(): NodeRow[] {
    const { tree, table } = this.#parts
    return this.all().flatMap(({ node, mode }) => {
      const row = mode === 'pinned' ? tree.nodes.byId(node) : undefined
      if (!row) return []
      const parent = row.parent === null ? undefined : tree.nodes.byId(row.parent)
      const isCovered = parent !== undefined && isKept(table.effective(tree.nodes, parent))
      return isCovered ? [] : [row]
    })
  }

  /** @returns whether everything that could be done is done */
  async #runRound(outer: AbortSignal): Promise<boolean> {
    const round = new AbortController()
    this.#round = round
    const signal = AbortSignal.any([outer, round.signal])
    try {
      const total = noCounts()
      let isListed = true
      for (const root of this.#roots()) {
        if (this.#isDue(root)) isListed = (await this.#list(root, signal)) && isListed
        const row = this.#parts.tree.nodes.byId(root.id)
        if (row) await this.#keepRoot(row, signal, { total, verifies: false })
      }
      await this.#dropOutdated(signal)
      return isListed && total.readyFiles === total.files
    } finally {
      this.#round = undefined
    }
  }

  #isListingDue(): boolean {
    return this.#roots().some((root) => this.#isDue(root))
  }

  #isDue(root: NodeRow): boolean {
    const { clock, pollingMode } = this.#parts
    const listedMs = this.#listedMs.get(root.id)
    if (listedMs === undefined) return true
    return clock.monotonicMs() - listedMs >= pinListAgeMs(pollingMode())
  }

  /** @returns false when the bucket could not be asked */
  async #list(root: NodeRow, signal: AbortSignal): Promise<boolean> {
    const { tree, isOnline, clock, log } = this.#parts
    if (!isOnline()) return false
    const folder = root.kind === 'directory' ? root.id : root.parent
    if (folder === null || !tree.nodes.byId(folder)) return true
    try {
      if (root.kind === 'directory') await listDeep(this.#parts, folder, signal)
      else await this.#parts.listFolder(folder, signal)
      this.#listedMs.set(root.id, clock.monotonicMs())
      return true
    } catch (thrown) {
      if (signal.aborted) throw thrown
      log.write('info', 'pins/not-listed', { code: PailError.from(thrown).code })
      return false
    }
  }

  async #keepRoot(
    root: NodeRow,
    signal: AbortSignal,
    how: { total: Counts; verifies: boolean },
  ): Promise<void> {
    const { tree, table } = this.#parts
    const counts = noCounts()
    const missing: NodeRow[] = []
    for await (const row of pinnedFiles(tree, table, root)) {
      if (signal.aborted) throw signal.reason
      if (await this.#count(row, counts, how.verifies, signal)) continue
      if (missing.length < FILES_PER_ROUND_MAX) missing.push(row)
    }
    const neededBytes = counts.bytes - counts.readyBytes
    const roomBytes = neededBytes > 0 ? await this.#parts.cache.roomForPinsBytes() : 0
    const fits = neededBytes <= roomBytes
    const problem = fits
      ? undefined
      : ({ code: 'store/disk-full', neededBytes, roomBytes } as const)
    this.#tell(root.id, counts, problem)
    let stop: PailError | undefined
    for (const row of missing) {
      if (stop) noteMissing(counts, row.id, stop)
      else stop = await this.#fetch(root.id, row, { counts, problem, signal })
    }
    addCounts(how.total, counts)
  }

  /** @returns whether the file is here */
  async #count(
    row: NodeRow,
    counts: Counts,
    verifies: boolean,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { cache } = this.#parts
    const version = versionToKeep(row)
    counts.files++
    counts.bytes += version?.sizeBytes ?? row.size
    if (!version) {
      counts.readyFiles++
      counts.readyBytes += row.size
      return true
    }
    // From here on what is here of it stays.
    if (version.sizeBytes > 0 && !cache.isPinned(version)) await cache.pin(version)
    if (verifies && !(await verifyKept(cache, version, signal))) counts.repaired++
    const left = await missingBytes(cache, version)
    counts.readyBytes += version.sizeBytes - left
    if (left > 0) return false
    counts.readyFiles++
    return true
  }

  async #fetch(
    root: number,
    row: NodeRow,
    how: { counts: Counts; problem: PinProblem | undefined; signal: AbortSignal },
  ): Promise<PailError | undefined> {
    const { counts, problem, signal } = how
    const { cache, fetcher, tree } = this.#parts
    const version = versionToKeep(tree.nodes.byId(row.id) ?? row)
    if (!version) return undefined
    try {
      for (const stretch of stretches(version, STRETCH_BYTES)) {
        if (cache.has(version, stretch)) continue
        await this.#whileProgramsRead(signal)
        counts.readyBytes += await fetcher.keep(version, stretch, signal)
        this.#tell(root, counts, problem)
      }
      if ((await missingBytes(cache, version)) > 0) {
        throw new PailError('store/io', 'what arrived could not be kept')
      }
      counts.readyFiles++
      this.#tell(root, counts, problem)
      return undefined
    } catch (thrown) {
      if (signal.aborted) throw thrown
      const error = PailError.from(thrown)
      noteMissing(counts, row.id, error)
      // Without network, or without room, the next file would say the same.
      return error.retry !== 'never' || error.errno === 'ENOSPC' ? error : undefined
    }
  }

  /** Rests while programs read, and yet comes forward a little. */
  async #whileProgramsRead(signal: AbortSignal): Promise<void> {
    const { clock, fetcher } = this.#parts
    const beganMs = clock.monotonicMs()
    for (;;) {
      const nowMs = clock.monotonicMs()
      const pauseMs = restMs({ sinceReadMs: nowMs - fetcher.lastReadMs, restedMs: nowMs - beganMs })
      if (pauseMs === 0) return
      await clock.sleep(pauseMs, signal)
    }
  }

  /** Versions that nothing keeps any more: of files that are not pinned, or that are newer now. */
  async #dropOutdated(signal: AbortSignal): Promise<void> {
    const { cache, tree, table } = this.#parts
    for (const object of cache.pinnedVersions(tree.volume)) {
      if (signal.aborted) throw signal.reason
      const rows = tree.nodes.byRemoteKey(tree.volume, object.key)
      const row = rows.find(({ parent }) => parent !== null)
      if (!row || !isKept(table.effective(tree.nodes, row))) {
        await cache.unpin(object)
        continue
      }
      const current = versionToKeep(row)
      const isCurrent = !current || isSameVersion(current, object)
      if (isCurrent || (await missingBytes(cache, current)) > 0) continue
      await cache.drop(object)
    }
    await cache.trim()
  }

  #tell(root: number, counts: Counts, problem: PinProblem | undefined): void {
    const { files, bytes, readyFiles, readyBytes } = counts
    const progress = { files, bytes, readyFiles, readyBytes }
    this.#progress.set(root, problem ? { ...progress, problem } : progress)
    this.#parts.onDidChange()
  }

  /** Until something changed, and a little longer, so that a crowd of changes is one round. */
  async #rest(limitMs: number): Promise<void> {
    const { clock, signal } = this.#parts
    const woken = new AbortController()
    this.#wake = () => woken.abort()
    if (!this.#isDirty) {
      await clock.sleep(limitMs, AbortSignal.any([signal, woken.signal])).catch(() => {})
    }
    this.#wake = () => {}
    if (!signal.aborted) await clock.sleep(SETTLE_MS, signal).catch(() => {})
  }
}

/** Files fetched in one round; the next one follows at once. */
const FILES_PER_ROUND_MAX = 10_000
const NOTHING: PinProgress = { files: 0, bytes: 0, readyFiles: 0, readyBytes: 0 }

function noCounts(): Counts {
  const progress = { files: 0, bytes: 0, readyFiles: 0, readyBytes: 0 }
  return { ...progress, repaired: 0, missing: [], missingCount: 0 }
}

function addCounts(total: Counts, one: Counts): void {
  total.files += one.files
  total.bytes += one.bytes
  total.readyFiles += one.readyFiles
  total.readyBytes += one.readyBytes
  total.repaired += one.repaired
  total.missingCount += one.missingCount
  total.missing.push(...one.missing.slice(0, NAMES_MAX - total.missing.length))
}

function noteMissing(counts: Counts, node: number, error: PailError): void {
  counts.missingCount++
  if (counts.missing.length < NAMES_MAX) {
    counts.missing.push({ node, reason: ERRORS[error.code].remedy })
  }
}

function isKept(pin: string): boolean {
  return pin === 'pinned' || pin === 'inherited'
}

function isSameVersion(a: ObjectVersion, b: { etag: string; sizeBytes: number }): boolean {
  return a.etag === b.etag && a.sizeBytes === b.sizeBytes
}
