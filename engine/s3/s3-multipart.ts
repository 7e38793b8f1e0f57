/**
 * Multipart uploads of one bucket.
 *
 * Keeps: lists are read to their end, and a list without an end is refused.
 */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
} from '@aws-sdk/client-s3'
import { createMultipartRequest, partCopyRequest, partRequest } from './direct-requests.ts'
import type {
  CreateMultipartRequest,
  Etag,
  MultipartUpload,
  PartInfo,
  PartRequest,
  Precondition,
} from './object-store.ts'
import { conditionOf, type S3Bucket, sentOf } from './s3-bucket.ts'
import { partsPageOf, uploadsPageOf } from './s3-listings.ts'
import { badReply, xmlOf } from './s3-replies.ts'
import { childText } from './xml.ts'

/** 10,000 parts by 1,000; a server that goes on has lost its way. */
const PART_PAGES_MAX = 20
const UPLOAD_PAGES_MAX = 100

export class MultipartUploads {
  readonly #bucket: S3Bucket

  constructor(bucket: S3Bucket) {
    this.#bucket = bucket
  }

  async create(
    request: CreateMultipartRequest,
    signal?: AbortSignal,
  ): Promise<{ uploadId: string }> {
    const { key } = request
    await request.beforeSend?.(this.#bucket.caller.serverNowMs)
    const direct = () => createMultipartRequest(request)
    const reply = await this.#bucket.call(
      { operation: 'CreateMultipartUpload', key, direct },
      signal,
    )
    const where = this.#bucket.where('CreateMultipartUpload', key)
    const root = xmlOf(reply, 'InitiateMultipartUploadResult', where)
    const uploadId = childText(root, 'UploadId')
    if (!uploadId) throw badReply('no UploadId', where)
    return { uploadId }
  }

  async putPart(request: PartRequest, signal?: AbortSignal): Promise<{ etag: Etag }> {
    const { key } = request
    const { md5Hex, digestsFor } = await this.#bucket.checkedBody(request, signal)
    const direct = (isPlain: boolean) => partRequest(request, digestsFor(isPlain))
    const reply = await this.#bucket.callWithBody(
      { operation: 'UploadPart', key, isServerWork: true, direct, ...sentOf(request) },
      signal,
    )
    return this.#bucket.storedEtag(reply, md5Hex, this.#bucket.where('UploadPart', key))
  }

  async copyPart(
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
    const { key, sourceKey } = request
    const source = this.#bucket.copySource(sourceKey)
    const direct = () => partCopyRequest({ ...request, source })
    const reply = await this.#bucket.call(
      { operation: 'UploadPartCopy', key, isServerWork: true, direct },
      signal,
    )
    return this.#bucket.etagInXml(
      reply,
      'CopyPartResult',
      this.#bucket.where('UploadPartCopy', key),
    )
  }

  async parts(key: string, uploadId: string, signal?: AbortSignal): Promise<readonly PartInfo[]> {
    const where = this.#bucket.where('ListParts', key)
    const parts: PartInfo[] = []
    let marker = 0
    for (let pages = 0; pages < PART_PAGES_MAX; pages++) {
      const input = { Bucket: this.#bucket.name, Key: key, UploadId: uploadId }
      const page = marker > 0 ? { ...input, PartNumberMarker: String(marker) } : input
      const reply = await this.#bucket.call(
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

  async complete(
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
      Bucket: this.#bucket.name,
      Key: key,
      UploadId: uploadId,
      MultipartUpload: {
        Parts: parts.map(({ partNumber, etag }) => ({ PartNumber: partNumber, ETag: etag })),
      },
      ...conditionOf(precondition),
    }
    const reply = await this.#bucket.call(
      {
        operation: 'CompleteMultipartUpload',
        key,
        isServerWork: true,
        send: (client, options) => client.send(new CompleteMultipartUploadCommand(input), options),
      },
      signal,
    )
    const where = this.#bucket.where('CompleteMultipartUpload', key)
    return this.#bucket.etagInXml(reply, 'CompleteMultipartUploadResult', where)
  }

  async abort(key: string, uploadId: string, signal?: AbortSignal): Promise<void> {
    const input = { Bucket: this.#bucket.name, Key: key, UploadId: uploadId }
    await this.#bucket.remove(
      {
        operation: 'AbortMultipartUpload',
        key,
        isSafeToRepeat: true,
        send: (client, options) => client.send(new AbortMultipartUploadCommand(input), options),
      },
      signal,
    )
  }

  async list(prefix: string, signal?: AbortSignal): Promise<readonly MultipartUpload[]> {
    const where = this.#bucket.where('ListMultipartUploads')
    const uploads: MultipartUpload[] = []
    let marker: { keyMarker: string; uploadIdMarker: string } | undefined
    for (let pages = 0; pages < UPLOAD_PAGES_MAX; pages++) {
      const input = {
        Bucket: this.#bucket.name,
        Prefix: prefix,
        ...(marker ? { KeyMarker: marker.keyMarker, UploadIdMarker: marker.uploadIdMarker } : {}),
      }
      const reply = await this.#bucket.call(
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
}

function isSameMarker(
  one: { keyMarker: string; uploadIdMarker: string },
  other: { keyMarker: string; uploadIdMarker: string } | undefined,
): boolean {
  return one.keyMarker === other?.keyMarker && one.uploadIdMarker === other.uploadIdMarker
}
