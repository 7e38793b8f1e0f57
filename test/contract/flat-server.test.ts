import { startFauxqs } from 'fauxqs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SystemClock } from '../../engine/base/clock.ts'
import type { ObjectStore } from '../../engine/s3/object-store.ts'
import { probeCapabilities } from '../../engine/s3/probe.ts'
import { S3ObjectService } from '../../engine/s3/s3-object-store.ts'
import { bytes } from './object-store.ts'

/** Keys that a server which keeps objects as files cannot have. */
const AWKWARD_KEYS = [
  'a//b',
  '//',
  '/a',
  'a/../b',
  '../../etc/x',
  '.',
  '..',
  './a',
  'a/.',
  'x',
  'x/y',
]

describe('S3ObjectStore on a server that ignores conditions and keeps keys as they are', () => {
  let stop: () => Promise<void>
  let store: ObjectStore
  beforeAll(async () => {
    const server = await startFauxqs({ port: 0, logger: false, host: '127.0.0.1' })
    server.createBucket('flat')
    const service = new S3ObjectService({
      endpoint: { url: `http://127.0.0.1:${server.port}` },
      credentials: { accessKeyId: 'a', secretAccessKey: 's' },
      clock: new SystemClock(),
    })
    store = service.bucket('flat')
    stop = async () => {
      service.close()
      await server.stop()
    }
  })
  afterAll(async () => {
    await stop?.()
  })

  test.each(AWKWARD_KEYS)('the key %j is stored, listed, read and deleted', async (key) => {
    const { etag } = await store.put({ key, body: bytes(10, 1) })
    expect((await store.list({ prefix: '' })).objects.map((object) => object.key)).toEqual([key])
    const into = new Uint8Array(10)
    await store.get({ key, etag, offset: 0, into })
    expect(into).toEqual(bytes(10, 1))
    await store.delete(key)
    expect((await store.list({ prefix: '' })).objects).toEqual([])
  })

  test('the probe finds what is missing and leaves nothing behind', async () => {
    expect(await probeCapabilities(store, 'probe')).toMatchObject({ conditionalPut: false })
    expect((await store.list({ prefix: '' })).objects).toEqual([])
  })

  test('the answer to another question is refused', async () => {
    // This server does not know ListMultipartUploads and answers with a listing of objects.
    await expect(store.listMultipart('')).rejects.toMatchObject({ code: 's3/bad-reply' })
  })
})
