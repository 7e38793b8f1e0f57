/**
 * The S3 protocol behind `ObjectService` and `ObjectStore`.
 *
 * Runs in: engine process. Keeps: what it returns was checked against what was asked.
 * Never: sends an ACL, a chunked body or a trailer; puts a secret into an error or a log record.
 */
import {
  GetObjectTaggingCommand,
  ListBucketsCommand,
  RestoreObjectCommand,
  type Tier,
} from '@aws-sdk/client-s3'
import { PailError } from '../../shared/errors.ts'
import type { Credentials, Endpoint } from '../../shared/model.ts'
import type { Clock } from '../base/clock.ts'
import { type Log, silentLog } from '../base/log.ts'
import { withContentMd5, withQuery } from './command-edits.ts'
import { fitsEtag, hasOpaqueEtag, md5HexOf, saysMd5 } from './digest.ts'
import {
  copyRequest,
  deleteRequest,
  getRequest,
  headRequest,
  putRequest,
} from './direct-requests.ts'
import { type EndpointMemory, ShortEndpointMemory } from './endpoint-memory.ts'
import type {
  BucketInfo,
  CopyRequest,
  Etag,
  ListPage,
  ListRequest,
  ObjectHead,
  ObjectService,
  ObjectStore,
  PutRequest,
  RestoreRequest,
} from './object-store.ts'
import { BatchDeleter } from './s3-batch-delete.ts'
import { S3Bucket, sentOf } from './s3-bucket.ts'
import { type Call, S3Caller } from './s3-caller.ts'
import { ObjectLister } from './s3-list.ts'
import { bucketsOf, checkBucketName, type KeptKey } from './s3-listings.ts'
import { MultipartUploads } from './s3-multipart.ts'
import {
  badReply,
  checkRange,
  factsOf,
  headOf,
  isWhole,
  refuseForeign,
  tagsOf,
  xmlOf,
} from './s3-replies.ts'
import { TRANSPORT_LIMITS, type TransportLimits } from './talk.ts'

export type S3Options = {
  readonly endpoint: Pick<Endpoint, 'url'> & Partial<Endpoint>
  readonly credentials: Credentials
  readonly clock: Clock
  readonly log?: Log
  readonly limits?: Partial<TransportLimits>
  /** Absent: forgotten with the client. */
  readonly memory?: EndpointMemory
  /** Called for each request that goes out: what is billed is counted where it is sent. */
  readonly onRequest?: (operation: string) => void
}

/** IBM's endpoints list all buckets of an account, and say where each one is when asked so. */
const EXTENDED_LIST_HOSTS = /\.cloud-object-storage\.appdomain\.cloud$/
export class S3ObjectService implements ObjectService {
  readonly #caller: S3Caller

  constructor(options: S3Options) {
    const { endpoint, credentials, clock, log = silentLog, limits = {}, onRequest } = options
    const { memory = new ShortEndpointMemory() } = options
    this.#caller = new S3Caller({
      endpoint: { region: 'us-east-1', virtualHosted: false, ...endpoint },
      credentials,
      clock,
      log,
      limits: { ...TRANSPORT_LIMITS, ...limits },
      memory,
      ...(onRequest ? { onRequest } : {}),
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

  /** Newer keys of the same account: requests that follow are signed with them. */
  renew(credentials: Credentials): void {
    this.#caller.renew(credentials)
  }

  close(): void {
    this.#caller.dropSockets()
  }
}

class S3ObjectStore implements ObjectStore {
  readonly #bucket: S3Bucket
  readonly #lister: ObjectLister
  readonly #batchDeleter: BatchDeleter
  readonly #uploads: MultipartUploads

  constructor(caller: S3Caller, name: string) {
    this.#bucket = new S3Bucket(caller, name)
    this.#lister = new ObjectLister(caller, name)
    this.#batchDeleter = new BatchDeleter(caller, name, (key, signal) => this.delete(key, signal))
    this.#uploads = new MultipartUploads(this.#bucket)
  }

  list(request: ListRequest, signal?: AbortSignal): Promise<ListPage> {
    return this.#lister.list(request, signal)
  }

  async head(key: string, signal?: AbortSignal): Promise<ObjectHead> {
    const direct = () => headRequest(key)
    const reply = await this.#bucket.call(
      { operation: 'HeadObject', key, isSafeToRepeat: true, direct },
      signal,
    )
    return headOf(reply, key, this.#bucket.where('HeadObject', key))
  }

  async tags(key: string, signal?: AbortSignal): Promise<string> {
    const input = { Bucket: this.#bucket.name, Key: key }
    const reply = await this.#bucket.call(
      {
        operation: 'GetObjectTagging',
        key,
        isSafeToRepeat: true,
        send: (client, options) => client.send(new GetObjectTaggingCommand(input), options),
      },
      signal,
    )
    const where = this.#bucket.where('GetObjectTagging', key)
    return tagsOf(xmlOf(reply, 'Tagging', where))
  }

