/**
 * Whether what stands in the bucket is what was sent. Pure, apart from digests.
 *
 * A reply may be lost after the server acted. What the bucket holds is then compared with what was
 * sent: a write of ours must not be taken for a conflict, nor a foreign one for ours.
 */
import { createHash } from 'node:crypto'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import type {
  Etag,
  ObjectHead,
  Precondition,
  PutAttributes,
  UserMetadata,
} from '../s3/object-store.ts'

/** About two milliseconds of MD5: the event loop goes on between two slices. */
const SLICE_BYTES = 1024 * 1024

export async function md5Of(body: Uint8Array): Promise<string> {
  const md5 = createHash('md5')
  for (let start = 0; start < body.length; start += SLICE_BYTES) {
    if (start > 0) await turnOfTheLoop()
    md5.update(body.subarray(start, start + SLICE_BYTES))
  }
  return md5.digest('hex')
}

export const etagOfMd5 = (md5Hex: string): Etag => `"${md5Hex}"` as Etag

const bare = (etag: Etag): string => etag.replace(/^"|"$/g, '').toLowerCase()

/** Some servers leave out the quotes in some replies. */
export function isSameEtag(a: Etag, b: Etag): boolean {
  return bare(a) === bare(b)
}

/** Has the form of an MD5: of the content, unless the server encrypts it with keys of its own. */
export function hasMd5Form(etag: Etag): boolean {
  return /^[0-9a-f]{32}$/.test(bare(etag))
}

/** The usual ETag of an object made of parts; undefined when a part's ETag is no MD5. */
export function compositeEtag(parts: readonly Etag[]): Etag | undefined {
  if (!parts.every(hasMd5Form)) return undefined
  const md5 = createHash('md5')
  for (const etag of parts) md5.update(Buffer.from(bare(etag), 'hex'))
  return `"${md5.digest('hex')}-${parts.length}"` as Etag
}

export type Sent = {
  readonly sizeBytes: number
  /** The ETag that a server which uses MD5 gives it. */
  readonly etag?: Etag | undefined
  readonly attributes: PutAttributes
  /** False when the server's ETags are known not to be digests. */
  readonly etagIsMd5: boolean
}

/** Is this object what was sent? By its ETag; where that says nothing, by its metadata. */
export function isSent(head: ObjectHead, sent: Sent): boolean {
  if (head.sizeBytes !== sent.sizeBytes) return false
  if (sent.etag && isSameEtag(head.etag, sent.etag)) return true
  const isDigest = sent.etagIsMd5 && !head.hasOpaqueEtag
  const saysSomething = sent.etag && isDigest && /^[0-9a-f]{32}(-\d+)?$/.test(bare(head.etag))
  if (saysSomething) return false
  return hasMetadataOf(head, sent.attributes)
}

export function metadataDigest(metadata: UserMetadata): string {
  const sorted = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('md5').update(JSON.stringify(sorted)).digest('hex')
}

/** True when the object carries all metadata that was sent, and some was. */
export function hasMetadataOf(head: ObjectHead, attributes: PutAttributes): boolean {
  const metadata = Object.entries(attributes.metadata ?? {})
  return metadata.length > 0 && metadata.every(([name, value]) => head.metadata[name] === value)
}

export type Verdict =
  | { readonly kind: 'go'; readonly precondition: Precondition }
  | { readonly kind: 'stored'; readonly etag: Etag }
  | { readonly kind: 'conflict' }

/** What to do in view of what stands at the key. */
export function judge(
  head: ObjectHead | undefined,
  precondition: Precondition,
  sent: Sent,
): Verdict {
  if (isMet(head, precondition)) return { kind: 'go', precondition }
  if (!head) return { kind: 'conflict' }
  if (isSent(head, sent)) return { kind: 'stored', etag: head.etag }
  return { kind: 'conflict' }
}

export function isMet(head: ObjectHead | undefined, precondition: Precondition): boolean {
  if ('ifAbsent' in precondition) return head === undefined
  return head !== undefined && isSameEtag(head.etag, precondition.ifMatch)
}
