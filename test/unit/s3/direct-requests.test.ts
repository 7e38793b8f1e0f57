import {
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  copyRequest,
  createMultipartRequest,
  type DirectRequest,
  deleteRequest,
  encodeKey,
  getRequest,
  headRequest,
  listRequest,
  partCopyRequest,
  partRequest,
  putRequest,
} from '../../../engine/s3/direct-requests.ts'
import { DirectSender } from '../../../engine/s3/direct-sender.ts'
import type { Etag } from '../../../engine/s3/object-store.ts'

const SEED = Number(process.env.PAIL_SEED ?? Math.floor(Math.random() * 2 ** 31))
const RUNS = 60
const ETAG = '"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"' as Etag
const EXPIRES = new Date(Date.UTC(2030, 1, 2, 3, 4, 5))

type Sent = {
  readonly method: string
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly path: string
  readonly query?: unknown
  readonly headers: Readonly<Record<string, string>>
}

type Place = { readonly url: string; readonly region: string; readonly isPathStyle: boolean }

/** What names the client and this one try, what depends on the time, and what signs it all. */
const OF_ONE_TRY =
  /^(x-amz-user-agent|user-agent|amz-sdk-.*|x-amz-date|authorization|x-amz-content-sha256)$/

function essence({ method, protocol, hostname, port, path, query, headers }: Sent) {
  const { 'x-id': _, ...asked } = { ...(query as Record<string, string>) }
  const kept = Object.entries(headers).filter(([name]) => !OF_ONE_TRY.test(name))
  return { method, protocol, hostname, port, path, asked, headers: Object.fromEntries(kept) }
}

/** A client of the SDK as Pail sets it up, whose requests go no further than into `sent`. */
function capturingClient({ url, region, isPathStyle }: Place) {
  const sent: Sent[] = []
  const client = new S3Client({
    endpoint: url,
    region,
    credentials: { accessKeyId: 'access', secretAccessKey: 'secret' },
    forcePathStyle: isPathStyle,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 1,
    disableS3ExpressSessionAuth: true,
    expectContinueHeader: false,
    useArnRegion: false,
    requestHandler: {
      handle: async (request: Sent) => {
        sent.push(request)
        throw new Error('captured')
      },
    } as never,
  })
  const bySdk = async (command: unknown) => {
    sent.length = 0
    await client.send(command as never).catch(() => undefined)
    const [request] = sent
    if (!request) throw new Error('the SDK sent nothing')
    return essence(request)
  }
  const direct = new DirectSender(client, { url, region, isPathStyle })
  const byPail = async (bucket: string, request: DirectRequest) =>
    essence(await direct.sign(bucket, request, Date.UTC(2026, 0, 1)))
  return { bySdk, byPail, direct }
}

const PLACES: readonly Place[] = [
  { url: 'http://127.0.0.1:9000', region: 'us-east-1', isPathStyle: true },
  { url: 'http://[::1]:9000', region: 'us-east-1', isPathStyle: true },
  { url: 'https://storage.example.com/behind/a/proxy', region: 'eu-x', isPathStyle: true },
  { url: 'https://storage.example.com:8443', region: 'eu-x', isPathStyle: false },
  {
    url: 'https://s3.eu-de.cloud-object-storage.appdomain.cloud',
    region: 'eu-de',
    isPathStyle: false,
  },
  { url: 'https://s3.eu-west-3.amazonaws.com', region: 'eu-west-3', isPathStyle: false },
]
const BUCKETS = ['bucket', 'with.dots.in-it', 'Large-Letters', 'a1-b2']

