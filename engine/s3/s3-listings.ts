/**
 * Reads the servers' lists: objects, parts, uploads, buckets, results of a batch (pure).
 *
 * Keeps: a list that does not fit what was asked is refused whole; one entry with impossible
 *        facts is left out and reported through `onDropped`.
 */
import { PailError } from '../../shared/errors.ts'
import type {
  BucketInfo,
  Etag,
  ListPage,
  ListRequest,
  MultipartUpload,
  ObjectInfo,
  PartInfo,
} from './object-store.ts'
import { printable, type Where } from './reply.ts'
import { badReply, etagOf, sizeOf, storageClassOf, timeOf } from './s3-replies.ts'
import { childText, type XmlElement } from './xml.ts'

/** A page with this many times the entries asked for is not an answer to the question. */
const EXCESS_FACTOR_MAX = 10
export const LIST_KEYS_MAX = 1000
/** What stands for the version of an object that the server gives no ETag: it cannot be read. */
export const NO_ETAG = '' as Etag

/** @param count how many entries it is about */
export type OnDropped = (reason: string, key: string, count: number) => void

export type ListContext = {
  readonly request: ListRequest
  readonly bucket: string
  readonly version: 1 | 2
  readonly where: Where
  readonly onDropped: OnDropped
}

/** @throws PailError `s3/bad-reply` when the page cannot be an answer to the request */
export function listPageOf(root: XmlElement, from: ListContext): ListPage {
  let unshown = 0
  const onDropped: OnDropped = (reason, key, count) => {
    unshown += count
    from.onDropped(reason, key, count)
  }
  const page = shownPageOf(root, { ...from, onDropped })
  return unshown === 0 ? page : { ...page, unshown }
}

function shownPageOf(root: XmlElement, context: ListContext): ListPage {
  const { request, where } = context
  const decode = decoderOf(root, where)
  checkListHead(root, context, decode)
  const read = { decode, context }
  const contents = entriesOf(root, { name: 'Contents', field: 'Key' }, read)
  const found = entriesOf(root, { name: 'CommonPrefixes', field: 'Prefix' }, read)
  const keys = contents.map(({ text }) => text)
  const prefixes = found.map(({ text }) => text)
  const entries = keys.length + prefixes.length
  if (entries > EXCESS_FACTOR_MAX * (request.keysMax ?? LIST_KEYS_MAX)) {
    throw badReply(`${entries} entries in one page`, where)
  }
  const ambiguous = checkNames(keys, prefixes, context)
  for (const [name, count] of ambiguous) {
    context.onDropped('several keys are listed under this name', name, count)
  }
  const next = nextToken(root, context, { decode, last: lastOf(keys, prefixes) })
  return {
    objects: contents.flatMap(({ element, text: key }) =>
      ambiguous.has(key) ? [] : objectOf(element, key, context),
    ),
    prefixes: prefixes.filter((prefix) => !ambiguous.has(prefix)),
    ...(next === undefined ? {} : { next }),
    ...(isUrlEncoded(root) ? {} : { hasPlainKeys: true }),
  }
}

type Decode = (text: string) => string

/** Without what is not UTF-8: a server that keeps keys as files may have such, S3 itself has none. */
function entriesOf(
  root: XmlElement,
  { name, field }: { readonly name: string; readonly field: string },
  { decode, context }: { readonly decode: Decode; readonly context: ListContext },
): Array<{ readonly element: XmlElement; readonly text: string }> {
  return root.children
    .filter((element) => element.name === name)
    .flatMap((element) => {
      const encoded = required(element, field, context.where)
      try {
        return [{ element, text: decode(encoded) }]
      } catch {
        context.onDropped('its key is not UTF-8', printable(encoded), 1)
        return []
      }
    })
}

/** Keys are URL-encoded only when the server says so; older ones ignore the wish. */
function isUrlEncoded(root: XmlElement): boolean {
  return childText(root, 'EncodingType')?.toLowerCase() === 'url'
}

