/**
 * Reads of one file: staged bytes, zeros, and the base version below them.
 *
 * Keeps: a hole is never taken for data; a read that failed for want of an answer fails again at
 *        once for a while.
 */
import { PailError } from '../../shared/errors.ts'
import { assert } from '../base/assert.ts'
import type { Clock } from '../base/clock.ts'
import { cutByExtents, type Extent } from '../base/extents.ts'
import type { Etag } from '../s3/object-store.ts'
import { holesOf, type StagedFile } from '../store/staging.ts'
import type { ObjectVersion } from './content.ts'
import type { Reader } from './fetcher.ts'
import type { ReadSession } from './read-session.ts'

/** How long a failed read answers for the next ones. */
const FAILURE_MS = 5_000
/** The same where the way to the server failed: for the kernel's second look, not for a person's. */
const SECOND_LOOK_MS = 1_000
const RESTS_MS: Partial<Record<PailError['retry'], number>> = {
  backoff: FAILURE_MS,
  'when-online': SECOND_LOOK_MS,
}
/** Bytes of a base in memory while they are copied. */
const BASE_COPY_BYTES = 1024 * 1024
/** Bytes that are on this disk are read within this time. */
const CACHED_READ_MS = 200
/**
 * The bucket has the new version this long before its upload is known to have ended, at most: an
 * answer on its way, a commit. The base cannot be read in between.
 */
const OWN_UPLOAD_MS = 3_000
const OWN_UPLOAD_POLL_MS = 20

export type MergedReadsParts = {
  readonly clock: Clock
  readonly openReader: (version: ObjectVersion) => Reader
  /** Looks whether an upload of ours took the base away. @returns true: the base is another now */
  readonly findOwnBase: (signal: AbortSignal) => Promise<boolean>
}

/** What the file is now: a version of the bucket, and what is staged over it. */
type Shown = () => readonly [ObjectVersion | undefined, StagedFile | undefined]

export class MergedReads {
  readonly #parts: MergedReadsParts
  readonly #shown: Shown
  #failure: { readonly error: PailError; readonly untilMs: number } | undefined

  constructor(parts: MergedReadsParts, shown: Shown) {
    this.#parts = parts
    this.#shown = shown
  }

  get #version(): ObjectVersion | undefined {
    return this.#shown()[0]
  }

  get #staged(): StagedFile | undefined {
    return this.#shown()[1]
  }

  /** When the upload of `staged` takes its base away meanwhile, what was uploaded is read. */
  async merged(
    session: ReadSession,
    staged: StagedFile,
    offset: number,
    into: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    const etag = this.#version?.etag
    try {
      await this.#mergedOnce(session, staged, offset, into, signal)
    } catch (thrown) {
      if (!(thrown instanceof PailError) || thrown.code !== 'vfs/stale') throw thrown
      if (await this.#isBaseFound(staged, etag, signal)) {
        await this.#mergedOnce(session, staged, offset, into, signal)
        return
      }
      if (!(await this.#isUploaded(staged, signal))) throw thrown
      const { sizeBytes = 0 } = this.#version ?? {}
      if (sizeBytes !== staged.record.sizeBytes) throw thrown
      await this.base(session, offset, into, signal)
    }
  }

  /** The base was replaced by an upload of ours that nobody remembered, found here or elsewhere. */
  async #isBaseFound(
    staged: StagedFile,
    etag: Etag | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    const isFound = this.#version?.etag !== etag || (await this.#parts.findOwnBase(signal))
    return (isFound || this.#version?.etag !== etag) && this.#staged === staged
  }

  async #isUploaded(staged: StagedFile, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#parts
    const untilMs = clock.monotonicMs() + OWN_UPLOAD_MS
    while (this.#staged === staged && clock.monotonicMs() < untilMs) {
      await clock.sleep(OWN_UPLOAD_POLL_MS, signal)
    }
    return this.#staged === undefined
  }

  async #mergedOnce(
    session: ReadSession,
    staged: StagedFile,
    offset: number,
    into: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    for (const piece of cutByExtents(staged.record.extents, {
      start: offset,
      end: offset + into.length,
    })) {
      const target = into.subarray(piece.start - offset, piece.end - offset)
      if (piece.isCovered) await staged.read(piece.start, target)
      else await this.#readGap(session, staged, piece, { into: target, signal })
    }
  }

  /** Writes into the staged file what it still shows of the base. */
  async copyBase(session: ReadSession, staged: StagedFile, signal: AbortSignal): Promise<void> {
    const { record } = staged
    const all = { start: 0, end: record.baseBytes }
    const chunk = new Uint8Array(Math.min(BASE_COPY_BYTES, record.baseBytes))
    for (const gap of cutByExtents(record.extents, all)) {
      if (gap.isCovered) continue
      for (const { start, end, isCovered } of cutByExtents(holesOf(record), gap)) {
        for (let at = start; at < end && !isCovered; at += chunk.length) {
          const part = chunk.subarray(0, Math.min(chunk.length, end - at))
          await this.base(session, at, part, signal)
          await staged.write(part, at)
        }
      }
    }
  }

  async #readGap(
    session: ReadSession,
    { record }: StagedFile,
    gap: Extent,
    { into, signal }: { into: Uint8Array; signal: AbortSignal },
  ): Promise<void> {
    into.fill(0)
    const shown = { start: gap.start, end: Math.min(gap.end, record.baseBytes) }
    for (const { start, end, isCovered } of cutByExtents(holesOf(record), shown)) {
      if (isCovered) continue
      const target = into.subarray(start - gap.start, end - gap.start)
      await this.base(session, start, target, signal)
    }
  }

  async base(
    session: ReadSession,
    offset: number,
    into: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    const version = this.#version
    assert(version, 'there is a version to read from')
    const token = `${version.key}\n${version.etag}`
    if (session.version !== token) {
      session.reader?.close()
      session.reader = this.#parts.openReader(version)
      session.version = token
      session.toldBytes = 0
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
      const restMs = RESTS_MS[error.retry]
      if (!signal.aborted && !isRecent && restMs !== undefined) {
        this.#failure = { error, untilMs: clock.monotonicMs() + restMs }
      }
      throw error
    } finally {
      cancel()
    }
  }
}
