/**
 * What an upload is asked for and what it needs, shared by its steps.
 */
import { PailError } from '../../shared/errors.ts'
import type {
  Capabilities,
  Etag,
  ObjectHead,
  ObjectStore,
  Precondition,
  PutAttributes,
} from '../s3/object-store.ts'
import type { Extent, ObjectVersion } from './content.ts'
import type { Requests } from './requests.ts'
import type { Progress } from './transfers.ts'
import type { UploadBuffers } from './upload-buffers.ts'
import type { PartLimits } from './upload-plan.ts'
import { isMet, isSameEtag, isSent, metadataDigest, type Sent } from './upload-proof.ts'
import type { Attempt, RecordKeeper, UploadRecord } from './upload-record.ts'

export type UploadSource = {
  readonly sizeBytes: number
  /** Ranges written locally; everything else below the base's size is the base's content. */
  readonly extents: readonly Extent[]
  readonly base?: ObjectVersion
  /** Fills `into` with the merged content, local or base, from `offset`. */
  read(offset: number, into: Uint8Array, signal: AbortSignal): Promise<void>
}

export type UploadJob = {
  readonly store: ObjectStore
  readonly requests: Requests
  readonly capabilities: Capabilities
  readonly key: string
  readonly source: UploadSource
  readonly attributes: PutAttributes
  readonly precondition?: Precondition
  /** What an earlier upload of this entry, also of older content, has saved last. */
  readonly resume?: UploadRecord
  /** Resolves when the record is on disk; undefined: there is nothing to remember any more. */
  save(record: UploadRecord | undefined): Promise<void>
  /** Is this content still what the key has to hold? Asked before anything is sent. */
  isCurrent(): boolean
  onProgress?(progress: Progress): void
  readonly signal: AbortSignal
}

export type UploadDeps = {
  readonly buffers: UploadBuffers
  /** Absent: S3's. */
  readonly limits?: PartLimits
  /** The endpoint turned out not to do what it was believed to do. */
  noteCapability(name: keyof Capabilities, isThere: boolean): void
}

export type UploadOutcome =
  | {
      readonly outcome: 'stored'
      readonly etag: Etag
      /** Uploads given up that could not be aborted: still to be cleaned up. */
      readonly orphans: UploadRecord['orphans']
    }
  | { readonly outcome: 'superseded' }

/** A running upload: the job, what is remembered of it, and what was learnt on the way. */
export class UploadRun {
  readonly job: UploadJob
  readonly deps: UploadDeps
  readonly keeper: RecordKeeper
  capabilities: Capabilities
  precondition: Precondition | undefined

  constructor(job: UploadJob, deps: UploadDeps, keeper: RecordKeeper) {
    this.job = job
    this.deps = deps
    this.keeper = keeper
    this.capabilities = job.capabilities
    this.precondition = job.precondition
  }

  get etagIsMd5(): boolean {
    return this.capabilities.etagIsMd5 !== false
  }

  lacks(name: keyof Capabilities): void {
    if (this.capabilities[name] === false) return
    this.capabilities = { ...this.capabilities, [name]: false }
    this.deps.noteCapability(name, false)
  }

  sent(etag: Etag | undefined): Sent {
    const { source, attributes } = this.job
    return { sizeBytes: source.sizeBytes, etag, attributes, etagIsMd5: this.etagIsMd5 }
  }

  /** What the bucket has when the upload lands. */
  attempt(etag: Etag | undefined): Attempt {
    const { source, attributes } = this.job
    const metadata = metadataDigest(attributes.metadata ?? {})
    return { etag, sizeBytes: source.sizeBytes, metadata }
  }

  /**
   * Is this what was sent? What the upload was to replace is not, though it may have the same
   * metadata, where that alone can tell.
   */
  isLanded(head: ObjectHead, etag: Etag | undefined): boolean {
    if (!isSent(head, this.sent(etag))) return false
    if (etag !== undefined && isSameEtag(head.etag, etag)) return true
    return !this.precondition || !isMet(head, this.precondition)
  }

  request<T>(work: (signal: AbortSignal) => Promise<T>, signal = this.job.signal): Promise<T> {
    return this.job.requests.run('background', work, signal)
  }

  head(signal: AbortSignal): Promise<ObjectHead | undefined> {
    return headOrNone(this.job.store, this.job.key, signal)
  }
}

export function isCode(thrown: unknown, code: PailError['code']): thrown is PailError {
  return thrown instanceof PailError && thrown.code === code
}

export async function headOrNone(
  store: ObjectStore,
  key: string,
  signal: AbortSignal,
): Promise<ObjectHead | undefined> {
  try {
    return await store.head(key, signal)
  } catch (thrown) {
    if (isCode(thrown, 's3/no-key')) return undefined
    throw thrown
  }
}
