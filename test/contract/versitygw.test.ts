import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SystemClock } from '../../engine/base/clock.ts'
import { S3ObjectService } from '../../engine/s3/s3-object-store.ts'
import { type PlainS3, plainS3Client, sha256 } from '../support/s3-client.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'
import { bytes, objectStoreContract } from './object-store.ts'

const clock = new SystemClock()

function serviceOf(
  server: Versitygw,
  options: { secretAccessKey?: string; clockOffMs?: number } = {},
) {
  const { accessKeyId, secretAccessKey, url } = server
  class OffClock extends SystemClock {
    override nowMs(): number {
      return super.nowMs() + (options.clockOffMs ?? 0)
    }
  }
  return new S3ObjectService({
    endpoint: { url },
    credentials: { accessKeyId, secretAccessKey: options.secretAccessKey ?? secretAccessKey },
    clock: options.clockOffMs === undefined ? clock : new OffClock(),
  })
}

objectStoreContract('S3ObjectStore on versitygw', async () => {
  const server = await startVersitygw()
  await server.createBucket('contract')
  const service = serviceOf(server)
  return {
    store: service.bucket('contract'),
    close: async () => {
      service.close()
      await server.stop()
    },
  }
})

describe('S3ObjectService on versitygw', () => {
  let server: Versitygw
  let plain: PlainS3
  beforeAll(async () => {
    server = await startVersitygw()
    plain = plainS3Client(server)
    await server.createBucket('first')
    await server.createBucket('second')
  }, 30_000)
  afterAll(async () => {
    plain?.close()
    await server?.stop()
  })

  test('lists the buckets of the account', async () => {
    const buckets = await serviceOf(server).listBuckets()
    expect(buckets.map(({ name }) => name)).toEqual(['first', 'second'])
    expect(buckets[0]?.createdMs).toBeGreaterThan(0)
  })

  test('an unknown bucket and a wrong key have errors of their own', async () => {
    const missing = serviceOf(server).bucket('missing').list({ prefix: '' })
    await expect(missing).rejects.toMatchObject({
      code: 's3/no-bucket',
      where: { serverCode: 'NoSuchBucket', status: 404, bucket: 'missing' },
    })
    const wrong = serviceOf(server, { secretAccessKey: 'wrong-secret-canary' })
    const refusal = await wrong
      .bucket('first')
      .list({ prefix: '' })
      .catch((error) => error)
    expect(refusal).toMatchObject({ code: 'auth/bad-key' })
    expect(JSON.stringify(refusal.toWire())).not.toMatch(/canary|Signature=/)
  })

  test('another client reads what was put, and the other way round', async () => {
    const store = serviceOf(server).bucket('first')
    const body = bytes(300_000, 1)
    await store.put({ key: 'mine', body, metadata: { mtime: '5' } })
    expect(await plain.sha256Of('first', 'mine')).toBe(sha256(body))
    expect(await plain.head('first', 'mine')).toMatchObject({ metadata: { mtime: '5' } })
    await plain.put('first', 'theirs', body)
    const head = await store.head('theirs')
    const into = new Uint8Array(head.sizeBytes)
    await store.get({ key: 'theirs', etag: head.etag, offset: 0, into })
    expect(sha256(into)).toBe(sha256(body))
  })

  test('each operation is one request', async () => {
    const store = serviceOf(server).bucket('second')
    await server.resetRequests()
    const { etag } = await store.put({ key: 'a', body: bytes(10, 1) })
    await store.get({ key: 'a', etag, offset: 0, into: new Uint8Array(10) })
    await store.list({ prefix: '', delimiter: '/' })
    await store.delete('a')
    await expect.poll(async () => (await server.requests()).lines.length).toBe(4)
    expect((await server.requests()).byAction).toEqual({
      s3_PutObject: 1,
      s3_GetObject: 1,
      s3_ListObjectsV2: 1,
      s3_DeleteObject: 1,
    })
  })

  test.each([
    ['two hours fast', 2 * 3_600_000],
    ['two hours slow', -2 * 3_600_000],
  ])('all works with a clock %s', async (_, clockOffMs) => {
    const store = serviceOf(server, { clockOffMs }).bucket('first')
    const { etag } = await store.put({ key: 'skewed', body: bytes(10, 2) })
    expect(await store.head('skewed')).toMatchObject({ etag })
  })

  test('a HEAD alone finds out that the clock is off', async () => {
    await plain.put('first', 'for-head', 'text')
    const store = serviceOf(server, { clockOffMs: 7_200_000 }).bucket('first')
    expect(await store.head('for-head')).toMatchObject({ sizeBytes: 4 })
  })

  test('a server that answers nothing is given up, and works again afterwards', async () => {
    const { accessKeyId, secretAccessKey, url } = server
    const service = new S3ObjectService({
      endpoint: { url },
      credentials: { accessKeyId, secretAccessKey },
      clock,
      limits: { idleMs: 300, workIdleMs: 300 },
    })
    const store = service.bucket('first')
    await store.put({ key: 'before', body: bytes(10, 3) })
    await server.pause()
    try {
      await expect(store.list({ prefix: '' })).rejects.toMatchObject({ code: 'net/timeout' })
      await expect(store.put({ key: 'during', body: bytes(9_000_000, 4) })).rejects.toMatchObject({
        code: 'net/timeout',
      })
    } finally {
      server.resume()
    }
    service.close()
    expect(await store.head('before')).toMatchObject({ sizeBytes: 10 })
  })
})
