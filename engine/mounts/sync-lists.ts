/**
 * Queue, needs-attention entries, conflicts and recent events as lists for people.
 *
 * Keeps: each list is read from the database with a limit, never as a whole.
 */
import { ERRORS, type ErrorCode } from '../../shared/errors.ts'
import { formatCount } from '../../shared/sentences.ts'
import {
  type AttentionEntry,
  type AttentionGroup,
  type ConflictView,
  GROUP_ENTRIES_MAX,
  type QueueEntry,
  type RecentView,
  type SyncCounts,
} from '../../shared/sync-model.ts'
import { nameOfComponent } from '../s3/keys.ts'
import { isScratchKey } from '../s3/probe.ts'
import type { ConflictRow } from '../store/conflicts.ts'
import type { JournalRow } from '../store/journal.ts'
import type { RecentKind, RecentRow } from '../store/recent.ts'
import { pendingChange } from '../sync/file-state.ts'
import type { Transfer } from '../sync/transfers.ts'
import { errorCodeOf, openSentenceOf, rowFact } from './node-state.ts'
import type { Stores, Volume } from './volume.ts'

/** Failed rows that are looked at for their causes; more of them have the same few causes. */
const FAILED_ROWS_MAX = 2_000
const NS_PER_MS = 1_000_000n

/** A part of a bucket; everything when absent. */
export type Scope = { readonly volume: number; readonly prefix: string }

export type ListParts = {
  readonly stores: Stores
  readonly volumes: ReadonlyMap<number, Volume>
  readonly isPaused: () => boolean
}

export class SyncLists {
  readonly #parts: ListParts

  constructor(parts: ListParts) {
    this.#parts = parts
  }

  counts(scope: Scope | undefined): SyncCounts {
    const { journal, conflicts, fetcher } = this.#parts.stores
    const scopes = this.#scopes(scope)
    const sums = scopes.map(({ volume, prefix }) => ({
      ...journal.summary(volume, prefix),
      conflicts: conflicts.count(volume, prefix),
      uploading: this.#parts.volumes.get(volume)?.uploadingBelow(prefix) ?? 0,
    }))
    const sum = (of: (one: (typeof sums)[number]) => number) =>
      sums.reduce((total, one) => total + of(one), 0)
    const held = sum((one) => one.held)
    const folders = sum(({ other }) => other?.folders ?? 0)
    const changes = sum(({ other }) => other?.changes ?? 0)
    return {
      pendingFiles: sum(({ files }) => files),
      pendingBytes: sum(({ bytes }) => bytes),
      ...(folders + changes > 0 ? { pendingOther: { folders, changes } } : {}),
      uploading: sum(({ uploading }) => uploading),
      downloading: fetcher.status().versions.filter(({ version }) => isIn(version, scope)).length,
      failed: sum(({ failed }) => failed),
      ...(held > 0 ? { heldDeletes: held } : {}),
      conflicts: sum((one) => one.conflicts),
    }
  }

  /** What is under way first, then what is fetched, then what waits, as it was saved. */
  queue(scope: Scope | undefined, countMax: number): { total: number; entries: QueueEntry[] } {
    const counts = this.counts(scope)
    const running = this.#scopes(scope).flatMap(({ volume, prefix }) =>
      this.#running(volume, prefix, countMax),
    )
    const fetches = this.#fetches(scope).slice(0, countMax)
    const entries = [...running, ...fetches].slice(0, countMax)
    const seen = new Set(running.map(({ seq }) => seq))
    for (const { volume, prefix } of this.#scopes(scope)) {
      if (entries.length >= countMax) break
      const rows = this.#parts.stores.journal.queue(volume, prefix, countMax + seen.size)
      for (const row of rows) {
        if (entries.length >= countMax) break
        if (!seen.has(row.seq)) entries.push(this.#waiting(row))
      }
    }
    return { total: counts.pendingFiles + counts.downloading, entries }
  }

