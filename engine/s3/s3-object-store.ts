/**
 * The S3 protocol behind `ObjectService` and `ObjectStore`.
 *
 * Runs in: engine process. Keeps: what it returns was checked against what was asked.
 * Never: sends an ACL, a chunked body or a trailer; puts a secret into an error or a log record.
 */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { PailError } from '../../shared/errors.ts'
import type { Credentials, Endpoint } from '../../shared/model.ts'
import type { Clock } from '../base/clock.ts'
import { type Log, silentLog } from '../base/log.ts'
import { withHeaders, withQuery } from './command-edits.ts'
import { digestOf, fitsEtag } from './digest.ts'
import type {
  BucketInfo,
  CopyRequest,
  Etag,
  ListPage,
  ListRequest,
  MultipartUpload,
  ObjectHead,
  ObjectService,
  ObjectStore,
  PartInfo,
  Precondition,
  PutAttributes,
  PutRequest,
} from './object-store.ts'
import type { Reply, Where } from './reply.ts'
import { BatchDeleter } from './s3-batch-delete.ts'
import { type Call, S3Caller } from './s3-caller.ts'
import { ObjectLister } from './s3-list.ts'
import {
  bucketsOf,
  checkBucketName,
  type KeptKey,
  partsPageOf,
  uploadsPageOf,
} from './s3-listings.ts'
import { badReply, checkRange, etagOf, headOf, refuseForeign, xmlOf } from './s3-replies.ts'
import { TRANSPORT_LIMITS, type TransportLimits } from './talk.ts'
import { encodeStrictly } from './transport.ts'
import { childText } from './xml.ts'

export type S3Options = {
  readonly endpoint: Pick<Endpoint, 'url'> & Partial<Endpoint>
  readonly credentials: Credentials
  readonly clock: Clock
  readonly log?: Log
  readonly limits?: Partial<TransportLimits>
}

/** IBM's endpoints list all buckets of an account, and say where each one is when asked so. */
const EXTENDED_LIST_HOSTS = /\.cloud-object-storage\.appdomain\.cloud$/
/** 10,000 parts by 1,000; a server that goes on has lost its way. */
const PART_PAGES_MAX = 20
const UPLOAD_PAGES_MAX = 100

export class S3ObjectService implements ObjectService {
  readonly #caller: S3Caller