  async get(request: Parameters<ObjectStore['get']>[0], signal?: AbortSignal): Promise<void> {
    const { key, etag, offset, into } = request
    const asked = { etag, offset, lengthBytes: into.length }
    const where = this.#bucket.where('GetObject', key)
    if (into.length === 0) return
    if (etag === '') throw new PailError('s3/unsupported', 'the object has no ETag', where)
    const reply = await this.#bucket.call(
      {
        operation: 'GetObject',
        key,
        isSafeToRepeat: true,
        bodyBytesExpected: into.length,
        ...(request.onProgress ? { onProgress: request.onProgress } : {}),
        destination: (head) => {
          if (head.status < 200 || head.status >= 300) return undefined
          checkRange(head, asked, where)
          request.onFacts?.(factsOf(head))
          return into
        },
        direct: () => getRequest({ key, ...asked }),
      },
      signal,
    )
    if (reply.status !== 200 && reply.status !== 206) throw badReply('no content', where)
    if (hasOpaqueEtag(reply)) request.onOpaqueEtag?.()
    if (!isWhole(reply, asked) || !saysMd5(etag, reply)) return
    if (fitsEtag(await md5HexOf(into, signal), etag, reply)) return
    throw new PailError('s3/integrity', 'the bytes are others than the ETag says', where)
  }

  async put(request: PutRequest, signal?: AbortSignal): Promise<{ etag: Etag }> {
    const { key } = request
    const { md5Hex, digestsFor } = await this.#bucket.checkedBody(request, signal)
    const direct = (isPlain: boolean) => putRequest(request, digestsFor(isPlain))
    const reply = await this.#bucket.callWithBody(
      { operation: 'PutObject', key, isServerWork: true, direct, ...sentOf(request) },
      signal,
    )
    return this.#bucket.storedEtag(reply, md5Hex, this.#bucket.where('PutObject', key))
  }

  async copy(request: CopyRequest, signal?: AbortSignal): Promise<{ etag: Etag }> {
    const { key, sourceKey } = request
    const source = this.#bucket.copySource(sourceKey)
    const reply = await this.#bucket.call(
      {
        operation: 'CopyObject',
        key,
        isServerWork: true,
        direct: () => copyRequest(request, source),
      },
      signal,
    )
    return this.#bucket.etagInXml(reply, 'CopyObjectResult', this.#bucket.where('CopyObject', key))
  }

  async restore(request: RestoreRequest, signal?: AbortSignal) {
    const { key, days, tier } = request
    const input = {
      Bucket: this.#bucket.name,
      Key: key,
      RestoreRequest: {
        ...(days === undefined ? {} : { Days: days }),
        ...(tier === undefined ? {} : { GlacierJobParameters: { Tier: tier as Tier } }),
      },
    }
    try {
      const reply = await this.#bucket.call(
        {
          operation: 'RestoreObject',
          key,
          // IBM wants the MD5 of the body.
          send: (client, options) =>
            client.send(withContentMd5(new RestoreObjectCommand(input)), options),
        },
        signal,
      )
      // A page of something in between has content; what was done, HEAD tells.
      if (reply.body.length > 0) refuseForeign(reply, this.#bucket.where('RestoreObject', key))
      return reply.status === 202 ? 'begun' : 'readable'
    } catch (thrown) {
      const code = thrown instanceof PailError ? thrown.where.serverCode : undefined
      if (code === 'RestoreAlreadyInProgress') return 'ongoing'
      throw thrown
    }
  }

  async delete(key: string, signal?: AbortSignal): Promise<void> {
    const direct = () => deleteRequest(key)
    await this.#bucket.remove(
      { operation: 'DeleteObject', key, isSafeToRepeat: true, direct },
      signal,
    )
  }

  deleteBatch(keys: readonly string[], signal?: AbortSignal): Promise<readonly KeptKey[]> {
    return this.#batchDeleter.delete(keys, signal)
  }

  createMultipart: ObjectStore['createMultipart'] = (...request) => this.#uploads.create(...request)

  uploadPart: ObjectStore['uploadPart'] = (...request) => this.#uploads.putPart(...request)

  uploadPartCopy: ObjectStore['uploadPartCopy'] = (...request) => this.#uploads.copyPart(...request)

  listParts: ObjectStore['listParts'] = (...request) => this.#uploads.parts(...request)

  completeMultipart: ObjectStore['completeMultipart'] = (...request) =>
    this.#uploads.complete(...request)

  abortMultipart: ObjectStore['abortMultipart'] = (...request) => this.#uploads.abort(...request)

  listMultipart: ObjectStore['listMultipart'] = (...request) => this.#uploads.list(...request)
}
