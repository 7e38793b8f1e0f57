/**
 * The content of one file: staged bytes over a base version, or a version alone.
 *
 * Owns:  the in-memory truth of a file that is open or being uploaded: size, times, staged ranges.
 * Keeps: mutations one at a time; a seal is one transaction; a reader sees one version, or an error.
 * Never: knows handles, permissions or paths.
 */
import { PailError } from '../../shared/errors.ts'
import { assert } from '../base/assert.ts'
import type { Clock } from '../base/clock.ts'
import { addExtent, cutByExtents, type Extent } from '../base/extents.ts'
import type { Log } from '../base/log.ts'
import { Mutex } from '../base/mutex.ts'
import type { Etag } from '../s3/object-store.ts'
import type { NodeRow } from '../store/nodes.ts'
import type { StagedFile, StagedPlace } from '../store/staging.ts'
import type { ObjectVersion } from './content.ts'
import type { Reader } from './fetcher.ts'
import type { Tree } from './tree.ts'
import { sealFile } from './tree-edit.ts'

/** Largest object of any store that Pail knows: 10 TB. */
export const FILE_BYTES_MAX = 10_000_000_000_000

export type ContentsParts = {
  readonly tree: Tree
  readonly clock: Clock
  readonly log: Log
  readonly openReader: (version: ObjectVersion) => Reader
  /** Hands a staged file's bytes to the cache as blocks of the version they became. */
  readonly adopt: (
    version: ObjectVersion,
    place: StagedPlace,
    extents: readonly Extent[],
  ) => Promise<void>
}

/** How long a failed read answers for the next ones. */
const FAILURE_MS = 5_000
/** Bytes that are on this disk are read within this time. */
const CACHED_READ_MS = 200

/** One open's view: notices that the file became another version under it. */
export type ReadSession = {
  readonly epoch: number
  reader: Reader | undefined
  version: string
  /** Bytes read in order from the start. */
  readTo: number
}

export class FileContent {
  readonly id: number
  readonly #parts: ContentsParts
  readonly #mutations = new Mutex()
  /** Staging files that a truncation to nothing left behind; gone after the next seal. */
  #outdated: StagedFile[] = []
  #staged: StagedFile | undefined
  #sizeBytes: number
  #mtime: bigint
  #ctime: bigint
  #change: number
  #isDirty: boolean
  /** Rises when the bucket's version replaced this one: older sessions are stale. */
  #epoch = 0
  #failure: { readonly error: PailError; readonly untilMs: number } | undefined
  users = 0
  writers = 0

  constructor(parts: ContentsParts, row: NodeRow, staged: StagedFile | undefined) {
    this.#parts = parts
    this.id = row.id
    this.#staged = staged
    this.#sizeBytes = row.size
    this.#mtime = row.mtime
    this.#ctime = row.ctime
    this.#change = row.change
    this.#isDirty = !row.isSealed
  }

