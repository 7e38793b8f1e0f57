/**
 * Checks of what a server answered against what was asked, reply by reply (pure).
 *
 * Every function either returns checked values or throws a PailError; none returns a part.
 */
import { PailError } from '../../shared/errors.ts'
import { archiveStatusOf } from './archive-status.ts'
import { hasOpaqueEtag } from './digest.ts'
import {
  type Etag,
  KEPT_HEADERS,
  type ObjectFacts,
  type ObjectHead,
  type ObjectHeaders,
} from './object-store.ts'
import {
  failureOf,
  hasS3Headers,
  isWebPage,
  printable,
  type Reply,
  type ReplyHead,
  type Where,
} from './reply.ts'
import { errorOfReply } from './s3-errors.ts'
import { child, childText, parseXml, type XmlElement } from './xml.ts'

/** More than any server stores in one object (Amazon: 50 TB, IBM: 10 TB). */
export const OBJECT_BYTES_MAX = 64 * 1024 ** 4
const METADATA_PREFIX = 'x-amz-meta-'
const ETAG_CHARACTERS_MAX = 256

export function badReply(detail: string, where: Where): PailError {
  return new PailError('s3/bad-reply', detail, where)
}

/**
 * The root element of an XML reply.
 * @throws PailError `net/captive-portal` or `s3/not-s3` when it is something else, the server's
 *         own error when a 200 carries one, `s3/bad-reply` for another shape
 */
export function xmlOf(reply: Reply, rootName: string, where: Where): XmlElement {
  refuseForeign(reply, where)
  if (failureOf(reply)) throw errorOfReply(reply, where)
  const root = parseXml(textOf(reply, where))
  if (root.name === 'Error') throw errorOfReply(reply, where)
  if (root.name !== rootName) {
    throw badReply(`<${printable(root.name)}> in place of <${rootName}>`, where)
  }
  return root
}

/** For replies without content: nothing but S3 may claim that something was done. */
export function refuseForeign(reply: Reply, where: Where): void {
  // A success that carries an error is that error: Copy and Complete do so by design, others may.
  if (failureOf(reply)) throw errorOfReply(reply, where)
  if (isWebPage(reply)) throw errorOfReply({ ...reply, headers: withoutS3(reply) }, where)
  if (hasS3Headers(reply)) return
  const start = Buffer.from(reply.body.subarray(0, 256)).toString('latin1').trimStart()
  if (start !== '' && !start.startsWith('<') && !start.startsWith('\xef\xbb\xbf<')) {
    throw new PailError('s3/not-s3', `the server answers ${reply.status} with no XML`, {
      ...where,
      status: reply.status,
    })
  }
}

/** A page is a page, whatever headers a proxy kept. */
function withoutS3(reply: Reply): Readonly<Record<string, string>> {
  const { 'content-type': type = 'text/html', location } = reply.headers
  return { 'content-type': type, ...(location ? { location } : {}) }
}

function textOf(reply: Reply, where: Where): string {
  try {
    // Copy and Complete begin to answer with white space while they work.
    return new TextDecoder('utf-8', { fatal: true }).decode(reply.body).trim()
  } catch {
    throw badReply('the XML is not UTF-8', where)
  }
}

/** @returns the ETag with quotes, as it is sent back in conditions */
export function etagOf(text: string | undefined, where: Where): Etag {
  if (!text || text.length > ETAG_CHARACTERS_MAX || !/^[\x21-\x7e]+$/.test(text)) {
    throw badReply('an ETag is missing or cannot be one', where)
  }
  return quoted(text) as Etag
}

/** Some servers leave the quotes away, in some answers only. */
function quoted(etag: string): string {
  return etag.startsWith('"') || etag.startsWith('W/') ? etag : `"${etag}"`
}

/** The size that a decimal text says; undefined when no object has such a size. */
export function sizeOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,17}$/.test(text)) return undefined
  const size = Number(text)
  return size <= OBJECT_BYTES_MAX ? size : undefined
}

/** Zero for a date that cannot be read: it only means "long ago". */
export function timeOf(text: string | undefined): number {
  const time = Date.parse(text ?? '')
  return Number.isFinite(time) ? time : 0
}

/** The storage class when it is not the standard one. */
export function storageClassOf(text: string | undefined): { storageClass?: string } {
  return text && text !== 'STANDARD' ? { storageClass: printable(text) } : {}
}

/** @throws PailError unless the reply describes an object */
export function headOf(reply: Reply, key: string, where: Where): ObjectHead {
  const { headers } = reply
  const archive = archiveStatusOf(headers)
  if (headers.etag === undefined) refusePage(reply, where)
  const sizeBytes = sizeOf(headers['content-length'])
  if (sizeBytes === undefined) throw badReply('the size is missing or cannot be one', where)
  return {
    key,
    sizeBytes,
    etag: etagOf(headers.etag, where),
    modifiedMs: timeOf(headers['last-modified']),
    ...factsOf(reply),
    ...(archive ? { archive } : {}),
    ...(hasOpaqueEtag(reply) ? { hasOpaqueEtag: true } : {}),
  }
}

