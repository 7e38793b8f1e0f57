/**
 * The requests that Pail sends most, ready to be signed (pure).
 *
 * The SDK builds the same ones from its commands, in a millisecond and a half of the engine's one
 * thread each; test/unit/s3/direct-requests.test.ts compares the two.
 */
import type {
  CopyRequest,
  CreateMultipartRequest,
  Etag,
  ListRequest,
  ObjectHeaders,
  PartRequest,
  Precondition,
  PutAttributes,
  PutRequest,
} from './object-store.ts'
import { LIST_KEYS_MAX } from './s3-listings.ts'
import { encodeStrictly } from './transport.ts'

export type DirectRequest = {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /** Absent: the request is about the bucket. */
  readonly key?: string
  readonly query?: Readonly<Record<string, string>>
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
}

/** How a body is vouched for. */
export type BodyDigests = {
  /** Absent for servers that refuse it. */
  readonly md5Base64?: string
  /** In hex, or what stands for "not signed". */
  readonly sha256: string
}

const ANY_TYPE = 'application/octet-stream'

export function getRequest(asked: {
  readonly key: string
  readonly etag: Etag
  readonly offset: number
  readonly lengthBytes: number
}): DirectRequest {
  const { key, etag, offset, lengthBytes } = asked
  const range = rangeOf(offset, lengthBytes)
  return { method: 'GET', key, headers: { range, 'if-match': etag } }
}

export function headRequest(key: string): DirectRequest {
  return { method: 'HEAD', key }
}

export function deleteRequest(key: string): DirectRequest {
  return { method: 'DELETE', key }
}

export function putRequest(request: PutRequest, digests: BodyDigests): DirectRequest {
  const { key, body, precondition } = request
  const headers = {
    ...headersOfAttributes(request),
    'content-type': request.contentType ?? ANY_TYPE,
    ...headersOfCondition(precondition),
    ...headersOfBody(body, digests),
  }
  return { method: 'PUT', key, headers, body }
}

export function partRequest(request: PartRequest, digests: BodyDigests): DirectRequest {
  const { key, body, uploadId, partNumber } = request
  const headers = { 'content-type': ANY_TYPE, ...headersOfBody(body, digests) }
  return { method: 'PUT', key, query: queryOfPart(uploadId, partNumber), headers, body }
}

export function partCopyRequest(request: {
  readonly key: string
  readonly uploadId: string
  readonly partNumber: number
  readonly source: string
  readonly sourceEtag: Etag
  readonly offset: number
  readonly lengthBytes: number
}): DirectRequest {
  const { key, uploadId, partNumber, source, sourceEtag, offset, lengthBytes } = request
  const headers = {
    'x-amz-copy-source': source,
    'x-amz-copy-source-if-match': sourceEtag,
    'x-amz-copy-source-range': rangeOf(offset, lengthBytes),
  }
  return { method: 'PUT', key, query: queryOfPart(uploadId, partNumber), headers }
}

/** @param source  the source's bucket and key, encoded */
export function copyRequest(request: CopyRequest, source: string): DirectRequest {
  const { key, sourceEtag, replace } = request
  const storageClass = request.storageClass ?? replace?.storageClass
  const headers = {
    'x-amz-copy-source': source,
    'x-amz-metadata-directive': replace ? 'REPLACE' : 'COPY',
    ...(sourceEtag ? { 'x-amz-copy-source-if-match': sourceEtag } : {}),
    // Tags go along with a copy by themselves, and would be refused.
    ...(replace ? headersOfAttributes({ ...replace, tags: '' }) : {}),
    ...headersOfClass(storageClass),
  }
  return { method: 'PUT', key, headers }
}

export function createMultipartRequest(request: CreateMultipartRequest): DirectRequest {
  const { key } = request
  return { method: 'POST', key, query: { uploads: '' }, headers: headersOfAttributes(request) }
}

export type ListWay = { readonly version: 1 | 2; readonly isEncoded: boolean }

/** @param token  where the server said that the list goes on */
export function listRequest(
  request: Omit<ListRequest, 'token'>,
  way: ListWay,
  token: string | undefined,
): DirectRequest {
  const { prefix, delimiter, startAfter, keysMax = LIST_KEYS_MAX } = request
  const query = {
    'max-keys': String(keysMax),
    ...(prefix === '' ? {} : { prefix }),
    ...(delimiter === undefined ? {} : { delimiter }),
    ...(way.isEncoded ? { 'encoding-type': 'url' } : {}),
  }
  if (way.version === 1) {
    const marker = token ?? startAfter
    return { method: 'GET', query: { ...query, ...(marker === undefined ? {} : { marker }) } }
  }
  const after = startAfter === undefined ? {} : { 'start-after': startAfter }
  const from = token === undefined ? after : { 'continuation-token': token }
  return { method: 'GET', query: { 'list-type': '2', ...query, ...from } }
}

function rangeOf(offset: number, lengthBytes: number): string {
  return `bytes=${offset}-${offset + lengthBytes - 1}`
}

function queryOfPart(uploadId: string, partNumber: number): Record<string, string> {
  return { partNumber: String(partNumber), uploadId }
}

function headersOfBody(body: Uint8Array, { md5Base64, sha256 }: BodyDigests) {
  return {
    'content-length': String(body.length),
    ...(md5Base64 === undefined ? {} : { 'content-md5': md5Base64 }),
    'x-amz-content-sha256': sha256,
  }
}

function headersOfCondition(precondition: Precondition | undefined): Record<string, string> {
  if (!precondition) return {}
  return 'ifMatch' in precondition ? { 'if-match': precondition.ifMatch } : { 'if-none-match': '*' }
}

function headersOfAttributes(attributes: PutAttributes): Record<string, string> {
  const { metadata = {}, contentType, storageClass, tags } = attributes
  const headers: Record<string, string> = { ...keptHeaders(attributes.headers ?? {}) }
  if (contentType !== undefined) headers['content-type'] = contentType
  if (tags) headers['x-amz-tagging'] = tags
  for (const [name, value] of Object.entries(metadata)) {
    headers[`x-amz-meta-${name.toLowerCase()}`] = value
  }
  return { ...headers, ...headersOfClass(storageClass) }
}

function keptHeaders(headers: ObjectHeaders): Record<string, string> {
  const { expires, ...others } = headers
  const expiresAt = new Date(expires ?? '')
  const kept = Object.entries(others).flatMap(([name, value]) => (value ? [[name, value]] : []))
  return {
    ...Object.fromEntries(kept),
    ...(Number.isNaN(expiresAt.getTime()) ? {} : { expires: expiresAt.toUTCString() }),
  }
}

function headersOfClass(storageClass: string | undefined): Record<string, string> {
  return isKeptClass(storageClass) ? { 'x-amz-storage-class': storageClass } : {}
}

/**
 * Classes that answer at once, and that a program may be given again. What is written anew is not
 * put straight into an archive, where nobody could read it.
 */
const KEPT_CLASSES = new Set([
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER_IR',
])

function isKeptClass(name: string | undefined): name is string {
  return name !== undefined && KEPT_CLASSES.has(name)
}

/** A key as it stands in the path of a request. */
export function encodeKey(key: string): string {
  return key.split('/').map(encodeStrictly).join('/')
}