  get isDirty(): boolean {
    return this.#isDirty
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  get staged(): StagedFile | undefined {
    return this.#staged
  }

  /** What the row does not know yet while programs write. */
  get overlay(): Pick<NodeRow, 'size' | 'mtime' | 'ctime' | 'change'> | undefined {
    if (!this.#isDirty) return undefined
    return {
      size: this.#sizeBytes,
      mtime: this.#mtime,
      ctime: this.#ctime,
      change: this.#change,
    }
  }

  /** The bucket has another version now, and nothing local stands against it. */
  noteReplaced(): void {
    if (this.#isDirty || this.#staged) return
    this.#epoch++
    this.noteRow()
  }

  /** The row changed by other means than this content: attributes, a merge, a finished upload. */
  noteRow(): void {
    const row = this.#parts.tree.nodes.byId(this.id)
    if (!row || this.#isDirty) return
    this.#sizeBytes = row.size
    this.#mtime = row.mtime
    this.#ctime = row.ctime
    this.#change = row.change
  }

  openSession(): ReadSession {
    return { epoch: this.#epoch, reader: undefined, version: '', readTo: 0 }
  }

  closeSession(session: ReadSession): void {
    session.reader?.close()
    session.reader = undefined
  }

  /** Fills `into` from `offset`. @returns bytes read; fewer only at the end of the file */
  async read(
    session: ReadSession,
    offset: number,
    into: Uint8Array,
    signal: AbortSignal,
  ): Promise<number> {
    this.#checkSession(session)
    const end = Math.min(offset + into.length, this.#sizeBytes)
    if (end <= offset) return 0
    const wanted = into.subarray(0, end - offset)
    const staged = this.#staged
    if (!staged) {
      await this.#readBase(session, offset, wanted, signal)
      return wanted.length
    }
    staged.retain()
    try {
      await this.#readMerged(session, staged, offset, wanted, signal)
    } finally {
      await staged.release()
    }
    return wanted.length
  }

  write(
    session: ReadSession | undefined,
    offset: number | 'append',
    data: Uint8Array,
  ): Promise<number> {
    return this.#mutations.run(async () => {
      if (session) this.#checkSession(session)
      const start = offset === 'append' ? this.#sizeBytes : offset
      if (start + data.length > FILE_BYTES_MAX) {
        throw new PailError('vfs/too-large', `${start + data.length} bytes`)
      }
      const staged = this.#ensureStaged()
      await staged.write(data, start)
      this.#sizeBytes = staged.sizeBytes
      this.#touch()
      return data.length
    })
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#mutations.run(async () => {
      if (sizeBytes > FILE_BYTES_MAX) throw new PailError('vfs/too-large', `${sizeBytes} bytes`)
      // Nothing changes: a new version of the same bytes would cost an upload.
      if (sizeBytes === this.#sizeBytes) return
      if (sizeBytes === 0) this.#startEmpty()
      else this.#ensureStaged().truncate(sizeBytes)
      this.#sizeBytes = sizeBytes
      this.#touch()
    })
  }

  /** Times set by a program while the file is dirty: they are what the seal shall store. */
  setMtime(mtime: bigint): void {
    this.#mtime = mtime
    this.#ctime = this.#parts.clock.nowNs()
    this.#change++
  }

  /** Makes what was written the content to be uploaded; kill-safe when it resolves. */
  seal(origin: string): Promise<void> {
    return this.#mutations.run(() => this.#seal(origin))
  }

  /** Sealed, and safe against power loss: data first, then the record of it. */
  commit(origin: string): Promise<void> {
    return this.#mutations.run(async () => {
      const staged = this.#staged
      await staged?.sync()
      const isRecorded = !this.#isDirty
      staged?.noteSynced()
      await this.#seal(origin)
      if (isRecorded && staged) await this.#parts.tree.database.write(() => staged.saveRecord())
      await this.#parts.tree.database.sync()
    })
  }

  /**
   * What is sealed, as the uploader reads it. Holds the staged file until `release`.
   * Undefined while something is unsealed: then there is nothing to upload yet.
   */
  uploadSource(): UploadSource | undefined {
    if (this.#isDirty) return undefined
    const staged = this.#staged
    assert(staged || this.#sizeBytes === 0, `node ${this.id} has the bytes that wait for upload`)
    staged?.retain()
    const record = staged?.record ?? { sizeBytes: 0, extents: [], baseBytes: 0 }
    const session = this.openSession()
    const base = record.baseBytes > 0 ? this.#baseVersion() : undefined
    return {
      sizeBytes: record.sizeBytes,
      extents: localExtents(record),
      ...(base ? { base } : {}),
      read: async (offset, into, signal) => {
        if (staged) await this.#readMerged(session, staged, offset, into, signal)
      },
      release: async () => {
        this.closeSession(session)
        await staged?.release()
      },
    }
  }

  /**
   * The sealed content is in the bucket now. Its bytes move to the cache, unless someone still
   * works with them. Called after the row says so.
   */
  async settle(version: ObjectVersion): Promise<void> {
    const staged = this.#staged
    this.noteRow()
    if (!staged || this.#isDirty) return
    const { extents, sizeBytes } = staged.record
    this.#staged = undefined
    // Until the database says durably that the bucket has them, these are the only bytes. Those
    // that lie in it are there as long as it says otherwise.
    if ('path' in staged.place) await this.#parts.tree.database.sync()
    await staged.trim()
    const isWhole = sizeBytes > 0 && sizeBytes === version.sizeBytes
    if (isWhole) await this.#parts.adopt(version, staged.place, extents)
    await this.#drop(staged)
  }

  async close(): Promise<void> {
    for (const staged of [...this.#outdated.splice(0), this.#staged]) await staged?.release()
    this.#staged = undefined
  }

  /** The file is gone, and so is what was staged for it. */
  async discard(): Promise<void> {
    const staged = [...this.#outdated.splice(0), this.#staged]
    this.#staged = undefined
    this.#isDirty = false
    for (const file of staged) if (file) await this.#drop(file)
  }

  #touch(): void {
    this.#mtime = this.#parts.clock.nowNs()
    this.#ctime = this.#mtime
    this.#change++
    this.#isDirty = true
  }

  #checkSession(session: ReadSession): void {
    if (session.epoch !== this.#epoch) {
      throw new PailError('vfs/stale', `node ${this.id} was replaced in the bucket`)
    }
  }

  async #seal(origin: string): Promise<void> {
    if (!this.#isDirty) return
    await this.#staged?.sumUp()
    await sealFile(
      this.#parts.tree,
      this.id,
      {
        size: this.#sizeBytes,
        mtime: this.#mtime,
        ctime: this.#ctime,
        change: this.#change,
        staged: this.#staged,
      },
      origin,
    )
    this.#isDirty = false
    for (const outdated of this.#outdated.splice(0)) await this.#drop(outdated)
  }

  #ensureStaged(): StagedFile {
    if (this.#staged) return this.#staged
    const base = this.#baseVersion()
    const size = this.#sizeBytes
    this.#staged = this.#parts.tree.staging.create({
      sizeBytes: size,
      extents: [],
      baseBytes: base ? Math.min(size, base.sizeBytes) : 0,
    })
    return this.#staged
  }

  /** A truncation to nothing starts a new file, so that the sealed one survives until the next seal. */
  #startEmpty(): void {
    const next = this.#parts.tree.staging.create({
      sizeBytes: 0,
      extents: [],
      baseBytes: 0,
    })
    if (this.#staged) this.#outdated.push(this.#staged)
    this.#staged = next
  }

  async #drop(staged: StagedFile): Promise<void> {
    // What was made safe by fsync goes only when what takes its place is on record safely, too.
    if (staged.record.synced) await this.#parts.tree.database.sync()
    this.#parts.tree.database.writeLater(() => staged.discard())
    await staged.release()
  }

  #baseVersion(): ObjectVersion | undefined {
    const row = this.#parts.tree.nodes.byId(this.id)
    if (!row || row.etag === null || row.remoteKey === null) return undefined
    return {
      volume: row.volume,
      key: row.remoteKey,
      // The row's ETag came from the store; the brand is lost on the way through the database.
      etag: row.etag as Etag,
      sizeBytes: row.remoteSize,
    }
  }

