/** The demo's S3 server, asked by a plain client. */
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startServer } from '../../../demo/server.mjs'

const BUCKET = 'sample'
let server: Awaited<ReturnType<typeof startServer>>
let client: S3Client

beforeAll(async () => {
  server = await startServer(BUCKET, new Map([['a/b.txt', 'hello']]))
  client = new S3Client({
    endpoint: server.url,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 1,
  })
})
afterAll(async () => {
  client.destroy()
  await server.stop()
})

const read = async (key: string) => {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }))
  return Buffer.from((await Body?.transformToByteArray()) ?? [])
}
const put = (key: string, body: string | Buffer, conditions = {}) =>
  client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body, ...conditions }))

describe('The server of the demo', () => {
  test('listens on this computer alone', () => {
    expect(new URL(server.url).hostname).toBe('127.0.0.1')
  })

  test('holds the sample', async () => {
    expect((await read('a/b.txt')).toString()).toBe('hello')
  })

  test('takes empty objects and large ones', async () => {
    await put('folder/', '')
    expect(await read('folder/')).toHaveLength(0)
    await put('large', Buffer.alloc(16 * 1024 * 1024, 7))
    expect(await read('large')).toHaveLength(16 * 1024 * 1024)
  })

  test('refuses a PUT whose condition does not hold', async () => {
    const { ETag } = await put('once', 'first', { IfNoneMatch: '*' })
    const refused = { name: 'PreconditionFailed' }
    await expect(put('once', 'second', { IfNoneMatch: '*' })).rejects.toMatchObject(refused)
    await expect(put('once', 'second', { IfMatch: '"0"' })).rejects.toMatchObject(refused)
    await expect(put('absent', 'x', { IfMatch: '"0"' })).rejects.toMatchObject(refused)
    expect((await read('once')).toString()).toBe('first')
    await put('once', 'third', { IfMatch: ETag })
    expect((await read('once')).toString()).toBe('third')
  })

  test('copies a part of another object', async () => {
    const target = { Bucket: BUCKET, Key: 'joined' }
    const { UploadId } = await client.send(new CreateMultipartUploadCommand(target))
    const source = { CopySource: `${BUCKET}/a/b.txt`, CopySourceRange: 'bytes=1-3' }
    const part = { ...target, UploadId, PartNumber: 1 }
    const copied = await client.send(new UploadPartCopyCommand({ ...part, ...source }))
    const parts = { Parts: [{ PartNumber: 1, ETag: copied.CopyPartResult?.ETag }] }
    const complete = { ...target, UploadId, MultipartUpload: parts }
    await client.send(new CompleteMultipartUploadCommand(complete))
    expect((await read('joined')).toString()).toBe('ell')
  })
})
