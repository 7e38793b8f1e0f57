/**
 * The content of one file: staged bytes over a base version, or a version alone.
 *
 * Owns:  the in-memory truth of a file that is open or being uploaded: size, times, staged ranges.
 * Keeps: mutations one at a time; a seal is one transaction; a reader sees one version, or an error.
 * Never: knows handles, permissions or paths.
 */
import { PailError } from '../../shared/errors.ts'
import type { Clock } from '../base/clock.ts'
import { addExtent, cutByExtents, type Extent, totalBytes } from '../base/extents.ts'
import type { Log } from '../base/log.ts'
import { Mutex } from '../base/mutex.ts'
import type { Etag } from '../s3/object-store.ts'
import type { NodeRow } from '../store/nodes.ts'
import { holesOf, type StagedFile, type StagedPlace } from '../store/staging.ts'
import { BorrowedBase } from './borrowed-base.ts'
import type { ObjectVersion, WholeCopy } from './content.ts'
import type { Reader } from './fetcher.ts'
import { MergedReads } from './merged-reads.ts'
import { type ReadSession, ReadSessions } from './read-session.ts'
import type { Tree } from './tree.ts'
import { sealFile } from './tree-edit.ts'
import { localExtents, type UploadSource } from './upload-source.ts'

/** Largest object of any store that Pail knows: 10 TB. */
export const FILE_BYTES_MAX = 10_000_000_000_000

export type ContentsParts = {
  readonly tree: Tree
  readonly clock: Clock
  readonly log: Log
  readonly openReader: (version: ObjectVersion) => Reader
  /** Copies an object inside the bucket. @returns false when that is not possible now */
  readonly copyWhole: (copy: WholeCopy, signal: AbortSignal) => Promise<boolean>
  /** Looks whether an upload of ours took the base of a change away (own-base.ts). */
  readonly findOwnBase: (id: number, signal: AbortSignal) => Promise<boolean>
  /** Hands a staged file's bytes to the cache as blocks of the version they became. */
  readonly adopt: (
    version: ObjectVersion,
    place: StagedPlace,
    extents: readonly Extent[],
  ) => Promise<void>
}

/** Names the program that saves; asked only when there is something to save. */
export type ProgramOf = () => string | undefined
type Asker = { readonly signal: AbortSignal }

export class FileContent {
  readonly id: number
  readonly #parts: ContentsParts
  readonly #mutations = new Mutex()
  readonly #reads: MergedReads
  /** Staging files that a truncation to nothing left behind; gone after the next seal. */
  #outdated: StagedFile[] = []
  #staged: StagedFile | undefined
  /** Another object whose bytes this file shows, until it is sealed. */
  #borrowed: BorrowedBase | undefined
  #sizeBytes: number
  #mtime: bigint
  #ctime: bigint
  #change: number
  #isDirty: boolean
  readonly #sessions: ReadSessions
  users = 0
  writers = 0

