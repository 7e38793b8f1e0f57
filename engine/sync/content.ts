/**
 * Where the bytes of a file come from, as the fetcher and the uploader see it.
 */
import type { Etag } from '../s3/object-store.ts'

/** One immutable version of one object. The cache is keyed by it. */
export type ObjectVersion = {
  /** Which volume (endpoint and bucket) it lives in: keeps equal keys of two buckets apart. */
  readonly volume: number
  readonly key: string
  readonly etag: Etag
  readonly sizeBytes: number
}

/** A copy of a whole object, as the program that made it knows it. */
export type WholeCopy = {
  readonly id: number
  readonly source: ObjectVersion
  readonly mtime: bigint
  readonly ctime: bigint
  readonly change: number
  readonly origin: string
}

/** Half-open range of bytes. */
export type Extent = { readonly start: number; readonly end: number }