/** What the object carries beside its bytes; the same on HEAD and on GET. */
export function factsOf(reply: ReplyHead): ObjectFacts {
  const { headers } = reply
  const contentType = headers['content-type']
  const tagCount = Number(headers['x-amz-tagging-count'] ?? 0)
  const kept = keptHeadersOf(headers)
  return {
    metadata: metadataOf(reply),
    ...storageClassOf(headers['x-amz-storage-class']),
    ...(contentType === undefined ? {} : { contentType }),
    ...(Object.keys(kept).length === 0 ? {} : { headers: kept }),
    ...(tagCount > 0 ? { tagCount } : {}),
  }
}

/** The SDK's own transfer coding is none of the object's. */
const TRANSFER_CODING = /(^|,)\s*aws-chunked\s*(,|$)/

function keptHeadersOf(headers: ReplyHead['headers']): ObjectHeaders {
  const kept = KEPT_HEADERS.flatMap((name) => {
    const value = headers[name]
    return value === undefined || value === '' || TRANSFER_CODING.test(value) ? [] : [[name, value]]
  })
  return Object.fromEntries(kept)
}

function refusePage(reply: Reply, where: Where): void {
  if (isWebPage(reply)) throw errorOfReply(reply, where)
  if (!hasS3Headers(reply)) {
    throw new PailError('s3/not-s3', 'an answer without an ETag or any mark of S3', {
      ...where,
      status: reply.status,
    })
  }
}

function metadataOf({ headers }: ReplyHead): Record<string, string> {
  const metadata: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(METADATA_PREFIX)) metadata[name.slice(METADATA_PREFIX.length)] = value
  }
  return { ...metadata }
}

/** Tags in the form in which a PUT takes them. */
export function tagsOf(root: XmlElement): string {
  const tags = new URLSearchParams()
  for (const tag of child(root, 'TagSet')?.children ?? []) {
    if (tag.name !== 'Tag') continue
    tags.append(childText(tag, 'Key') ?? '', childText(tag, 'Value') ?? '')
  }
  return tags.toString()
}

export type AskedRange = {
  readonly etag: Etag
  readonly offset: number
  readonly lengthBytes: number
}

/**
 * Refuses the headers of a ranged GET unless they announce exactly the bytes that were asked for.
 * @throws PailError `s3/bad-reply`, `s3/precondition` when the version is another one
 */
export function checkRange(head: ReplyHead, asked: AskedRange, where: Where): void {
  const { status, headers } = head
  const facts = { ...where, status }
  if (headers.etag === undefined) refusePage({ ...head, body: new Uint8Array(0) }, facts)
  if (sizeOf(headers['content-length']) !== asked.lengthBytes) {
    throw badReply(`Content-Length is ${printable(headers['content-length'] ?? 'missing')}`, facts)
  }
  if (headers['transfer-encoding'] !== undefined) throw badReply('Transfer-Encoding', facts)
  checkContentRange(head, asked, facts)
  if (etagOf(headers.etag, facts) !== asked.etag) {
    throw new PailError('s3/precondition', 'the answer is of another version', facts)
  }
}

/** Are the bytes that were asked for, and checked, all there are? */
export function isWhole({ status, headers }: ReplyHead, asked: AskedRange): boolean {
  if (status === 200) return true
  const total = CONTENT_RANGE.exec(headers['content-range'] ?? '')?.[3]
  return asked.offset === 0 && Number(total) === asked.lengthBytes
}

const CONTENT_RANGE = /^bytes (\d{1,17})-(\d{1,17})\/(\d{1,17}|\*)$/

function checkContentRange({ status, headers }: ReplyHead, asked: AskedRange, facts: Where): void {
  const range = headers['content-range']
  if (status === 200) {
    const isWhole = asked.offset === 0 && range === undefined
    if (!isWhole) throw badReply('the whole object in place of a part', facts)
    return
  }
  if (status !== 206) throw badReply(`status ${status} for a range`, facts)
  const found = CONTENT_RANGE.exec(range ?? '')
  const last = asked.offset + asked.lengthBytes - 1
  if (!found || Number(found[1]) !== asked.offset || Number(found[2]) !== last) {
    throw badReply(`Content-Range is ${printable(range ?? 'missing')}`, facts)
  }
  if (found[3] !== '*' && Number(found[3]) <= last) {
    throw badReply('Content-Range ends behind the object', facts)
  }
}