function decoderOf(root: XmlElement, where: Where): Decode {
  if (!isUrlEncoded(root)) return (text) => text
  return (text) => {
    try {
      return decodeURIComponent(text.replaceAll('+', ' '))
    } catch {
      throw badReply('a key whose URL encoding cannot be read', where)
    }
  }
}

function checkListHead(root: XmlElement, context: ListContext, decode: Decode): void {
  const { request, bucket, where } = context
  const truncated = childText(root, 'IsTruncated')
  if (truncated !== 'true' && truncated !== 'false') {
    throw badReply('a listing that does not say whether it is complete', where)
  }
  const name = childText(root, 'Name')
  if (name !== undefined && name !== '' && name !== bucket) {
    throw badReply(`a listing of the bucket ${printable(name)}`, where)
  }
  const prefix = childText(root, 'Prefix')
  if (prefix !== undefined && decode(prefix) !== request.prefix) {
    throw badReply('a listing of another prefix', where)
  }
}

/** What servers write for characters that XML cannot carry. */
const REPLACEMENT = '\ufffd'

/** @returns names that stand for so many keys, because the server cannot write these as they are */
function checkNames(
  keys: readonly string[],
  prefixes: readonly string[],
  context: ListContext,
): ReadonlyMap<string, number> {
  const { request, where } = context
  const seen = new Set<string>()
  const ambiguous = new Map<string, number>()
  for (const name of [...keys, ...prefixes]) {
    if (!name.startsWith(request.prefix)) throw badReply('a key outside of the prefix', where)
    if (seen.has(name)) {
      if (!name.includes(REPLACEMENT)) throw badReply('the same key twice in one page', where)
      ambiguous.set(name, (ambiguous.get(name) ?? 1) + 1)
    }
    seen.add(name)
  }
  checkDepth(keys, prefixes, context)
  return ambiguous
}

function checkDepth(
  keys: readonly string[],
  prefixes: readonly string[],
  { request, where }: ListContext,
): void {
  if (request.delimiter === undefined) {
    if (prefixes.length > 0) throw badReply('common prefixes without a delimiter', where)
    return
  }
  const start = request.prefix.length
  if (keys.some((key) => key.indexOf('/', start) >= 0)) {
    throw badReply('a key behind the delimiter', where)
  }
  const isOneStep = (prefix: string) => prefix.indexOf('/', start) === prefix.length - 1
  if (!prefixes.every(isOneStep)) throw badReply('a common prefix of another depth', where)
}

function nextToken(
  root: XmlElement,
  { request, version, where }: ListContext,
  { decode, last }: { decode: Decode; last: string | undefined },
): string | undefined {
  if (childText(root, 'IsTruncated') !== 'true') return undefined
  const marker = childText(root, 'NextMarker')
  const token =
    version === 2 ? childText(root, 'NextContinuationToken') : marker ? decode(marker) : last
  if (!token) throw badReply('a listing goes on, but does not say where', where)
  const next = `${version}:${token}`
  if (next === request.token) throw badReply('a listing goes on where it was', where)
  return next
}

/** The last name in the order of the server: by bytes of UTF-8. */
function lastOf(keys: readonly string[], prefixes: readonly string[]): string | undefined {
  const [key, prefix] = [keys.at(-1), prefixes.at(-1)]
  if (key === undefined || prefix === undefined) return key ?? prefix
  return compareKeys(key, prefix) > 0 ? key : prefix
}

/** The order of listings: by bytes of UTF-8, which is not the order of JavaScript strings. */
export function compareKeys(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}

function objectOf(element: XmlElement, key: string, context: ListContext): ObjectInfo[] {
  const sizeBytes = sizeOf(childText(element, 'Size'))
  if (sizeBytes === undefined) {
    context.onDropped('its size cannot be one', key, 1)
    return []
  }
  const etag = childText(element, 'ETag')
  return [
    {
      key,
      sizeBytes,
      etag: etag ? etagOf(etag, context.where) : NO_ETAG,
      modifiedMs: timeOf(childText(element, 'LastModified')),
      ...storageClassOf(childText(element, 'StorageClass')),
    },
  ]
}

