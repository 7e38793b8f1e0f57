/**
 * Digests that let the server refuse a body which did not arrive unchanged, and us an object.
 *
 * Keeps: the event loop free: a large body is digested in slices, with other work between them.
 */
import { createHash } from 'node:crypto'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import type { Etag } from './object-store.ts'
import type { ReplyHead } from './reply.ts'

export type BodyDigest = {
  readonly md5Hex: string
  readonly md5Base64: string
  /** Absent when it was not asked for. */
  readonly sha256Hex: string | undefined
}

export type DigestRequest = {
  /** Known already: it is not computed again. */
  readonly md5Hex?: string | undefined
  readonly withSha256: boolean
}

/** About one millisecond of both digests. */
const SLICE_BYTES = 512 * 1024

export async function digestOf(
  body: Uint8Array,
  { md5Hex, withSha256 }: DigestRequest,
  signal?: AbortSignal,
): Promise<BodyDigest> {
  const md5 = md5Hex === undefined ? createHash('md5') : undefined
  const sha256 = withSha256 ? createHash('sha256') : undefined
  for (let start = 0; (md5 || sha256) && start < body.length; start += SLICE_BYTES) {
    if (start > 0) await turnOfTheLoop()
    signal?.throwIfAborted()
    const slice = body.subarray(start, start + SLICE_BYTES)
    md5?.update(slice)
    sha256?.update(slice)
  }
  const digest = md5 ? md5.digest() : Buffer.from(md5Hex ?? '', 'hex')
  return {
    md5Hex: digest.toString('hex'),
    md5Base64: digest.toString('base64'),
    sha256Hex: sha256?.digest('hex'),
  }
}

/** @returns the MD5 in hex */
export async function md5HexOf(body: Uint8Array, signal?: AbortSignal): Promise<string> {
  const md5 = createHash('md5')
  for (let start = 0; start < body.length; start += SLICE_BYTES) {
    if (start > 0) await turnOfTheLoop()
    signal?.throwIfAborted()
    md5.update(body.subarray(start, start + SLICE_BYTES))
  }
  return md5.digest('hex')
}

/** Could the ETag be the MD5 of the object, as far as the reply says? */
export function saysMd5(etag: Etag, reply: ReplyHead): boolean {
  return MD5_ETAG.test(etag) && !hasOpaqueEtag(reply)
}

const MD5_ETAG = /^"?([0-9a-fA-F]{32})"?$/

/**
 * False when the ETag says that other bytes were stored.
 *
 * An ETag of 32 hex digits is the MD5, except for objects that the server encrypts with managed or
 * given keys: those, and every other shape, say nothing about the bytes.
 * @see AWS S3 API reference, Object, ETag; IBM COS, SSE-KP
 */
export function fitsEtag(md5Hex: string, etag: Etag, reply: ReplyHead): boolean {
  if (!saysMd5(etag, reply)) return true
  return MD5_ETAG.exec(etag)?.[1]?.toLowerCase() === md5Hex
}

/** The server encrypts the object with keys that change the ETag. */
export function hasOpaqueEtag({ headers }: ReplyHead): boolean {
  const encryption = headers['x-amz-server-side-encryption'] ?? ''
  return (
    encryption.startsWith('aws:') ||
    headers['x-amz-server-side-encryption-customer-algorithm'] !== undefined ||
    Object.keys(headers).some((name) => name.startsWith('ibm-sse-kp'))
  )
}
