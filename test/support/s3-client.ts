/**
 * A plain S3 client on the AWS SDK with its defaults: it looks at a bucket from outside of Pail.
 *
 * Never: imports Pail's own code.
 */
import { createHash } from 'node:crypto'
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'

export type PlainEndpoint = {
  readonly url: string
  readonly region?: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export type PlainObject = {
  readonly key: string
  readonly sizeBytes: number
  readonly etag: string
}
export type PlainAttributes = {
  readonly metadata?: Record<string, string>
  readonly contentType?: string
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex')
}

export type PlainS3 = ReturnType<typeof plainS3Client>

export function plainS3Client(endpoint: PlainEndpoint) {
  const { url, region = 'us-east-1', accessKeyId, secretAccessKey } = endpoint
  const client = new S3Client({
    endpoint: url,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
  })
  return {
    client,
    async createBucket(Bucket: string): Promise<void> {
      await client.send(new CreateBucketCommand({ Bucket }))
    },
    async put(
      Bucket: string,
      Key: string,
      body: Uint8Array | string,
      attributes: PlainAttributes = {},
    ): Promise<string> {
      const { metadata: Metadata, contentType: ContentType } = attributes
      const input = { Bucket, Key, Body: body, Metadata, ContentType }
      return (await client.send(new PutObjectCommand(input))).ETag ?? ''
    },
    async get(Bucket: string, Key: string): Promise<Uint8Array> {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
      if (!Body) throw new Error(`no body for ${Key}`)
      return await Body.transformToByteArray()
    },
    /** SHA-256 of an object without holding it in memory. */
    async sha256Of(Bucket: string, Key: string): Promise<string> {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
      if (!Body) throw new Error(`no body for ${Key}`)
      const hash = createHash('sha256')
      for await (const chunk of Body as AsyncIterable<Uint8Array>) hash.update(chunk)
      return hash.digest('hex')
    },
    /** Undefined when there is no such object. */
    async head(Bucket: string, Key: string) {
      try {
        const head = await client.send(new HeadObjectCommand({ Bucket, Key }))
        return {
          sizeBytes: head.ContentLength ?? 0,
          etag: head.ETag ?? '',
          metadata: head.Metadata ?? {},
          contentType: head.ContentType,
        }
      } catch (thrown) {
        if (thrown instanceof Error && thrown.name === 'NotFound') return undefined
        throw thrown
      }
    },
    async list(Bucket: string, Prefix = ''): Promise<PlainObject[]> {
      const objects: PlainObject[] = []
      let token: string | undefined
      do {
        const page = await client.send(
          new ListObjectsV2Command({ Bucket, Prefix, ContinuationToken: token }),
        )
        for (const { Key = '', Size = 0, ETag = '' } of page.Contents ?? []) {
          objects.push({ key: Key, sizeBytes: Size, etag: ETag })
        }
        token = page.NextContinuationToken
      } while (token)
      return objects
    },
    async delete(Bucket: string, Key: string): Promise<void> {
      await client.send(new DeleteObjectCommand({ Bucket, Key }))
    },
    /** Keys of uploads that were begun and neither completed nor aborted. */
    async openUploads(Bucket: string): Promise<string[]> {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket }))
      return Uploads.map(({ Key = '' }) => Key)
    },
    /** An upload with one part, as a program leaves it that was killed. */
    async leaveUpload(Bucket: string, Key: string, part: Uint8Array): Promise<string> {
      const { UploadId = '' } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }))
      const input = { Bucket, Key, UploadId, PartNumber: 1, Body: part }
      await client.send(new UploadPartCommand(input))
      return UploadId
    },
    close: () => client.destroy(),
  }
}