  attention(
    scope: Scope | undefined,
    countMax: number,
  ): { total: number; entries: AttentionGroup[] } {
    const groups = new Map<ErrorCode, { total: number; entries: AttentionEntry[] }>()
    for (const { volume, prefix } of this.#scopes(scope)) {
      const rows = this.#parts.stores.journal.needingPerson(volume, prefix, FAILED_ROWS_MAX)
      for (const row of rows) {
        const cause = errorCodeOf(row) ?? 'internal/bug'
        const group = groups.get(cause) ?? { total: 0, entries: [] }
        group.total++
        if (group.entries.length < GROUP_ENTRIES_MAX) group.entries.push(this.#attention(row))
        groups.set(cause, group)
      }
    }
    const entries = [...groups].map(([cause, group]) => ({
      cause,
      sentence: ERRORS[cause].remedy,
      ...group,
    }))
    return { total: entries.length, entries: entries.slice(0, countMax) }
  }

  conflicts(
    scope: Scope | undefined,
    countMax: number,
  ): { total: number; entries: ConflictView[] } {
    const { conflicts } = this.#parts.stores
    const scopes = this.#scopes(scope)
    const rows = scopes.flatMap(({ volume, prefix }) => conflicts.list(volume, prefix, countMax))
    return {
      total: scopes.reduce((sum, one) => sum + conflicts.count(one.volume, one.prefix), 0),
      entries: rows
        .sort((a, b) => a.id - b.id)
        .slice(0, countMax)
        .flatMap((row) => this.#conflict(row)),
    }
  }

  recent(countMax: number): { total: number; entries: RecentView[] } {
    const { recent } = this.#parts.stores
    const entries = recent.list(countMax).map((row) => ({
      id: row.id,
      atMs: row.atMs,
      kind: row.kind,
      origin: REMOTE_KINDS.has(row.kind) ? ('remote' as const) : ('local' as const),
      bucket: this.#bucketOf(row.volume),
      path: pathOfKey(row.key),
      count: row.count,
      sizeBytes: row.bytes,
      ...(row.program === null ? {} : { program: row.program }),
      sentence: sentenceOf(row),
    }))
    return { total: recent.count(), entries }
  }

  #scopes(scope: Scope | undefined): readonly Scope[] {
    if (scope) return [scope]
    const rows = this.#parts.stores.database.all('SELECT id FROM volume ORDER BY id')
    return rows.map((row) => ({ volume: Number(row.id), prefix: '' }))
  }

  #bucketOf(volume: number): string {
    const open = this.#parts.volumes.get(volume)
    if (open) return open.bucket
    const row = this.#parts.stores.database.get('SELECT bucket FROM volume WHERE id = ?', volume)
    return String(row?.bucket ?? '')
  }

  #running(volume: number, prefix: string, countMax: number): QueueEntry[] {
    const transfers = this.#parts.volumes.get(volume)?.transfers.all() ?? []
    return transfers
      .filter(({ key }) => key.startsWith(prefix) && !isScratchKey(key))
      .slice(0, countMax)
      .flatMap((transfer) => {
        const row = this.#parts.stores.journal.bySeq(transfer.seq)
        return row ? [this.#runningEntry(row, transfer)] : []
      })
  }

  /** A request that waits for the network moves nothing: it says why, as those behind it. */
  #runningEntry(row: JournalRow, transfer: Transfer): QueueEntry {
    const { partsDone, partsTotal } = transfer
    const isMoving = this.#parts.volumes.get(row.volume)?.connectivity.isOnline === true
    return {
      ...(isMoving ? { ...this.#rowEntry(row), state: 'running' } : this.#waiting(row)),
      sizeBytes: transfer.totalBytes,
      doneBytes: transfer.doneBytes,
      bytesPerSecond: isMoving ? transfer.bytesPerSecond : 0,
      ...(partsTotal === undefined ? {} : { part: { done: partsDone ?? 0, total: partsTotal } }),
    }
  }

  #waiting(row: JournalRow): QueueEntry {
    const code = errorCodeOf(row)
    if (row.state === 'failed') {
      const reason = ERRORS[code ?? 'internal/bug'].remedy
      return { ...this.#rowEntry(row), state: 'failed', nextTry: { when: 'person' }, reason }
    }
    const volume = this.#parts.volumes.get(row.volume)
    if (!volume) {
      const reason = 'Its folder is not mounted.'
      return { ...this.#rowEntry(row), nextTry: { when: 'mounted' }, reason }
    }
    const open =
      row.op === 'put' && row.node !== null ? openSentenceOf(volume, row.node) : undefined
    if (open !== undefined) {
      return { ...this.#rowEntry(row), nextTry: { when: 'closed' }, reason: open }
    }
    const { reason, nextTry } = pendingChange(
      {
        connectivity: volume.connectivity.state,
        isPaused: this.#parts.isPaused(),
        nowMs: this.#parts.stores.clock.nowMs(),
      },
      rowFact(row),
    )
    return {
      ...this.#rowEntry(row),
      ...(reason === undefined ? {} : { reason }),
      ...(nextTry === undefined ? {} : { nextTry }),
    }
  }

  #rowEntry(row: JournalRow): QueueEntry {
    return {
      seq: row.seq,
      bucket: this.#bucketOf(row.volume),
      path: pathOfKey(row.key),
      op: row.op,
      direction: 'up',
      state: 'waiting',
      sizeBytes: row.bytes,
      doneBytes: 0,
      bytesPerSecond: 0,
      attempts: row.attempts,
      ...(row.program === null ? {} : { program: row.program }),
    }
  }

  #fetches(scope: Scope | undefined): QueueEntry[] {
    return this.#parts.stores.fetcher
      .status()
      .versions.filter(({ version }) => isIn(version, scope))
      .map(({ version, bytes }) => ({
        bucket: this.#bucketOf(version.volume),
        path: pathOfKey(version.key),
        op: 'fetch',
        direction: 'down',
        state: 'running',
        sizeBytes: version.sizeBytes,
        doneBytes: Math.max(0, version.sizeBytes - bytes),
        bytesPerSecond: 0,
        attempts: 0,
      }))
  }

  #attention(row: JournalRow): AttentionEntry {
    const where = whereOf(row)
    const path = pathOfKey(row.key)
    const pathNow = this.#pathNow(row.node)
    return {
      seq: row.seq,
      bucket: this.#bucketOf(row.volume),
      path,
      ...(pathNow === undefined || pathNow === path ? {} : { pathNow }),
      atMs: row.errorMs ?? 0,
      attempts: row.attempts,
      detail: row.errorDetail ?? '',
      ...(typeof where.serverCode === 'string' ? { serverCode: where.serverCode } : {}),
      ...(typeof where.requestId === 'string' ? { requestId: where.requestId } : {}),
      ...(typeof where.status === 'number' ? { httpStatus: where.status } : {}),
    }
  }