  async #readMerged(
    session: ReadSession,
    staged: StagedFile,
    offset: number,
    into: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    const { extents, baseBytes } = staged.record
    for (const piece of cutByExtents(extents, { start: offset, end: offset + into.length })) {
      const target = into.subarray(piece.start - offset, piece.end - offset)
      if (piece.isCovered) await staged.read(piece.start, target)
      else await this.#readGap(session, piece, baseBytes, target, signal)
    }
  }

  async #readGap(
    session: ReadSession,
    gap: Extent,
    baseBytes: number,
    into: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    const fromBase = Math.max(0, Math.min(gap.end, baseBytes) - gap.start)
    if (fromBase > 0) await this.#readBase(session, gap.start, into.subarray(0, fromBase), signal)
    into.fill(0, fromBase)
  }

  async #readBase(
    session: ReadSession,
    offset: number,
    into: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    const version = this.#baseVersion()
    assert(version, `node ${this.id} has a version to read from`)
    const token = `${version.key}\n${version.etag}`
    if (session.version !== token) {
      session.reader?.close()
      session.reader = this.#parts.openReader(version)
      session.version = token
    }
    assert(session.reader, 'a session with a version has a reader')
    await this.#readVersion(session.reader, offset, into, signal)
  }

  /**
   * A read that failed for want of an answer fails again at once for a while, unless its bytes are
   * on this disk: the kernel asks twice for one read of a program, which must not wait twice.
   */
  async #readVersion(
    reader: Reader,
    offset: number,
    into: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock } = this.#parts
    const failure = this.#failure
    const isRecent = failure !== undefined && clock.monotonicMs() < failure.untilMs
    const quick = new AbortController()
    const cancel = isRecent
      ? clock.after(CACHED_READ_MS, () => quick.abort(failure.error))
      : () => {}
    try {
      await reader.read(offset, into, isRecent ? AbortSignal.any([signal, quick.signal]) : signal)
      if (!isRecent) this.#failure = undefined
    } catch (thrown) {
      const error = PailError.from(thrown)
      if (!signal.aborted && !isRecent && error.retry === 'backoff') {
        this.#failure = { error, untilMs: clock.monotonicMs() + FAILURE_MS }
      }
      throw error
    } finally {
      cancel()
    }
  }
}

export type UploadSource = {
  readonly sizeBytes: number
  /** What does not equal the base at the same offset: written, or zeros beyond the base. */
  readonly extents: readonly Extent[]
  readonly base?: ObjectVersion
  read(offset: number, into: Uint8Array, signal: AbortSignal): Promise<void>
  release(): Promise<void>
}

function localExtents(record: StagedFile['record']): Extent[] {
  return addExtent(record.extents, { start: record.baseBytes, end: record.sizeBytes })
}
