/**
 * An object store in memory, with the semantics of S3, for tests and simulations.
 *
 * Keeps: ETags as S3 makes them; listings in the order of UTF-8 bytes; every version that a key
 *        ever had, so that a test can count them.
 */
import { createHash } from 'node:crypto'
import { isArchiveClass } from '../../shared/archive.ts'
import { PailError } from '../../shared/errors.ts'
import type { Clock } from '../base/clock.ts'
import { MemoryArchive } from './memory-archive.ts'
import { listPage, sortKeys } from './memory-listing.ts'
import { MemoryUploads } from './memory-uploads.ts'
import type {
  CopyRequest,
  CreateMultipartRequest,
  Etag,
  ListPage,
  ListRequest,
  ObjectFacts,
  ObjectHead,
  ObjectInfo,
  ObjectStore,
  PartRequest,
  Precondition,
  PutAttributes,
  PutRequest,
  RestoreRequest,
} from './object-store.ts'

export type StoreOperation = keyof ObjectStore

export type MemoryOptions = {
  readonly clock: Clock
  /** False: conditions on PUT are ignored, as older servers do. */
  readonly conditionalPut?: boolean
  readonly conditionalComplete?: boolean
  /** False: UploadPartCopy is refused with `s3/unsupported`. */
  readonly uploadPartCopy?: boolean
  /**
   * True: ETags look like digests, and are another one for each version and each part, as where the
   * server encrypts with managed keys.
   */
  readonly hasOpaqueEtags?: boolean
  /** Smallest size of every part but the last, checked when completing. S3 has 5 MiB. */
  readonly partBytesMin?: number
}

export type StoredObject = PutAttributes & {
  readonly body: Uint8Array
  readonly etag: Etag
  readonly modifiedMs: number
}

/** One thing that happened to a key: a version was stored, or the key was deleted. */
export type Version =
  | { readonly kind: 'stored'; readonly object: StoredObject }
  | { readonly kind: 'deleted' }

export class MemoryObjectStore implements ObjectStore {
  readonly #options: Required<MemoryOptions>
  readonly #objects = new Map<string, StoredObject>()
  readonly #versions = new Map<string, Version[]>()
  readonly #counts = new Map<StoreOperation, number>()
  readonly #uploads: MemoryUploads
  readonly #archive: MemoryArchive
  #sorted: string[] | undefined