  constructor(options: S3Options) {
    const { endpoint, credentials, clock, log = silentLog, limits = {} } = options
    this.#caller = new S3Caller({
      endpoint: { region: 'us-east-1', virtualHosted: false, ...endpoint },
      credentials,
      clock,
      log,
      limits: { ...TRANSPORT_LIMITS, ...limits },
    })
  }

  async listBuckets(signal?: AbortSignal): Promise<readonly BucketInfo[]> {
    const isExtended = EXTENDED_LIST_HOSTS.test(this.#caller.host)
    const call: Call = {
      operation: 'ListBuckets',
      isSafeToRepeat: true,
      send: (client, options) => {
        const command = new ListBucketsCommand({})
        return client.send(isExtended ? withQuery(command, { extended: '' }) : command, options)
      },
    }
    const reply = await this.#caller.call(call, signal)
    const where = { operation: call.operation, host: this.#caller.host }
    return bucketsOf(xmlOf(reply, 'ListAllMyBucketsResult', where), where)
  }

  bucket(name: string): ObjectStore {
    checkBucketName(name)
    return new S3ObjectStore(this.#caller, name)
  }

  close(): void {
    this.#caller.dropSockets()
  }
}

class S3ObjectStore implements ObjectStore {
  readonly #caller: S3Caller
  readonly #bucket: string
  readonly #lister: ObjectLister
  readonly #batchDeleter: BatchDeleter

  constructor(caller: S3Caller, bucket: string) {
    this.#caller = caller
    this.#bucket = bucket
    this.#lister = new ObjectLister(caller, bucket)
    this.#batchDeleter = new BatchDeleter(caller, bucket, (key, signal) => this.delete(key, signal))
  }

  list(request: ListRequest, signal?: AbortSignal): Promise<ListPage> {
    return this.#lister.list(request, signal)
  }

  async head(key: string, signal?: AbortSignal): Promise<ObjectHead> {
    const input = { Bucket: this.#bucket, Key: key }
    const reply = await this.#call(
      {
        operation: 'HeadObject',
        key,
        isSafeToRepeat: true,
        send: (client, options) => client.send(new HeadObjectCommand(input), options),
      },
      signal,
    )
    return headOf(reply, key, this.#where('HeadObject', key))
  }

  async get(
    request: { key: string; etag: Etag; offset: number; into: Uint8Array },
    signal?: AbortSignal,
  ): Promise<void> {
    const { key, etag, offset, into } = request
    const where = this.#where('GetObject', key)
    if (into.length === 0) return
    if (etag === '') throw new PailError('s3/unsupported', 'the object has no ETag', where)
    const last = offset + into.length - 1
    const input = {
      Bucket: this.#bucket,
      Key: key,
      Range: `bytes=${offset}-${last}`,
      IfMatch: etag,
    }
    const reply = await this.#call(
      {
        operation: 'GetObject',
        key,
        isSafeToRepeat: true,
        bodyBytesExpected: into.length,
        destination: (head) => {
          if (head.status < 200 || head.status >= 300) return undefined
          checkRange(head, { etag, offset, lengthBytes: into.length }, where)
          return into
        },
        send: (client, options) => client.send(new GetObjectCommand(input), options),
      },
      signal,
    )
    if (reply.status !== 200 && reply.status !== 206) throw badReply('no content', where)
  }

  async put(request: PutRequest, signal?: AbortSignal): Promise<{ etag: Etag }> {
    const { key, body, precondition } = request
    const digest = await digestOf(body, signal)
    const input = {
      Bucket: this.#bucket,
      Key: key,
      Body: body,
      ContentLength: body.length,
      ContentMD5: digest.md5Base64,
      ...attributesOf(request),
      ...conditionOf(precondition),
    }
    const reply = await this.#call(
      {
        operation: 'PutObject',
        key,
        isServerWork: true,
        send: (client, options) =>
          client.send(
            withHeaders(new PutObjectCommand(input), { 'x-amz-content-sha256': digest.sha256Hex }),
            options,
          ),
      },
      signal,
    )
    return this.#stored(reply, digest.md5Hex, this.#where('PutObject', key))
  }

  async copy(request: CopyRequest, signal?: AbortSignal): Promise<{ etag: Etag }> {
    const { key, sourceKey, sourceEtag, replace } = request
    const input = {
      Bucket: this.#bucket,
      Key: key,
      CopySource: this.#copySource(sourceKey),
      MetadataDirective: replace ? ('REPLACE' as const) : ('COPY' as const),
      ...(sourceEtag ? { CopySourceIfMatch: sourceEtag } : {}),
      ...(replace ? attributesOf(replace) : {}),
    }
    const reply = await this.#call(
      {
        operation: 'CopyObject',
        key,
        isServerWork: true,
        send: (client, options) => client.send(new CopyObjectCommand(input), options),
      },
      signal,
    )
    return this.#etagInXml(reply, 'CopyObjectResult', this.#where('CopyObject', key))
  }

  async delete(key: string, signal?: AbortSignal): Promise<void> {
    const input = { Bucket: this.#bucket, Key: key }
    await this.#remove(
      {
        operation: 'DeleteObject',
        key,
        isSafeToRepeat: true,
        send: (client, options) => client.send(new DeleteObjectCommand(input), options),
      },
      signal,
    )
  }

  deleteBatch(keys: readonly string[], signal?: AbortSignal): Promise<readonly KeptKey[]> {
    return this.#batchDeleter.delete(keys, signal)
  }

  async createMultipart(
    request: PutAttributes & { key: string },
    signal?: AbortSignal,
  ): Promise<{ uploadId: string }> {
    const { key } = request
    const input = { Bucket: this.#bucket, Key: key, ...attributesOf(request) }
    const reply = await this.#call(
      {
        operation: 'CreateMultipartUpload',
        key,
        send: (client, options) => client.send(new CreateMultipartUploadCommand(input), options),
      },
      signal,
    )
    const where = this.#where('CreateMultipartUpload', key)
    const root = xmlOf(reply, 'InitiateMultipartUploadResult', where)
    const uploadId = childText(root, 'UploadId')
    if (!uploadId) throw badReply('no UploadId', where)
    return { uploadId }
  }

  async uploadPart(
    request: { key: string; uploadId: string; partNumber: number; body: Uint8Array },
    signal?: AbortSignal,
  ): Promise<{ etag: Etag }> {
    const { key, uploadId, partNumber, body } = request
    const digest = await digestOf(body, signal)
    const input = {
      Bucket: this.#bucket,
      Key: key,
      UploadId: uploadId,
      PartNumber: partNumber,
      Body: body,
      ContentLength: body.length,
      ContentMD5: digest.md5Base64,
    }
    const reply = await this.#call(
      {
        operation: 'UploadPart',
        key,
        isServerWork: true,
        send: (client, options) =>
          client.send(
            withHeaders(new UploadPartCommand(input), { 'x-amz-content-sha256': digest.sha256Hex }),
            options,
          ),
      },
      signal,
    )
    return this.#stored(reply, digest.md5Hex, this.#where('UploadPart', key))
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
    const { key, uploadId, partNumber, sourceKey, sourceEtag, offset, lengthBytes } = request
    const input = {
      Bucket: this.#bucket,
      Key: key,
      UploadId: uploadId,
      PartNumber: partNumber,
      CopySource: this.#copySource(sourceKey),
      CopySourceIfMatch: sourceEtag,
      CopySourceRange: `bytes=${offset}-${offset + lengthBytes - 1}`,
    }
    const reply = await this.#call(
      {
        operation: 'UploadPartCopy',
        key,
        isServerWork: true,
        send: (client, options) => client.send(new UploadPartCopyCommand(input), options),
      },
      signal,
    )
    return this.#etagInXml(reply, 'CopyPartResult', this.#where('UploadPartCopy', key))
  }

  async listParts(
    key: string,
    uploadId: string,
    signal?: AbortSignal,
  ): Promise<readonly PartInfo[]> {
    const where = this.#where('ListParts', key)
    const parts: PartInfo[] = []
    let marker = 0
    for (let pages = 0; pages < PART_PAGES_MAX; pages++) {
      const input = { Bucket: this.#bucket, Key: key, UploadId: uploadId }
      const page = marker > 0 ? { ...input, PartNumberMarker: String(marker) } : input
      const reply = await this.#call(
        {
          operation: 'ListParts',
          key,
          isSafeToRepeat: true,
          send: (client, options) => client.send(new ListPartsCommand(page), options),
        },
        signal,
      )
      const { parts: found, next } = partsPageOf(xmlOf(reply, 'ListPartsResult', where), where)
      parts.push(...found)
      if (next === undefined) return parts
      if (next <= marker) throw badReply('a list of parts goes on where it was', where)
      marker = next
    }
    throw badReply('a list of parts does not end', where)
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
    const { key, uploadId, parts, precondition } = request
    const input = {
      Bucket: this.#bucket,
      Key: key,
      UploadId: uploadId,
      MultipartUpload: {
        Parts: parts.map(({ partNumber, etag }) => ({ PartNumber: partNumber, ETag: etag })),
      },
      ...conditionOf(precondition),
    }
    const reply = await this.#call(
      {
        operation: 'CompleteMultipartUpload',
        key,
        isServerWork: true,
        send: (client, options) => client.send(new CompleteMultipartUploadCommand(input), options),
      },
      signal,
    )
    const where = this.#where('CompleteMultipartUpload', key)
    return this.#etagInXml(reply, 'CompleteMultipartUploadResult', where)
  }

  async abortMultipart(key: string, uploadId: string, signal?: AbortSignal): Promise<void> {
    const input = { Bucket: this.#bucket, Key: key, UploadId: uploadId }
    await this.#remove(
      {
        operation: 'AbortMultipartUpload',
        key,
        isSafeToRepeat: true,
        send: (client, options) => client.send(new AbortMultipartUploadCommand(input), options),
      },
      signal,
    )
  }

  async listMultipart(prefix: string, signal?: AbortSignal): Promise<readonly MultipartUpload[]> {
    const where = this.#where('ListMultipartUploads')
    const uploads: MultipartUpload[] = []
    let marker: { keyMarker: string; uploadIdMarker: string } | undefined
    for (let pages = 0; pages < UPLOAD_PAGES_MAX; pages++) {
      const input = {
        Bucket: this.#bucket,
        Prefix: prefix,
        ...(marker ? { KeyMarker: marker.keyMarker, UploadIdMarker: marker.uploadIdMarker } : {}),
      }
      const reply = await this.#call(
        {
          operation: 'ListMultipartUploads',
          isSafeToRepeat: true,
          send: (client, options) => client.send(new ListMultipartUploadsCommand(input), options),
        },
        signal,
      )
      const page = uploadsPageOf(xmlOf(reply, 'ListMultipartUploadsResult', where), where)
      uploads.push(...page.uploads.filter(({ key }) => key.startsWith(prefix)))
      if (!page.next) return uploads
      if (isSameMarker(page.next, marker)) throw badReply('a list goes on where it was', where)
      marker = page.next
    }
    throw badReply('a list of uploads does not end', where)
  }

  #call(call: Omit<Call, 'bucket'>, signal?: AbortSignal): Promise<Reply> {
    return this.#caller.call({ ...call, bucket: this.#bucket }, signal)
  }

  async #remove(call: Omit<Call, 'bucket'>, signal?: AbortSignal): Promise<void> {
    try {
      refuseForeign(await this.#call(call, signal), this.#where(call.operation, call.key))
    } catch (thrown) {
      if (!(thrown instanceof PailError) || thrown.code !== 's3/no-key') throw thrown
    }
  }

  #where(operation: string, key?: string): Where {
    const where = { operation, host: this.#caller.host, bucket: this.#bucket }
    return key === undefined ? where : { ...where, key }
  }

  #copySource(key: string): string {
    return `${this.#bucket}/${key.split('/').map(encodeStrictly).join('/')}`
  }

  #stored(reply: Reply, md5Hex: string, where: Where): { etag: Etag } {
    refuseForeign(reply, where)
    const etag = etagOf(reply.headers.etag, where)
    if (fitsEtag(md5Hex, etag, reply)) return { etag }
    throw new PailError('s3/integrity', 'the stored bytes are others than those sent', where)
  }

  #etagInXml(reply: Reply, rootName: string, where: Where): { etag: Etag } {
    return { etag: etagOf(childText(xmlOf(reply, rootName, where), 'ETag'), where) }
  }
}

function attributesOf({ metadata, contentType }: PutAttributes) {
  return {
    ...(metadata ? { Metadata: { ...metadata } } : {}),
    ...(contentType === undefined ? {} : { ContentType: contentType }),
  }
}

function conditionOf(precondition: Precondition | undefined) {
  if (!precondition) return {}
  return 'ifMatch' in precondition ? { IfMatch: precondition.ifMatch } : { IfNoneMatch: '*' }
}

function isSameMarker(
  one: { keyMarker: string; uploadIdMarker: string },
  other: { keyMarker: string; uploadIdMarker: string } | undefined,
): boolean {
  return one.keyMarker === other?.keyMarker && one.uploadIdMarker === other.uploadIdMarker
}