  /** The names from the root of the bucket; undefined for what is in no folder any more. */
  #pathNow(node: number | null): string | undefined {
    const { nodes } = this.#parts.stores
    const names: string[] = []
    let row = node === null ? undefined : nodes.byId(node)
    for (; row && row.parent !== null; row = nodes.byId(row.parent)) names.unshift(row.name)
    return names.length === 0 ? undefined : names.join('/')
  }

  /** Nothing for a conflict one of whose files was taken away a moment ago. */
  #conflict(row: ConflictRow): ConflictView[] {
    const { nodes, journal } = this.#parts.stores
    const ours = nodes.byId(row.ours)
    if (!ours) return []
    const theirs = row.theirs === null ? undefined : nodes.byId(row.theirs)
    const folder = pathOfKey(row.key).split('/').slice(0, -1)
    return [
      {
        id: row.id,
        bucket: this.#bucketOf(row.volume),
        theirs: {
          path: theirs ? [...folder, theirs.name].join('/') : pathOfKey(row.key),
          sizeBytes: theirs?.remoteSize ?? row.theirsSizeBytes,
          modifiedMs: theirs ? Number(theirs.mtime / NS_PER_MS) : row.theirsMs,
          etag: theirs?.etag ?? row.theirsEtag,
        },
        ours: {
          path: [...folder, ours.name].join('/'),
          sizeBytes: ours.size,
          modifiedMs: Number(ours.mtime / NS_PER_MS),
          ...(ours.etag === null ? {} : { etag: ours.etag }),
          host: row.host,
          isUploaded: ours.etag !== null && journal.opOfNode(ours.id, 'put') === undefined,
        },
        atMs: row.atMs,
      },
    ]
  }
}

/** Names for people, from a key; without the slash at the end of a folder's. */
export function pathOfKey(key: string): string {
  const components = key.replace(/\/$/, '').split('/')
  return components.map((component) => nameOfComponent(component).name).join('/')
}

function isIn(version: { volume: number; key: string }, scope: Scope | undefined): boolean {
  return !scope || (version.volume === scope.volume && version.key.startsWith(scope.prefix))
}

function whereOf({ errorWhere }: JournalRow): Record<string, unknown> {
  if (errorWhere === null) return {}
  const where: unknown = JSON.parse(errorWhere)
  return typeof where === 'object' && where !== null ? { ...where } : {}
}

const REMOTE_KINDS: ReadonlySet<RecentKind> = new Set(['arrived', 'changed', 'removed'])

/** What happened, as a person says it. */
function sentenceOf({ kind, key, name, count, program }: RecentRow): string {
  const path = pathOfKey(key)
  const other = count - 1
  const more = other > 0 ? ` and ${formatCount(other, 'other')}` : ''
  switch (kind) {
    case 'uploaded':
      return `${path} is in the bucket.`
    case 'deleted':
      return `${path}${more} deleted in the bucket.`
    case 'renamed':
      return `${path} is ${pathOfKey(name ?? '')} in the bucket now.`
    case 'conflict':
      return `${path} was changed here and in the bucket: yours is ${name ?? ''} now.`
    case 'resolved':
      return `The conflict of ${path} is resolved: ${name ?? ''} kept.`
    case 'kept-remote':
      return `${path} was deleted here but changed in the bucket: the changed file is kept.`
    case 'kept-local':
      return `${path} was deleted in the bucket but changed here: your file is uploaded again.`
    case 'arrived':
      return `${path}${more} came into the bucket.`
    case 'changed':
      return `${path}${more} changed in the bucket.`
    case 'removed':
      return `${path}${more} deleted in the bucket by someone else.`
    case 'fetched': {
      const files = `${formatCount(count, 'file')}${path === '' ? '' : ` in ${path}`}`
      return `${program ?? 'A program'} read ${count === 1 ? path : files} from the bucket.`
    }
  }
}
