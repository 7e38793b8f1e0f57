/**
 * What every object store must do, run over the in-memory one and over a real server.
 */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Etag, ObjectFacts, ObjectInfo, ObjectStore } from '../../engine/s3/object-store.ts'
import { probeCapabilities } from '../../engine/s3/probe.ts'

export type StoreUnderTest = {
  readonly store: ObjectStore
  close(): Promise<void>
}

const MIB = 1024 * 1024
const BOGUS = '"0123456789abcdef0123456789abcdef"' as Etag

/** Keys that some layer might change on the way. */
const CAREFUL_KEYS = [
  'a b+c%20d/50%.txt',
  'quotes/"single\' & <tag>.txt',
  "mark/!'()*,;=:@$.txt",
  'unicode/é-e\u0301-ß-漢字-🙂.txt',
  'unicode/rtl\u202etxt',
  'trailing/space ',
  'dots/.../.hidden',
  'query/?x=1#fragment',
  'back\\slash',
  'tilde~/%7E',
  'control/\t\n.txt',
]

export function objectStoreContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} keeps the contract of an object store`, () => {
    let opened: StoreUnderTest
    let store: ObjectStore
    beforeAll(async () => {
      opened = await open()
      store = opened.store
    }, 60_000)
    afterAll(async () => {
      await opened?.close()
    })

    const read = async (key: string, etag: Etag, offset: number, lengthBytes: number) => {
      const into = new Uint8Array(lengthBytes)
      await store.get({ key, etag, offset, into })
      return into
    }
    const listAll = async (prefix: string, keysMax: number, delimiter?: '/') => {
      const objects: ObjectInfo[] = []
      const prefixes: string[] = []
      let pages = 0
      let token: string | undefined
      do {
        const page = await store.list({
          prefix,
          keysMax,
          ...(delimiter ? { delimiter } : {}),
          ...(token === undefined ? {} : { token }),
        })
        objects.push(...page.objects)
        prefixes.push(...page.prefixes)
        token = page.next
        expect(++pages).toBeLessThan(100)
      } while (token !== undefined)
      return { objects, prefixes, pages, keys: objects.map(({ key }) => key) }
    }

    describe('whole objects', () => {
      test('what was put is described by head and listed with the same facts', async () => {
        const metadata = { mode: '33188', mtime: '1700000000.25' }
        const body = bytes(1000, 1)
        const { etag } = await store.put({
          key: 'put/a.bin',
          body,
          metadata,
          contentType: 'text/x-test',
        })
        expect(etag).toBe(`"${createHash('md5').update(body).digest('hex')}"`)
        const head = await store.head('put/a.bin')
        expect(head).toMatchObject({
          key: 'put/a.bin',
          sizeBytes: 1000,
          etag,
          metadata,
          contentType: 'text/x-test',
        })
        const { objects } = await listAll('put/a.bin', 10)
        expect(objects).toMatchObject([{ key: 'put/a.bin', sizeBytes: 1000, etag }])
        expect(Math.abs((objects[0]?.modifiedMs ?? 0) - head.modifiedMs)).toBeLessThan(1000)
      })

      test('an empty object is an object', async () => {
        const { etag } = await store.put({ key: 'put/empty', body: new Uint8Array(0) })
        expect(await store.head('put/empty')).toMatchObject({ sizeBytes: 0, etag })
        expect(await read('put/empty', etag, 0, 0)).toEqual(new Uint8Array(0))
      })

      test('a range holds exactly the bytes asked for', async () => {
        const body = bytes(100_000, 2)
        const { etag } = await store.put({ key: 'range/a', body })
        expect(await read('range/a', etag, 0, body.length)).toEqual(body)
        expect(await read('range/a', etag, 0, 1)).toEqual(body.slice(0, 1))
        expect(await read('range/a', etag, 99_999, 1)).toEqual(body.slice(99_999))
        expect(await read('range/a', etag, 1234, 4321)).toEqual(body.slice(1234, 1234 + 4321))
      })

      test('a range behind the end is an error, not fewer bytes', async () => {
        const { etag } = await store.put({ key: 'range/short', body: bytes(10, 3) })
        await expect(read('range/short', etag, 5, 6)).rejects.toMatchObject({
          code: expect.stringMatching(/s3\/(bad-reply|precondition)/),
        })
        await expect(read('range/short', etag, 10, 1)).rejects.toMatchObject({
          code: 's3/precondition',
        })
      })

      test('another version is never read in place of the one asked for', async () => {
        const { etag } = await store.put({ key: 'range/changed', body: bytes(100, 4) })
        await store.put({ key: 'range/changed', body: bytes(100, 5) })
        await expect(read('range/changed', etag, 0, 100)).rejects.toMatchObject({
          code: 's3/precondition',
        })
      })

      test('what is not there has an error of its own', async () => {
        const gone = { code: 's3/no-key' }
        await expect(store.head('missing')).rejects.toMatchObject(gone)
        await expect(read('missing', BOGUS, 0, 1)).rejects.toMatchObject(gone)
        await expect(store.copy({ sourceKey: 'missing', key: 'x' })).rejects.toMatchObject(gone)
      })

      test.each(CAREFUL_KEYS)('the key %j comes back as it was sent', async (plain) => {
        const key = `careful/${plain}`
        const { etag } = await store.put({ key, body: bytes(10, 6) })
        expect((await listAll(key, 10)).keys).toEqual([key])
        expect(await read(key, etag, 0, 10)).toEqual(bytes(10, 6))
        const copied = await store.copy({ sourceKey: key, key: `${key}.copy`, sourceEtag: etag })
        expect(await store.head(`${key}.copy`)).toMatchObject({ etag: copied.etag })
        expect(await store.deleteBatch([key, `${key}.copy`])).toEqual([])
        expect((await listAll(key, 10)).keys).toEqual([])
      })

      test('an aborted call fails with the reason of the signal', async () => {
        const reason = new Error('enough')
        const signal = AbortSignal.abort(reason)
        await expect(store.head('put/a.bin', signal)).rejects.toBe(reason)
        await expect(store.put({ key: 'put/no', body: bytes(1, 1) }, signal)).rejects.toBe(reason)
        await expect(store.list({ prefix: '' }, signal)).rejects.toBe(reason)
      })
    })

    describe('conditions', () => {
      test('if-absent creates once and never overwrites', async () => {
        const precondition = { ifAbsent: true } as const
        const { etag } = await store.put({ key: 'cond/new', body: bytes(5, 7), precondition })
        await expect(
          store.put({ key: 'cond/new', body: bytes(6, 8), precondition }),
        ).rejects.toMatchObject({ code: 's3/precondition' })
        expect(await store.head('cond/new')).toMatchObject({ etag, sizeBytes: 5 })
      })

      test('if-match replaces the version named, and no other', async () => {
        const { etag } = await store.put({ key: 'cond/old', body: bytes(5, 9) })
        const next = await store.put({
          key: 'cond/old',
          body: bytes(6, 10),
          precondition: { ifMatch: etag },
        })
        await expect(
          store.put({ key: 'cond/old', body: bytes(7, 11), precondition: { ifMatch: etag } }),
        ).rejects.toMatchObject({ code: 's3/precondition' })
        expect(await store.head('cond/old')).toMatchObject({ etag: next.etag, sizeBytes: 6 })
      })

      test('if-match on a key that is gone creates nothing', async () => {
        await expect(
          store.put({ key: 'cond/gone', body: bytes(1, 1), precondition: { ifMatch: BOGUS } }),
        ).rejects.toMatchObject({ code: expect.stringMatching(/s3\/(no-key|precondition)/) })
        await expect(store.head('cond/gone')).rejects.toMatchObject({ code: 's3/no-key' })
      })

      test('the probe finds all of it and leaves nothing behind', async () => {
        expect(await probeCapabilities(store, 'probe/scratch')).toEqual({
          conditionalPut: true,
          conditionalComplete: true,
          uploadPartCopy: true,
          etagIsMd5: true,
        })
        expect((await listAll('probe/', 10)).keys).toEqual([])
        expect(await store.listMultipart('probe/')).toEqual([])
      })
    })

    describe('listings', () => {
      const keys = [
        'list/a',
        'list/b/1',
        'list/b/2',
        'list/b/deep/3',
        'list/c',
        'list/d/4',
        'list/\uffee',
        'list/\u{1f642}',
      ]
      beforeAll(async () => {
        for (const key of keys) await store.put({ key, body: bytes(3, 1) })
      })

      test.each([1, 2, 3, 1000])('a delimiter listing by pages of %i is complete', async (max) => {
        const { keys: found, prefixes } = await listAll('list/', max, '/')
        expect(prefixes).toEqual(['list/b/', 'list/d/'])
        expect(found).toEqual(['list/a', 'list/c', 'list/\uffee', 'list/\u{1f642}'])
      })

      test.each([1, 3, 1000])('a flat listing by pages of %i is complete', async (max) => {
        expect([...(await listAll('list/', max)).keys].sort()).toEqual([...keys].sort())
      })

      test('an empty listing is empty, and says that it is the last page', async () => {
        const page = await store.list({ prefix: 'nothing/here/', delimiter: '/' })
        expect(page).toMatchObject({ objects: [], prefixes: [] })
        expect(page.next).toBeUndefined()
      })

      test('start-after begins behind the key named', async () => {
        const page = await store.list({ prefix: 'list/', startAfter: 'list/b/2' })
        expect(page.objects.map(({ key }) => key)).not.toContain('list/b/2')
        expect(page.objects[0]?.key).toBe('list/b/deep/3')
      })
    })

    describe('copies and deletes', () => {
      test('a copy carries attributes over, or replaces them', async () => {
        const { etag } = await store.put({
          key: 'copy/a',
          body: bytes(50, 12),
          metadata: { mtime: '1' },
          contentType: 'text/x-one',
        })
        await store.copy({ sourceKey: 'copy/a', key: 'copy/b', sourceEtag: etag })
        expect(await store.head('copy/b')).toMatchObject({
          metadata: { mtime: '1' },
          contentType: 'text/x-one',
          sizeBytes: 50,
        })
        const replace = { metadata: { mtime: '2' }, contentType: 'text/x-two' }
        await store.copy({ sourceKey: 'copy/a', key: 'copy/a', sourceEtag: etag, replace })
        expect(await store.head('copy/a')).toMatchObject({ ...replace, sizeBytes: 50 })
      })

      test('headers and tags are kept, told by HEAD and GET, and carried over by a copy', async () => {
        const headers = {
          'cache-control': 'no-store',
          'content-disposition': 'attachment; filename="x"',
          'content-language': 'de',
          expires: 'Thu, 01 Jan 2032 00:00:00 GMT',
        }
        const tags = 'team=a%2Bb+c%3A%2F%40&empty='
        const kept = { metadata: { a: 'b' }, contentType: 'text/x-one', headers }
        const { etag } = await store.put({ key: 'facts/a', body: bytes(50, 12), ...kept, tags })
        await store.copy({ sourceKey: 'facts/a', key: 'facts/b', sourceEtag: etag })
        const facts: ObjectFacts[] = []
        const onFacts = (one: ObjectFacts) => facts.push(one)
        await store.get({ key: 'facts/a', etag, offset: 0, into: new Uint8Array(50), onFacts })
        for (const seen of [...facts, await store.head('facts/a'), await store.head('facts/b')]) {
          expect(seen).toMatchObject(kept)
        }
        expect(facts).toHaveLength(1)
        const sorted = (text: string) => [...new URLSearchParams(text)].sort()
        expect(sorted(await store.tags('facts/a'))).toEqual(sorted(tags))
        expect(sorted(await store.tags('facts/b'))).toEqual(sorted(tags))
        await store.copy({ sourceKey: 'facts/a', key: 'facts/a', replace: { metadata: {} } })
        expect(sorted(await store.tags('facts/a'))).toEqual(sorted(tags))
      })

      test('a copy of another version than the one named is refused', async () => {
        await store.put({ key: 'copy/c', body: bytes(5, 13) })
        await expect(
          store.copy({ sourceKey: 'copy/c', key: 'copy/d', sourceEtag: BOGUS }),
        ).rejects.toMatchObject({ code: 's3/precondition' })
        await expect(store.head('copy/d')).rejects.toMatchObject({ code: 's3/no-key' })
      })

      test('deleting what is not there is no error', async () => {
        await store.delete('delete/never')
        await store.put({ key: 'delete/a', body: bytes(1, 1) })
        expect(await store.deleteBatch(['delete/a', 'delete/never'])).toEqual([])
        await expect(store.head('delete/a')).rejects.toMatchObject({ code: 's3/no-key' })
      })

      test('a batch deletes a thousand', async () => {
        const keys = Array.from({ length: 1000 }, (_, index) => `batch/${index}`)
        for (let start = 0; start < keys.length; start += 50) {
          const slice = keys.slice(start, start + 50)
          await Promise.all(slice.map((key) => store.put({ key, body: bytes(1, 1) })))
        }
        expect(await store.deleteBatch(keys)).toEqual([])
        expect((await listAll('batch/', 1000)).keys).toEqual([])
      }, 60_000)
    })

    describe('multipart uploads', () => {
      const upload = async (key: string, bodies: readonly Uint8Array[]) => {
        const { uploadId } = await store.createMultipart({ key, metadata: { mtime: '3' } })
        const parts = []
        for (const [index, body] of bodies.entries()) {
          const partNumber = index + 1
          const { etag } = await store.uploadPart({ key, uploadId, partNumber, body })
          parts.push({ partNumber, etag })
        }
        return { uploadId, parts }
      }

      test('parts become one object, which exists only when completed', async () => {
        const bodies = [bytes(5 * MIB, 14), bytes(1000, 15)]
        const { uploadId, parts } = await upload('multi/a', bodies)
        await expect(store.head('multi/a')).rejects.toMatchObject({ code: 's3/no-key' })
        expect(await store.listParts('multi/a', uploadId)).toEqual(
          parts.map((part, index) => ({ ...part, sizeBytes: bodies[index]?.length })),
        )
        expect(await store.listMultipart('multi/')).toMatchObject([{ key: 'multi/a', uploadId }])
        const { etag } = await store.completeMultipart({ key: 'multi/a', uploadId, parts })
        const head = await store.head('multi/a')
        expect(head).toMatchObject({ etag, sizeBytes: 5 * MIB + 1000, metadata: { mtime: '3' } })
        expect(await read('multi/a', etag, 5 * MIB - 10, 20)).toEqual(
          Uint8Array.from([...bytes(5 * MIB, 14).slice(-10), ...bytes(1000, 15).slice(0, 10)]),
        )
        expect(await store.listMultipart('multi/')).toEqual([])
      }, 30_000)

      test('a part is copied from a range of an object', async () => {
        const source = bytes(6 * MIB, 16)
        const { etag: sourceEtag } = await store.put({ key: 'multi/source', body: source })
        const key = 'multi/patched'
        const { uploadId } = await store.createMultipart({ key })
        const copied = await store.uploadPartCopy({
          key,
          uploadId,
          partNumber: 1,
          sourceKey: 'multi/source',
          sourceEtag,
          offset: 100,
          lengthBytes: 5 * MIB,
        })
        const tail = bytes(10, 17)
        const added = await store.uploadPart({ key, uploadId, partNumber: 2, body: tail })
        const parts = [
          { partNumber: 1, etag: copied.etag },
          { partNumber: 2, etag: added.etag },
        ]
        const { etag } = await store.completeMultipart({ key, uploadId, parts })
        const all = await read(key, etag, 0, 5 * MIB + 10)
        expect(sha256(all)).toBe(sha256(Buffer.concat([source.subarray(100, 100 + 5 * MIB), tail])))
      }, 30_000)

      test('completing under a condition never overwrites', async () => {
        await store.put({ key: 'multi/there', body: bytes(5, 18) })
        const { uploadId, parts } = await upload('multi/there', [bytes(10, 19)])
        const precondition = { ifAbsent: true } as const
        await expect(
          store.completeMultipart({ key: 'multi/there', uploadId, parts, precondition }),
        ).rejects.toMatchObject({ code: 's3/precondition' })
        expect(await store.head('multi/there')).toMatchObject({ sizeBytes: 5 })
        await store.abortMultipart('multi/there', uploadId)
      })

      test('an aborted upload is gone, and aborting it again is no error', async () => {
        const { uploadId } = await upload('multi/aborted', [bytes(10, 20)])
        await store.abortMultipart('multi/aborted', uploadId)
        await store.abortMultipart('multi/aborted', uploadId)
        await expect(store.listParts('multi/aborted', uploadId)).rejects.toMatchObject({
          code: 's3/no-key',
        })
        await expect(store.head('multi/aborted')).rejects.toMatchObject({ code: 's3/no-key' })
      })
    })
  })
}

function sha256(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex')
}

/** Bytes that differ by place and by seed, without chance. */
export function bytes(count: number, seed: number): Uint8Array {
  const block = createHash('sha512').update(`${seed}`).digest()
  const out = new Uint8Array(count)
  for (let start = 0; start < count; start += block.length) {
    block.writeUInt32LE(start, 0)
    out.set(block.subarray(0, Math.min(block.length, count - start)), start)
  }
  return out
}