  constructor(parts: ContentsParts, row: NodeRow, staged: StagedFile | undefined) {
    this.#parts = parts
    this.id = row.id
    const findOwnBase = (signal: AbortSignal) => parts.findOwnBase(row.id, signal)
    const shown = () => [this.#baseVersion(), this.#staged] as const
    this.#reads = new MergedReads({ ...parts, findOwnBase }, shown)
    this.#sessions = new ReadSessions(row.id)
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
    this.#sessions.noteReplaced()
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

  /** @param hasPages may there be bytes of the file where this content cannot see them? */
  openSession({ hasPages }: { readonly hasPages: boolean } = { hasPages: true }): ReadSession {
    return this.#sessions.open(!hasPages && this.users === 1)
  }

  closeSession(session: ReadSession): void {
    this.#sessions.close(session)
  }

  /** May the session go on with a newer version? Not when that would mix two. */
  canRestart(session: ReadSession): boolean {
    return !this.#staged && !this.#isDirty && this.#sessions.canRestart(session)
  }

  restart(session: ReadSession): boolean {
    return this.canRestart(session) && this.#sessions.restart(session)
  }

  /** Fills `into` from `offset`. @returns bytes read; fewer only at the end of the file */
  read(
    session: ReadSession,
    offset: number,
    into: Uint8Array,
    signal: AbortSignal,
  ): Promise<number> {
    return this.#sessions.read(session, () => this.#readOnce(session, offset, into, signal))
  }

  async #readOnce(
    session: ReadSession,
    offset: number,
    into: Uint8Array,
    signal: AbortSignal,
  ): Promise<number> {
    const end = Math.min(offset + into.length, this.#sizeBytes)
    if (end <= offset) return 0
    const wanted = into.subarray(0, end - offset)
    const staged = this.#staged
    if (!staged) {
      await this.#reads.base(session, offset, wanted, signal)
      return wanted.length
    }
    staged.retain()
    try {
      await this.#reads.merged(session, staged, offset, wanted, signal)
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
      if (session) this.#sessions.check(session)
      // write(2): nothing else happens then, neither to times nor to the bucket.
      if (data.length === 0) return 0
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

  /** The range reads as zeros; one that reaches beyond the end makes the file longer. */
  zero(range: Extent): Promise<void> {
    return this.#mutations.run(async () => {
      if (range.end > FILE_BYTES_MAX) throw new PailError('vfs/too-large', `${range.end} bytes`)
      const staged = await this.#ensureStaged()
      staged.punch(range)
      if (range.end > this.#sizeBytes) staged.truncate(range.end)
      this.#sizeBytes = staged.sizeBytes
      this.#touch()
    })
  }

  /** This very version, whole; undefined when something was written here or waits. */
  unchangedVersion(session: ReadSession): ObjectVersion | undefined {
    this.#sessions.check(session)
    const row = this.#parts.tree.nodes.byId(this.id)
    if (this.#isDirty || this.#staged || !row || this.#parts.tree.isBusy(row)) return undefined
    const version = this.#baseVersion()
    return version?.sizeBytes === this.#sizeBytes ? version : undefined
  }

  /**
   * Shows a range of another object at the end of this file, without fetching it. What it shows
   * becomes this file's own when it is sealed.
   * @returns false when this file has other content, or the ranges are not the same
   */
  borrow(source: ObjectVersion, range: Extent): Promise<boolean> {
    return this.#mutations.run(async () => {
      if (range.start !== this.#sizeBytes) return false
      if (range.start > 0 && !this.#borrowed?.isUnchanged(source, range.start)) return false
      const staged = await this.#ensureStaged()
      staged.showBase(range.end)
      this.#borrowed = new BorrowedBase(source, staged)
      this.#sizeBytes = range.end
      this.#touch()
      return true
    })
  }

  /** Makes sure that the disk can take the range, without writing it. */
  reserve(range: Extent): Promise<void> {
    return this.#mutations.run(async () => {
      const held = this.#staged?.record.extents ?? []
      const missing = cutByExtents(held, range).filter(({ isCovered }) => !isCovered)
      await this.#parts.tree.staging.checkRoom(totalBytes(missing))
    })
  }

  /** What may hold other bytes than zeros, in order: written ranges, and what the base shows. */
  dataExtents(): Extent[] {
    if (!this.#staged) return addExtent([], { start: 0, end: this.#sizeBytes })
    const { extents, baseBytes } = this.#staged.record
    const shown = cutByExtents(holesOf(this.#staged.record), { start: 0, end: baseBytes })
    const base = shown.filter(({ isCovered }) => !isCovered)
    return base.reduce<Extent[]>((all, extent) => addExtent(all, extent), [...extents])
  }

  /** Times set by a program while the file is dirty: they are what the seal shall store. */
  setMtime(mtime: bigint): void {
    this.#mtime = mtime
    this.#ctime = this.#parts.clock.nowNs()
    this.#change++
  }

  /** Makes what was written the content to be uploaded; kill-safe when it resolves. */
  seal(origin: string, asker?: Asker, programOf?: ProgramOf): Promise<void> {
    return this.#mutations.run(async () => {
      if (this.#borrowed) await this.#ownBorrowed(origin, asker?.signal)
      await this.#seal(origin, programOf)
    })
  }

  /**
   * Seals what no close has sealed: the program, or the mount, ended without one. Nothing was
   * promised of it, so that what is only borrowed is not waited for.
   */
  sealLeft(origin: string): Promise<void> {
    return this.#mutations.run(async () => {
      if (this.#borrowed) this.#dropBorrowed()
      await this.#seal(origin)
    })
  }

  /** Sealed, and safe against power loss: data first, then the record of it. */
  commit(origin: string, signal?: AbortSignal): Promise<void> {
    return this.#mutations.run(async () => {
      await this.#ownBorrowed(origin, signal)
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
    const isThere = staged !== undefined || this.#sizeBytes === 0
    this.#parts.tree.database.trust.assert(isThere, `node ${this.id} has the bytes to upload`)
    staged?.retain()
    const record = staged?.record ?? { sizeBytes: 0, extents: [], baseBytes: 0 }
    const session = this.openSession()
    const base = record.baseBytes > 0 ? this.#baseVersion() : undefined
    return {
      sizeBytes: record.sizeBytes,
      extents: localExtents(record),
      ...(base ? { base } : {}),
      read: async (offset, into, signal) => {
        if (staged) await this.#reads.merged(session, staged, offset, into, signal)
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

  /**
   * Takes what is still read from the base into the staged file, which needs no other version then.
   * @throws PailError `vfs/stale` when the base is gone from the bucket and not in the cache
   */
  standAlone(signal: AbortSignal): Promise<void> {
    return this.#mutations.run(async () => {
      const staged = this.#staged
      if (!staged || staged.record.baseBytes === 0) return
      const session = this.openSession()
      try {
        await this.#reads.copyBase(session, staged, signal)
      } finally {
        this.closeSession(session)
      }
      staged.hideBase()
      await staged.sumUp()
      if (this.#isDirty) return
      await this.#parts.tree.database.write(() => staged.saveRecord())
    })
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

  /**
   * The borrowed object is copied inside the bucket, or its bytes are fetched. When neither is
   * possible, the program hears of it, and the file is as empty as after any copy that failed.
   */
  async #ownBorrowed(origin: string, given: AbortSignal | undefined): Promise<void> {
    const borrowed = this.#borrowed
    if (!borrowed || this.#parts.tree.nodes.byId(this.id)?.parent == null) return
    const signal = given ?? new AbortController().signal
    try {
      if (borrowed.isWhole && (await this.#copyBorrowed(borrowed.source, origin, signal))) return
      await borrowed.fetch(this.#parts.openReader(borrowed.source), signal)
      this.#borrowed = undefined
    } catch (thrown) {
      this.#dropBorrowed()
      throw thrown
    }
  }

  #dropBorrowed(): void {
    this.#borrowed = undefined
    this.#startEmpty()
    this.#sizeBytes = 0
    this.#touch()
  }

  async #copyBorrowed(
    source: ObjectVersion,
    origin: string,
    signal: AbortSignal,
  ): Promise<boolean> {
    const [mtime, ctime, change] = [this.#mtime, this.#ctime, this.#change]
    const copy = { id: this.id, source, mtime, ctime, change, origin }
    try {
      if (!(await this.#parts.copyWhole(copy, signal))) return false
    } catch (thrown) {
      const { code, detail } = PailError.from(thrown)
      this.#parts.log.write('warn', 'content/not-copied', { node: this.id, code, detail })
      return false
    }
    const staged = [...this.#outdated.splice(0), this.#staged]
    this.#borrowed = undefined
    this.#staged = undefined
    this.#isDirty = false
    this.noteRow()
    for (const file of staged) if (file) await this.#drop(file)
    return true
  }

  async #seal(origin: string, programOf?: ProgramOf): Promise<void> {
    if (!this.#isDirty) return
    const program = programOf?.()
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
        program,
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
    const next = this.#parts.tree.staging.create({ sizeBytes: 0, extents: [], baseBytes: 0 })
    if (this.#staged) this.#outdated.push(this.#staged)
    this.#borrowed = undefined
    this.#staged = next
  }

  async #drop(staged: StagedFile): Promise<void> {
    // What was made safe by fsync goes only when what takes its place is on record safely, too.
    if (staged.record.synced) await this.#parts.tree.database.sync()
    this.#parts.tree.database.writeLater(() => staged.discard())
    await staged.release()
  }

  #baseVersion(): ObjectVersion | undefined {
    if (this.#borrowed) return this.#borrowed.source
    const row = this.#parts.tree.nodes.byId(this.id)
    return row && remoteVersionOf(row)
  }
}

/** What the bucket has of the node; undefined: nothing. */
export function remoteVersionOf(row: NodeRow): ObjectVersion | undefined {
  if (row.etag === null || row.remoteKey === null) return undefined
  // The row's ETag came from the store; the brand is lost on the way through the database.
  const etag = row.etag as Etag
  return { volume: row.volume, key: row.remoteKey, etag, sizeBytes: row.remoteSize }
}
