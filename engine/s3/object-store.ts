/**
 * What Pail needs of an object store, and nothing else.
 *
 * Keeps: whatever is returned has been checked against what was asked (status, range, length,
 *        ETag, shape). Fails with a PailError from the closed table, never with a library's error.
 * Never: retries, decides about conflicts, knows about files.
 */

import type { RestoreTier } from '../../shared/archive.ts'

/** An opaque version token, with its quotes as the server sent it. Not a digest. */
export type Etag = string & { readonly brand: 'Etag' }

/** Metadata without the `x-amz-meta-` prefix; names in lower case. */
export type UserMetadata = Readonly<Record<string, string>>

export type ObjectInfo = {
  readonly key: string
  readonly sizeBytes: number
  readonly etag: Etag
  /** Last-Modified, milliseconds since 1970. */
  readonly modifiedMs: number
  /** As listed or by HEAD; undefined means the bucket's standard class. */
  readonly storageClass?: string
}

/** Headers of HTTP that an object keeps beside its type. */
export const KEPT_HEADERS = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
] as const
export type ObjectHeaders = Readonly<Partial<Record<(typeof KEPT_HEADERS)[number], string>>>

/** What an object carries beside its bytes. */
export type ObjectFacts = {
  readonly metadata: UserMetadata
  readonly contentType?: string
  readonly headers?: ObjectHeaders
  /** Undefined means the bucket's standard class. */
  readonly storageClass?: string
  /** How many tags it has; which ones, `tags` tells. */
  readonly tagCount?: number
}

/** `restored`: a copy can be read until then. */
export type ArchiveStatus =
  | { readonly state: 'archived' | 'restoring' }
  | { readonly state: 'restored'; readonly untilMs: number }

export type ObjectHead = ObjectInfo &
  ObjectFacts & {
    /** Absent: it is in no archive. */
    readonly archive?: ArchiveStatus
    /** The reply shows that the ETag, whatever its form, is no digest of the bytes. */
    readonly hasOpaqueEtag?: true
  }

export type RestoreRequest = {
  readonly key: string
  /** How long the copy can be read. Absent: the object comes back for good. */
  readonly days?: number
  /** As S3 spells it; absent: the server's choice. */
  readonly tier?: RestoreTier
}

export type ListPage = {
  readonly objects: readonly ObjectInfo[]
  /** Common prefixes, each ending with the delimiter. Empty without a delimiter. */
  readonly prefixes: readonly string[]
  /** Hand it back to get the next page; undefined on the last one. */
  readonly next?: string
  /** Entries that were left out, because what the server says of them is no object. Absent: none. */
  readonly unshown?: number
  /** The server wrote keys as they are: a key with what XML cannot hold came as another one. */
  readonly hasPlainKeys?: true
}

export type ListRequest = {
  readonly prefix: string
  readonly delimiter?: '/'
  readonly token?: string
  readonly startAfter?: string
  /** 1 to 1,000. */
  readonly keysMax?: number
}

/** What must be true of the key at the moment it is written. */
export type Precondition = { readonly ifMatch: Etag } | { readonly ifAbsent: true }

export type PutAttributes = {
  readonly metadata?: UserMetadata
  readonly contentType?: string
  readonly headers?: ObjectHeaders
  readonly storageClass?: string
  /** As `tags` returns them. A copy carries the source's along by itself. */
  readonly tags?: string
}

export type PutRequest = PutAttributes & {
  readonly key: string
  readonly body: Uint8Array
  /** Of the body, when it is known already: saves computing it again. */
  readonly md5Hex?: string
  readonly precondition?: Precondition
  /** Called while the body goes out; begins anew when it is sent once more. Sent is not yet stored. */
  readonly onSent?: (sentBytes: number) => void
}

export type PartRequest = Pick<PutRequest, 'key' | 'body' | 'md5Hex' | 'onSent'> & {
  readonly uploadId: string
  readonly partNumber: number
}

export type CopyRequest = {
  readonly sourceKey: string
  readonly key: string
  /** The copy fails with `s3/precondition` when the source is another version. */
  readonly sourceEtag?: Etag
  /** Given: replaces the attributes, but for the tags. Absent: they are carried over. */
  readonly replace?: PutAttributes
  /** A copy gets the standard class unless it is told another one. */
  readonly storageClass?: string
}

export type CreateMultipartRequest = PutAttributes & {
  readonly key: string
  /**
   * Called before the request is sent, which waits for it.
   * @param nowMs  the server's time, as far as it is known: `startedMs` will be about the same
   */
  readonly beforeSend?: (nowMs: number) => Promise<void>
}

export type PartInfo = {
  readonly partNumber: number
  readonly etag: Etag
  readonly sizeBytes: number
}

export type MultipartUpload = {
  readonly key: string
  readonly uploadId: string
  readonly startedMs: number
}