const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 })
const keys = fc.oneof(
  text,
  fc.constantFrom('a/b', '//', '/a', '../x', '.', 'a b+c', "!'()*~", 'ü/ß', 'a%20b', '?x=1#y'),
)
const headerValues = fc.stringMatching(/^[!-~]([ -~]{0,10}[!-~])?$/)
const metadata = fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/), headerValues)
const attributes = fc.record(
  {
    metadata,
    contentType: headerValues,
    storageClass: fc.constantFrom('STANDARD_IA', 'GLACIER_IR', 'STANDARD', 'DEEP_ARCHIVE'),
    tags: fc.constantFrom('a=b&c=d', ''),
    headers: fc.record(
      {
        'cache-control': headerValues,
        'content-disposition': headerValues,
        'content-encoding': fc.constant('gzip'),
        'content-language': fc.constant('de'),
        expires: fc.constantFrom(EXPIRES.toUTCString(), 'never'),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
)
const preconditions = fc.constantFrom({ ifMatch: ETAG }, { ifAbsent: true } as const, undefined)
const ranges = fc.record({ offset: fc.nat(), lengthBytes: fc.integer({ min: 1, max: 2 ** 30 }) })
const DIGESTS = { md5Base64: 'rL0Y20zC+Fzt72VPzMSk2A==', sha256: 'UNSIGNED-PAYLOAD' }
const BODY = Buffer.from('body')

type Attributes = typeof attributes extends fc.Arbitrary<infer Value> ? Value : never

function sdkAttributes({ metadata, contentType, storageClass, tags, headers = {} }: Attributes) {
  const isKept = storageClass === 'STANDARD_IA' || storageClass === 'GLACIER_IR'
  return {
    ...(metadata ? { Metadata: metadata } : {}),
    ...(contentType ? { ContentType: contentType } : {}),
    ...(isKept ? { StorageClass: storageClass } : {}),
    ...(tags ? { Tagging: tags } : {}),
    ...(headers['cache-control'] ? { CacheControl: headers['cache-control'] } : {}),
    ...(headers['content-disposition']
      ? { ContentDisposition: headers['content-disposition'] }
      : {}),
    ...(headers['content-encoding'] ? { ContentEncoding: headers['content-encoding'] } : {}),
    ...(headers['content-language'] ? { ContentLanguage: headers['content-language'] } : {}),
    ...(headers.expires === EXPIRES.toUTCString() ? { Expires: EXPIRES } : {}),
  }
}

function sdkCondition(precondition: { ifMatch: Etag } | { ifAbsent: true } | undefined) {
  if (!precondition) return {}
  return 'ifMatch' in precondition ? { IfMatch: precondition.ifMatch } : { IfNoneMatch: '*' }
}

const SDK_BODY = { Body: BODY, ContentLength: BODY.length, ContentMD5: DIGESTS.md5Base64 }

describe.each(PLACES)(`Direct requests to $url, by path: $isPathStyle (seed ${SEED})`, (place) => {
  const { bySdk, byPail, direct } = capturingClient(place)
  const everyRequest = (
    check: (Key: string, Bucket: string, data: fc.GeneratorValue) => Promise<void>,
  ) =>
    fc.assert(fc.asyncProperty(keys, fc.constantFrom(...BUCKETS), fc.gen(), check), {
      seed: SEED,
      numRuns: RUNS,
    })

  test('GET, HEAD and DELETE are what the SDK sends', async () => {
    await everyRequest(async (Key, Bucket, data) => {
      const { offset, lengthBytes } = data(() => ranges)
      const Range = `bytes=${offset}-${offset + lengthBytes - 1}`
      expect(
        await byPail(Bucket, getRequest({ key: Key, etag: ETAG, offset, lengthBytes })),
      ).toEqual(await bySdk(new GetObjectCommand({ Bucket, Key, Range, IfMatch: ETAG })))
      expect(await byPail(Bucket, headRequest(Key))).toEqual(
        await bySdk(new HeadObjectCommand({ Bucket, Key })),
      )
      expect(await byPail(Bucket, deleteRequest(Key))).toEqual(
        await bySdk(new DeleteObjectCommand({ Bucket, Key })),
      )
    })
  })

  test('PUT and the beginning of a multipart upload are what the SDK sends', async () => {
    await everyRequest(async (Key, Bucket, data) => {
      const given = data(() => attributes)
      const precondition = data(() => preconditions)
      const base = { Bucket, Key, ...sdkAttributes(given) }
      const put = { ...given, key: Key, body: BODY, ...(precondition ? { precondition } : {}) }
      expect(await byPail(Bucket, putRequest(put, DIGESTS))).toEqual(
        await bySdk(new PutObjectCommand({ ...base, ...SDK_BODY, ...sdkCondition(precondition) })),
      )
      expect(await byPail(Bucket, createMultipartRequest({ ...given, key: Key }))).toEqual(
        await bySdk(new CreateMultipartUploadCommand(base)),
      )
    })
  })

  test('parts and copies are what the SDK sends', async () => {
    await everyRequest(async (Key, Bucket, data) => {
      const uploadId = data(() => text)
      const { offset, lengthBytes } = data(() => ranges)
      const upload = { Bucket, Key, UploadId: uploadId, PartNumber: 7 }
      const part = { key: Key, uploadId, partNumber: 7 }
      expect(await byPail(Bucket, partRequest({ ...part, body: BODY }, DIGESTS))).toEqual(
        await bySdk(new UploadPartCommand({ ...upload, ...SDK_BODY })),
      )
      const source = `${Bucket}/${encodeKey(data(() => keys))}`
      const from = { CopySource: source, CopySourceIfMatch: ETAG }
      const range = { source, sourceEtag: ETAG, offset, lengthBytes }
      expect(await byPail(Bucket, partCopyRequest({ ...part, ...range }))).toEqual(
        await bySdk(
          new UploadPartCopyCommand({
            ...upload,
            ...from,
            CopySourceRange: `bytes=${offset}-${offset + lengthBytes - 1}`,
          }),
        ),
      )
      const replace = data(() => fc.option(attributes, { nil: undefined }))
      const copy = { sourceKey: 'not used', key: Key, sourceEtag: ETAG }
      const { Tagging: _, ...replaced } = sdkAttributes(replace ?? {})
      expect(
        await byPail(Bucket, copyRequest({ ...copy, ...(replace ? { replace } : {}) }, source)),
      ).toEqual(
        await bySdk(
          new CopyObjectCommand({
            Bucket,
            Key,
            ...from,
            ...(replace ? replaced : {}),
            MetadataDirective: replace ? 'REPLACE' : 'COPY',
          }),
        ),
      )
    })
  })

  test('both versions of a listing are what the SDK sends', async () => {
    await everyRequest(async (Prefix, Bucket, data) => {
      const token = data(() => fc.option(text, { nil: undefined }))
      const request = { prefix: Prefix, delimiter: '/', startAfter: 'begin' } as const
      const input = { Bucket, Prefix, Delimiter: '/', MaxKeys: 1000, EncodingType: 'url' } as const
      expect(
        await byPail(Bucket, listRequest(request, { version: 2, isEncoded: true }, token)),
      ).toEqual(
        await bySdk(
          new ListObjectsV2Command({
            ...input,
            ...(token === undefined ? { StartAfter: 'begin' } : { ContinuationToken: token }),
          }),
        ),
      )
      expect(
        await byPail(Bucket, listRequest(request, { version: 1, isEncoded: true }, token)),
      ).toEqual(await bySdk(new ListObjectsCommand({ ...input, Marker: token ?? 'begin' })))
    })
  })

  test('a request about an object without a name is refused: it would be about the bucket', async () => {
    await expect(direct.sign('bucket', deleteRequest(''), 0)).rejects.toThrow('names it')
  })
})