  constructor(options: MemoryOptions) {
    this.#options = {
      conditionalPut: true,
      conditionalComplete: true,
      uploadPartCopy: true,
      hasOpaqueEtags: false,
      partBytesMin: 5 * 1024 * 1024,
      ...options,
    }
    this.#uploads = new MemoryUploads(this.#options)
    this.#archive = new MemoryArchive(options.clock)
  }

  /** Requests since the last reset, by operation. Direct helpers do not count. */
  requests(): Readonly<Partial<Record<StoreOperation, number>>> {
    return Object.fromEntries(this.#counts)
  }

  resetRequests(): void {
    this.#counts.clear()
  }

  /** Everything that happened to a key, oldest first. */
  versions(key: string): readonly Version[] {
    return this.#versions.get(key) ?? []
  }

  /** Another client puts an object. */
  putDirect(key: string, body: Uint8Array | string, attributes: PutAttributes = {}): Etag {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    return this.#store(key, bytes, attributes, md5Etag(bytes))
  }

  /** Another client deletes an object. */
  deleteDirect(key: string): void {
    if (!this.#objects.delete(key)) return
    this.#sorted = undefined
    this.#addVersion(key, { kind: 'deleted' })
  }

  /** The archive lost a request. */
  forgetRestore(key: string): void {
    this.#archive.forget(key)
  }

  /** The archive has a copy ready that can be read. */
  finishRestore(key: string): void {
    this.#archive.finish(key)
  }

  bytesOf(key: string): Uint8Array | undefined {
    return this.#objects.get(key)?.body
  }

  stored(key: string): StoredObject | undefined {
    return this.#objects.get(key)
  }

  /** All keys in the order of listings. */
  keys(): readonly string[] {
    this.#sorted ??= sortKeys([...this.#objects.keys()])
    return this.#sorted
  }

  /** Uploads that were begun and neither completed nor aborted. */
  openUploads(): number {
    return this.#uploads.count
  }

  async list(request: ListRequest, signal?: AbortSignal): Promise<ListPage> {
    this.#begin('list', signal)
    return listPage(this.keys(), request, (key) => infoOf(key, this.#mustHave(key)))
  }

  async head(key: string, signal?: AbortSignal): Promise<ObjectHead> {
    this.#begin('head', signal)
    const object = this.#mustHave(key)
    return {
      ...infoOf(key, object),
      ...factsOf(object),
      ...this.#archive.statusOf(key, object),
      ...(this.#options.hasOpaqueEtags ? { hasOpaqueEtag: true } : {}),
    }
  }

  async tags(key: string, signal?: AbortSignal): Promise<string> {
    this.#begin('tags', signal)
    return this.#mustHave(key).tags ?? ''
  }

  async get(request: Parameters<ObjectStore['get']>[0], signal?: AbortSignal): Promise<void> {
    const { key, etag, offset, into } = request
    if (into.length === 0) return
    this.#begin('get', signal)
    const object = this.#mustHave(key)
    if (object.etag !== etag) throw changed(key)
    this.#archive.check(key, object)
    if (offset + into.length > object.body.length) throw changed(key)
    request.onFacts?.(factsOf(object))
    if (this.#options.hasOpaqueEtags) request.onOpaqueEtag?.()
    into.set(object.body.subarray(offset, offset + into.length))
  }

  async put(request: PutRequest, signal?: AbortSignal): Promise<{ etag: Etag }> {
    this.#begin('put', signal)
    const { key, body, precondition } = request
    request.onSent?.(body.length)
    if (this.#options.conditionalPut) this.#require(key, precondition)
    return { etag: this.#store(key, body, request, md5Etag(body)) }
  }

  async copy(request: CopyRequest, signal?: AbortSignal): Promise<{ etag: Etag }> {
    this.#begin('copy', signal)
    const { key, sourceKey, sourceEtag, replace } = request
    const source = this.#mustHave(sourceKey)
    if (sourceEtag !== undefined && source.etag !== sourceEtag) throw changed(sourceKey)
    this.#archive.check(sourceKey, source)
    const storageClass = request.storageClass ?? replace?.storageClass
    const { storageClass: _, ...kept } = replace ?? source
    const attributes = {
      ...kept,
      ...(source.tags ? { tags: source.tags } : {}),
      ...(storageClass && !isArchiveClass(storageClass) ? { storageClass } : {}),
    }
    return { etag: this.#store(key, source.body, attributes, md5Etag(source.body)) }
  }

  async restore(request: RestoreRequest, signal?: AbortSignal) {
    this.#begin('restore', signal)
    return this.#archive.restore(request, this.#mustHave(request.key))
  }

  async delete(key: string, signal?: AbortSignal): Promise<void> {
    this.#begin('delete', signal)
    this.deleteDirect(key)
  }

  async deleteBatch(keys: readonly string[], signal?: AbortSignal): Promise<readonly never[]> {
    if (keys.length > 1000) throw new PailError('internal/bug', `a batch of ${keys.length} keys`)
    this.#begin('deleteBatch', signal)
    for (const key of keys) this.deleteDirect(key)
    return []
  }

  async createMultipart(
    request: CreateMultipartRequest,
    signal?: AbortSignal,
  ): Promise<{ uploadId: string }> {
    await request.beforeSend?.(this.#options.clock.nowMs())
    this.#begin('createMultipart', signal)
    return { uploadId: this.#uploads.create(request.key, attributesOf(request)) }
  }

  async uploadPart(request: PartRequest, signal?: AbortSignal): Promise<{ etag: Etag }> {
    this.#begin('uploadPart', signal)
    request.onSent?.(request.body.length)
    return { etag: this.#uploads.addPart(request, Uint8Array.from(request.body)) }
  }

  async uploadPartCopy(
    request: {
      key: string
      uploadId: string
      partNumber: number
      sourceKey: string
      sourceEtag: Etag
      offset: number
      lengthBytes: number
    },
    signal?: AbortSignal,
  ): Promise<{ etag: Etag }> {
    this.#begin('uploadPartCopy', signal)
    const { sourceKey, sourceEtag, offset, lengthBytes } = request
    if (!this.#options.uploadPartCopy) throw new PailError('s3/unsupported', 'no UploadPartCopy')
    const source = this.#mustHave(sourceKey)
    if (source.etag !== sourceEtag) throw changed(sourceKey)
    this.#archive.check(sourceKey, source)
    if (offset + lengthBytes > source.body.length) throw changed(sourceKey)
    return { etag: this.#uploads.addPart(request, source.body.slice(offset, offset + lengthBytes)) }
  }

  async listParts(key: string, uploadId: string, signal?: AbortSignal) {
    this.#begin('listParts', signal)
    return this.#uploads.parts(key, uploadId)
  }

  async completeMultipart(
    request: {
      key: string
      uploadId: string
      parts: ReadonlyArray<{ partNumber: number; etag: Etag }>
      precondition?: Precondition
    },
    signal?: AbortSignal,
  ): Promise<{ etag: Etag }> {
    this.#begin('completeMultipart', signal)
    const { key, precondition } = request
    const { body, etag, attributes } = this.#uploads.assemble(request)
    if (this.#options.conditionalComplete) this.#require(key, precondition)
    this.#uploads.remove(key, request.uploadId)
    return { etag: this.#store(key, body, attributes, etag) }
  }

  async abortMultipart(key: string, uploadId: string, signal?: AbortSignal): Promise<void> {
    this.#begin('abortMultipart', signal)
    this.#uploads.remove(key, uploadId)
  }

  async listMultipart(prefix: string, signal?: AbortSignal) {
    this.#begin('listMultipart', signal)
    return this.#uploads.list(prefix)
  }

  #begin(operation: StoreOperation, signal?: AbortSignal): void {
    signal?.throwIfAborted()
    this.#counts.set(operation, (this.#counts.get(operation) ?? 0) + 1)
  }

  #mustHave(key: string): StoredObject {
    const object = this.#objects.get(key)
    if (!object) throw new PailError('s3/no-key', 'no such object', { key, status: 404 })
    return object
  }

  #require(key: string, precondition: Precondition | undefined): void {
    if (!precondition) return
    const object = this.#objects.get(key)
    if ('ifMatch' in precondition) {
      if (!object) throw new PailError('s3/no-key', 'no such object', { key, status: 404 })
      if (object.etag !== precondition.ifMatch) throw changed(key)
    } else if (object) throw changed(key)
  }

  #store(key: string, body: Uint8Array, attributes: PutAttributes, digest: Etag): Etag {
    const etag = this.#options.hasOpaqueEtags ? this.#uploads.opaqueEtag() : digest
    if (!this.#objects.has(key)) this.#sorted = undefined
    const modifiedMs = Math.floor(this.#options.clock.nowMs() / 1000) * 1000
    const object = { ...attributesOf(attributes), body: Uint8Array.from(body), etag, modifiedMs }
    this.#objects.set(key, object)
    this.#addVersion(key, { kind: 'stored', object })
    return etag
  }

  #addVersion(key: string, version: Version): void {
    const known = this.#versions.get(key)
    if (known) known.push(version)
    else this.#versions.set(key, [version])
  }
}

export function md5Etag(body: Uint8Array): Etag {
  return `"${createHash('md5').update(body).digest('hex')}"` as Etag
}

function changed(key: string): PailError {
  return new PailError('s3/precondition', 'the object is another version', { key, status: 412 })
}

function attributesOf(attributes: PutAttributes): PutAttributes {
  const { metadata, contentType, headers, storageClass, tags } = attributes
  return {
    ...(metadata ? { metadata: lowerCased(metadata) } : {}),
    ...(contentType === undefined ? {} : { contentType }),
    ...(headers === undefined ? {} : { headers }),
    ...(storageClass === undefined ? {} : { storageClass }),
    ...(tags ? { tags } : {}),
  }
}

function factsOf(object: StoredObject): ObjectFacts {
  const { metadata = {}, contentType, headers, storageClass, tags } = object
  const tagCount = tags ? [...new URLSearchParams(tags)].length : 0
  return {
    metadata,
    ...(contentType === undefined ? {} : { contentType }),
    ...(headers === undefined ? {} : { headers }),
    ...(storageClass === undefined ? {} : { storageClass }),
    ...(tagCount > 0 ? { tagCount } : {}),
  }
}

function lowerCased(metadata: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(metadata)
  return Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), value]))
}

function infoOf(key: string, object: StoredObject): ObjectInfo {
  const { body, etag, modifiedMs, storageClass } = object
  const info = { key, sizeBytes: body.length, etag, modifiedMs }
  return storageClass === undefined ? info : { ...info, storageClass }
}