export type BucketInfo = {
  readonly name: string
  readonly createdMs?: number
  /** As the server names it, e.g. `eu-de-smart`. */
  readonly location?: string
}

/** What an endpoint was seen to honour. Found by a probe, remembered per endpoint. */
export type Capabilities = {
  /** PUT with If-None-Match: * and with If-Match. */
  readonly conditionalPut: boolean
  /** The same two on CompleteMultipartUpload. */
  readonly conditionalComplete: boolean
  readonly uploadPartCopy: boolean
  /**
   * False: ETags of 32 hex digits are not the MD5 of the content (encryption with managed keys).
   * Absent: not known, and believed until one turns out not to be.
   */
  readonly etagIsMd5?: boolean
}

export interface ObjectStore {
  list(request: ListRequest, signal?: AbortSignal): Promise<ListPage>
  /** @throws PailError `s3/no-key` when there is no such object */
  head(key: string, signal?: AbortSignal): Promise<ObjectHead>
  /** The object's tags, as `PutAttributes` takes them: name=value pairs, URL-encoded, with &. */
  tags(key: string, signal?: AbortSignal): Promise<string>
  /**
   * Reads exactly `into.length` bytes from `offset` of exactly the version `etag`, into `into`.
   * @throws PailError `s3/precondition` when the object is another version now,
   *         `s3/bad-reply` when status, Content-Range, length or ETag do not fit what was asked,
   *         `s3/integrity` when the range is the whole object and its ETag the MD5 of other bytes
   */
  get(
    request: {
      readonly key: string
      readonly etag: Etag
      readonly offset: number
      readonly into: Uint8Array
      /** Called whenever bytes of the body arrive: the network moves, though the range is not here. */
      readonly onProgress?: () => void
      /** Called when the reply shows that the ETag, whatever its form, is no digest of the bytes. */
      readonly onOpaqueEtag?: () => void
      /** Called with what the version carries beside its bytes, before they arrive. */
      readonly onFacts?: (facts: ObjectFacts) => void
    },
    signal?: AbortSignal,
  ): Promise<void>
  put(request: PutRequest, signal?: AbortSignal): Promise<{ etag: Etag }>
  /** @returns the new object's ETag; a 200 that carries an error is that error */
  copy(request: CopyRequest, signal?: AbortSignal): Promise<{ etag: Etag }>
  /**
   * Asks for a readable copy of an archived object.
   * @returns `ongoing` when that was asked for before, `readable` when the copy is there: it stays
   *          for `days` from now
   * @throws PailError `s3/archived` when the object is in no archive, as S3 has it
   */
  restore(request: RestoreRequest, signal?: AbortSignal): Promise<'begun' | 'ongoing' | 'readable'>
  /** Deleting what is not there is no error. */
  delete(key: string, signal?: AbortSignal): Promise<void>
  /** Up to 1,000 keys in one request. @returns the keys that are still there, each with its reason */
  deleteBatch(
    keys: readonly string[],
    signal?: AbortSignal,
  ): Promise<
    ReadonlyArray<{ readonly key: string; readonly code: string; readonly message: string }>
  >
  /** The UploadId is known only from the reply: what is lost with it, `beforeSend` can put on record. */
  createMultipart(
    request: CreateMultipartRequest,
    signal?: AbortSignal,
  ): Promise<{ uploadId: string }>
  uploadPart(request: PartRequest, signal?: AbortSignal): Promise<{ etag: Etag }>
  /** Range is inclusive of `offset`, exclusive of `offset + lengthBytes`. */
  uploadPartCopy(
    request: {
      readonly key: string
      readonly uploadId: string
      readonly partNumber: number
      readonly sourceKey: string
      readonly sourceEtag: Etag
      readonly offset: number
      readonly lengthBytes: number
    },
    signal?: AbortSignal,
  ): Promise<{ etag: Etag }>
  /** All parts of an upload, every page. @throws PailError `s3/no-key` when the upload is gone */
  listParts(key: string, uploadId: string, signal?: AbortSignal): Promise<readonly PartInfo[]>
  completeMultipart(
    request: {
      readonly key: string
      readonly uploadId: string
      readonly parts: ReadonlyArray<{ readonly partNumber: number; readonly etag: Etag }>
      readonly precondition?: Precondition
    },
    signal?: AbortSignal,
  ): Promise<{ etag: Etag }>
  /** Aborting what is gone is no error. */
  abortMultipart(key: string, uploadId: string, signal?: AbortSignal): Promise<void>
  listMultipart(prefix: string, signal?: AbortSignal): Promise<readonly MultipartUpload[]>
}

/** The endpoint itself, before a bucket is chosen. */
export interface ObjectService {
  listBuckets(signal?: AbortSignal): Promise<readonly BucketInfo[]>
  bucket(name: string): ObjectStore
  /** Drops idle sockets: after sleep, or a change of network. */
  close(): void
}
