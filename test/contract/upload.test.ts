/**
 * Uploads, copies and deletes against a real server: its ETags, conditions and part copies.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SystemClock, SystemRandom } from '../../engine/base/clock.ts'
import { silentLog } from '../../engine/base/log.ts'
import type { Etag, ObjectStore } from '../../engine/s3/object-store.ts'
import { S3ObjectService } from '../../engine/s3/s3-object-store.ts'
import { deleteKeys } from '../../engine/sync/batch-delete.ts'
import { Connectivity } from '../../engine/sync/connectivity.ts'
import type { Extent, ObjectVersion } from '../../engine/sync/content.ts'
import { EndpointRequests } from '../../engine/sync/endpoint-requests.ts'
import { serverCopy } from '../../engine/sync/server-copy.ts'
import { UploadBuffers } from '../../engine/sync/upload-buffers.ts'
import { uploadContent } from '../../engine/sync/upload-content.ts'
import type { UploadJob } from '../../engine/sync/upload-job.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const MIB = 1024 * 1024
const clock = new SystemClock()
const random = new SystemRandom()
const signal = new AbortController().signal
const capabilities = { conditionalPut: true, conditionalComplete: true, uploadPartCopy: true }

describe('Upload to versitygw', () => {
  let server: Versitygw
  let service: S3ObjectService
  let store: ObjectStore
  let requests: EndpointRequests
  beforeAll(async () => {
    server = await startVersitygw()
    await server.createBucket('bucket')
    const { url, accessKeyId, secretAccessKey } = server
    service = new S3ObjectService({
      endpoint: { url },
      credentials: { accessKeyId, secretAccessKey },
      clock,
    })
    store = service.bucket('bucket')
    const probe = async (probing: AbortSignal) => {
      await store.list({ prefix: '', keysMax: 1 }, probing)
    }
    const connectivity = new Connectivity({ clock, random, log: silentLog, probe })
    requests = new EndpointRequests({ clock, random, connectivity, resetSockets: () => {} })
  }, 30_000)
  afterAll(async () => {
    service?.close()
    await server?.stop()
  })

  const upload = (
    key: string,
    content: Uint8Array,
    rest: Partial<UploadJob> & { extents?: readonly Extent[]; base?: ObjectVersion } = {},
  ) => {
    const { extents = [{ start: 0, end: content.length }], base, ...job } = rest
    const read = async (offset: number, into: Uint8Array) => {
      into.set(content.subarray(offset, offset + into.length))
    }
    const source = { sizeBytes: content.length, extents, read, ...(base ? { base } : {}) }
    const noteCapability = (name: string) => expect(name).toBe('nothing missing')
    return uploadContent(
      {
        store,
        requests,
        capabilities,
        key,
        source,
        attributes: { metadata: { mtime: '5' } },
        save: async () => {},
        isCurrent: () => true,
        signal,
        ...job,
      },
      { buffers: new UploadBuffers(), noteCapability },
    )
  }
  const etagOf = (outcome: Awaited<ReturnType<typeof upload>>): Etag => {
    if (outcome.outcome !== 'stored') throw new Error('not stored')
    return outcome.etag
  }
  const contentOf = async (key: string) => {
    const { etag, sizeBytes } = await store.head(key)
    const into = new Uint8Array(sizeBytes)
    await store.get({ key, etag, offset: 0, into })
    return into
  }

  test('a new file is one PUT, a replaced one too, and a foreign version is a conflict', async () => {
    await server.resetRequests()
    const first = etagOf(
      await upload('a', Buffer.from('one'), { precondition: { ifAbsent: true } }),
    )
    await upload('a', Buffer.from('two'), { precondition: { ifMatch: first } })
    expect((await server.requests()).byAction).toEqual({ s3_PutObject: 2 })
    const stale = upload('a', Buffer.from('three'), { precondition: { ifMatch: first } })
    await expect(stale).rejects.toMatchObject({ code: 's3/precondition' })
    const absent = upload('a', Buffer.from('three'), { precondition: { ifAbsent: true } })
    await expect(absent).rejects.toMatchObject({ code: 's3/precondition' })
    expect(Buffer.from(await contentOf('a')).toString()).toBe('two')
  })

  test('a large file goes in parts; a patch of it sends one part and copies the rest', async () => {
    const before = new Uint8Array(20 * MIB).map((_, i) => (i * 31) >> 7)
    const etag = etagOf(await upload('large', before, { precondition: { ifAbsent: true } }))
    const after = before.slice()
    after.fill(9, 7 * MIB, 7 * MIB + 1000)
    await server.resetRequests()
    await upload('large', after, {
      extents: [{ start: 7 * MIB, end: 7 * MIB + 1000 }],
      base: { volume: 1, key: 'large', etag, sizeBytes: before.length },
      precondition: { ifMatch: etag },
    })
    expect((await server.requests()).byAction).toEqual({
      s3_CreateMultipartUpload: 1,
      s3_UploadPart: 1,
      s3_UploadPartCopy: 2,
      s3_CompleteMultipartUpload: 1,
    })
    expect(Buffer.compare(await contentOf('large'), after)).toBe(0)
    expect((await store.head('large')).metadata).toEqual({ mtime: '5' })
    const stale = upload('large', before, { precondition: { ifMatch: etag } })
    await expect(stale).rejects.toMatchObject({ code: 's3/precondition' })
    expect(await store.listMultipart('')).toEqual([])
  }, 60_000)

  test('copies are verified, in place too, and deletes go in batches', async () => {
    const etag = etagOf(await upload('from', Buffer.from('moved')))
    const source = { volume: 1, key: 'from', etag, sizeBytes: 5 }
    const copy = { store, requests, capabilities, source, signal }
    const precondition = { ifAbsent: true } as const
    const made = await serverCopy({ ...copy, key: 'to', precondition })
    expect(await serverCopy({ ...copy, key: 'to', precondition })).toEqual(made)
    await serverCopy({ ...copy, key: 'from', replace: { metadata: { mtime: '6' } } })
    expect((await store.head('from')).metadata).toEqual({ mtime: '6' })
    const results = await deleteKeys({ store, requests, clock, random, signal }, [
      'from',
      'to',
      'a',
      'large',
      'never there',
    ])
    expect(results.filter(({ error }) => error)).toEqual([])
    expect((await store.list({ prefix: '' })).objects).toEqual([])
  })
})