function required(element: XmlElement, name: string, where: Where): string {
  const text = childText(element, name)
  if (text === undefined || text === '') throw badReply(`an entry without its ${name}`, where)
  return text
}

/** @returns the parts of one page and the number to go on from */
export function partsPageOf(
  root: XmlElement,
  where: Where,
): { parts: PartInfo[]; next: number | undefined } {
  const parts = root.children
    .filter(({ name }) => name === 'Part')
    .map((element) => ({
      partNumber: wholeNumber(childText(element, 'PartNumber'), where),
      etag: etagOf(childText(element, 'ETag'), where),
      sizeBytes: wholeNumber(childText(element, 'Size'), where),
    }))
  if (childText(root, 'IsTruncated') !== 'true') return { parts, next: undefined }
  const next = childText(root, 'NextPartNumberMarker')
  return { parts, next: wholeNumber(next ?? String(parts.at(-1)?.partNumber), where) }
}

function wholeNumber(text: string | undefined, where: Where): number {
  const value = sizeOf(text)
  if (value === undefined) throw badReply('a number that cannot be one', where)
  return value
}

export type UploadsPage = {
  readonly uploads: MultipartUpload[]
  readonly next: { readonly keyMarker: string; readonly uploadIdMarker: string } | undefined
}

export function uploadsPageOf(root: XmlElement, where: Where): UploadsPage {
  const decode = decoderOf(root, where)
  const uploads = root.children
    .filter(({ name }) => name === 'Upload')
    .map((element) => ({
      key: decode(required(element, 'Key', where)),
      uploadId: required(element, 'UploadId', where),
      startedMs: timeOf(childText(element, 'Initiated')),
    }))
  if (childText(root, 'IsTruncated') !== 'true') return { uploads, next: undefined }
  const keyMarker = decode(childText(root, 'NextKeyMarker') ?? '')
  const uploadIdMarker = childText(root, 'NextUploadIdMarker') ?? ''
  if (keyMarker === '') throw badReply('a list goes on, but does not say where', where)
  return { uploads, next: { keyMarker, uploadIdMarker } }
}

export function bucketsOf(root: XmlElement, where: Where): BucketInfo[] {
  const list = root.children.find(({ name }) => name === 'Buckets')
  if (!list) throw badReply('a list of buckets without buckets', where)
  return list.children
    .filter(({ name }) => name === 'Bucket')
    .map((element) => {
      const createdMs = timeOf(childText(element, 'CreationDate'))
      const location =
        childText(element, 'LocationConstraint') ?? childText(element, 'BucketRegion')
      return {
        name: required(element, 'Name', where),
        ...(createdMs > 0 ? { createdMs } : {}),
        ...(location ? { location: printable(location) } : {}),
      }
    })
}

export type KeptKey = { readonly key: string; readonly code: string; readonly message: string }

/**
 * The keys of a batch that are still there, each with its reason.
 *
 * A key that the answer does not mention counts as still there: nothing is inferred from silence.
 */
export function keptKeysOf(root: XmlElement, asked: readonly string[], where: Where): KeptKey[] {
  const unanswered = new Set(asked)
  const kept: KeptKey[] = []
  for (const element of root.children) {
    if (element.name !== 'Deleted' && element.name !== 'Error') continue
    const key = childText(element, 'Key') ?? ''
    if (!unanswered.delete(key)) throw badReply('a batch answer names a key not asked for', where)
    const code = printable(childText(element, 'Code') ?? 'Unknown')
    if (element.name === 'Deleted' || code === 'NoSuchKey') continue
    kept.push({ key, code, message: printable(childText(element, 'Message') ?? '') })
  }
  for (const key of unanswered) kept.push({ key, code: 'Unanswered', message: '' })
  return kept
}

/** @throws PailError `s3/rejected` for a name that no bucket has, before it reaches an address */
export function checkBucketName(bucket: string): void {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/.test(bucket) && !bucket.includes('..')) return
  throw new PailError('s3/no-bucket', 'no bucket can have this name', { bucket: printable(bucket) })
}
