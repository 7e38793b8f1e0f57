import { describe, expect, test } from 'vitest'
import type { ObjectHead } from '../../../engine/s3/object-store.ts'
import { serverCopy } from '../../../engine/sync/server-copy.ts'
import type { ServerCopy } from '../../../engine/sync/server-copy-check.ts'
import { COPY_PART_BYTES, copyParts } from '../../../engine/sync/server-copy-parts.ts'
import { abandonUpload } from '../../../engine/sync/upload-content.ts'
import { PART_BYTES_MIN, PARTS_MAX } from '../../../engine/sync/upload-plan.ts'
import { etagOfMd5 } from '../../../engine/sync/upload-proof.ts'
import { EMPTY_UPLOAD_RECORD, type UploadRecord } from '../../../engine/sync/upload-record.ts'
import { PailError } from '../../../shared/errors.ts'
import { ALL, makeWorld, version, type World } from './upload-world.ts'

const GIB = 1024 ** 3
const ABSENT = { ifAbsent: true } as const

function makeSource(world: World, key = 'from', body = 'content') {
  const etag = world.memory.putDirect(key, body, { metadata: { mtime: '1' }, contentType: 'a/b' })
  return version(key, etag, body.length)
}

function run(world: World, options: Partial<ServerCopy> & Pick<ServerCopy, 'source'>) {
  const { store, requests, capabilities } = world
  const { signal } = new AbortController()
  const copy = { store, requests, capabilities, key: 'to', signal, ...options }
  return world.clock.until(serverCopy(copy))
}

describe('Server-side copy', () => {
  test('copies content and attributes, and is verified by one HEAD', async () => {
    const world = makeWorld()
    const source = makeSource(world)
    const { etag } = await run(world, { source })
    expect(world.memory.stored('to')).toMatchObject({
      etag,
      metadata: { mtime: '1' },
      contentType: 'a/b',
    })
    expect(world.memory.requests()).toEqual({ copy: 1, head: 1 })
    expect(world.memory.bytesOf('from')).toBeDefined()
  })

  test('replaces the attributes of an object in place', async () => {
    const world = makeWorld()
    const source = makeSource(world)
    await run(world, { source, key: 'from', replace: { metadata: { mtime: '2' } } })
    expect(world.memory.stored('from')?.metadata).toEqual({ mtime: '2' })
  })

  test('arrives when any one request or reply is lost', async () => {
    for (const [key, replace] of [
      ['to', undefined],
      ['from', { metadata: { mtime: '2' } }],
    ] as const) {
      for (const precondition of [undefined, ABSENT]) {
        for (let number = 1; number <= 3; number++) {
          for (const fault of ['not-sent', 'reply-lost', 's3/server', 's3/integrity'] as const) {
            const world = makeWorld()
            const source = makeSource(world)
            world.faults.next = (call) => (call.number === number ? fault : undefined)
            const options = {
              ...(replace ? { replace } : {}),
              ...(precondition ? { precondition } : {}),
            }
            const { etag } = await run(world, { source, key, ...options })
            expect(world.memory.stored(key)?.etag).toBe(etag)
            expect(Buffer.from(world.memory.bytesOf(key) ?? []).toString()).toBe('content')
          }
        }
      }
    }
  })

  test('a foreign object at the destination is never overwritten, our own earlier copy is no obstacle', async () => {
    const world = makeWorld()
    const source = makeSource(world)
    world.memory.putDirect('to', 'foreign')
    await expect(run(world, { source, precondition: ABSENT })).rejects.toMatchObject({
      code: 's3/precondition',
    })
    expect(world.memory.requests().copy).toBeUndefined()
    world.memory.deleteDirect('to')
    const first = await run(world, { source, precondition: ABSENT })
    world.memory.resetRequests()
    expect(await run(world, { source, precondition: ABSENT })).toEqual(first)
    expect(world.memory.requests()).toEqual({ head: 1 })
  })

  describe('of an object that came in parts, whose copy has another ETag,', () => {
    const BODY = 'content in parts'
    const inParts = async (world: World, key: string, body: string) => {
      const { signal } = new AbortController()
      const { uploadId } = await world.memory.createMultipart({ key }, signal)
      const part = { key, uploadId, partNumber: 1, body: Buffer.from(body) }
      const { etag } = await world.memory.uploadPart(part, signal)
      const parts = [{ partNumber: 1, etag }]
      const done = await world.memory.completeMultipart({ key, uploadId, parts }, signal)
      return version(key, done.etag, body.length)
    }
    const openUploads = (world: World) =>
      world.memory.listMultipart('', new AbortController().signal)

    test.for([true, false])('arrives when a reply is lost; part copies: %s', async (partCopies) => {
      for (const fault of ['reply-lost', 's3/server'] as const) {
        const world = makeWorld({ capabilities: { ...ALL, uploadPartCopy: partCopies } })
        const source = await inParts(world, 'from', BODY)
        let isLost = false
        world.faults.next = ({ name }) => {
          if (name !== 'copy' || isLost) return undefined
          isLost = true
          return fault
        }
        const { etag } = await run(world, { source, precondition: ABSENT })
        expect(world.memory.stored('to')?.etag).toBe(etag)
        expect(etag).not.toBe(source.etag)
        expect(await openUploads(world)).toEqual([])
      }
    })

    test.for([true, false])(
      'gives way to another object that is as long; part copies: %s',
      async (partCopies) => {
        const world = makeWorld({ capabilities: { ...ALL, uploadPartCopy: partCopies } })
        const source = await inParts(world, 'from', BODY)
        world.memory.putDirect('to', BODY.toUpperCase())
        await expect(run(world, { source, precondition: ABSENT })).rejects.toMatchObject({
          code: 's3/precondition',
        })
        expect(Buffer.from(world.memory.bytesOf('to') ?? []).toString()).toBe(BODY.toUpperCase())
        expect(await openUploads(world)).toEqual([])
      },
    )
  })

  test('a source that changed or is gone is not copied', async () => {
    const world = makeWorld()
    const source = makeSource(world)
    world.memory.putDirect('from', 'changed')
    await expect(run(world, { source })).rejects.toMatchObject({ code: 's3/precondition' })
    world.memory.deleteDirect('from')
    await expect(run(world, { source })).rejects.toMatchObject({ code: 's3/no-key' })
    expect(world.memory.keys()).toEqual([])
  })

  test('regression: a copy onto itself that changed the ETag was a conflict with itself when its reply was lost', async () => {
    const world = makeWorld()
    const content = 'made of parts'
    const composite = `"${'c'.repeat(32)}-2"`
    world.memory.putDirect('from', content, { metadata: { mtime: '1' } })
    let isCopied = false
    world.faults.next = ({ name }) => {
      if (name !== 'copy') return undefined
      return async () => {
        if (isCopied) throw new PailError('s3/precondition', 'another version')
        isCopied = true
        world.memory.putDirect('from', content, { metadata: { mtime: '2' } })
        throw new PailError('net/reset', 'the reply was lost')
      }
    }
    const source = version('from', composite as ReturnType<typeof etagOfMd5>, content.length)
    const { etag } = await run(world, {
      source,
      key: 'from',
      replace: { metadata: { mtime: '2' } },
    })
    expect(etag).toBe(world.memory.stored('from')?.etag)
  })

  test('a copy that is not whole, or not the same, is never reported as done', async () => {
    const wrong: Array<(head: ObjectHead) => ObjectHead> = [
      (head) => ({ ...head, sizeBytes: head.sizeBytes - 1 }),
      (head) => ({ ...head, etag: etagOfMd5('0'.repeat(32)) }),
    ]
    for (const change of wrong) {
      const world = makeWorld()
      const source = makeSource(world)
      world.faults.next = ({ name }) =>
        name === 'head' ? async (act) => change((await act()) as ObjectHead) : undefined
      await expect(run(world, { source })).rejects.toMatchObject({ code: 's3/integrity' })
    }
    const gone = makeWorld()
    const source = makeSource(gone)
    gone.faults.next = ({ name }) => (name === 'head' ? 's3/no-key' : undefined)
    await expect(run(gone, { source })).rejects.toMatchObject({ code: 's3/integrity' })
  })
})

/** A source of any size: the store is told about parts, not given them. */
function makeHuge(world: World, sizeBytes: number) {
  const source = version('from', `"${'d'.repeat(32)}-9"` as ReturnType<typeof etagOfMd5>, sizeBytes)
  const copied: Array<{ partNumber: number; offset: number; lengthBytes: number }> = []
  const state: { done: ObjectHead | undefined; completes: number } = {
    done: undefined,
    completes: 0,
  }
  const answer = ({ name, args }: { name: string; args: readonly unknown[] }) => {
    const [request] = args
    if (name === 'uploadPartCopy') {
      return async () => {
        const part = request as (typeof copied)[number]
        copied.push(part)
        return { etag: etagOfMd5(part.partNumber.toString(16).padStart(32, '0')) }
      }
    }
    if (name === 'completeMultipart') {
      return async () => {
        state.completes++
        if (state.done) throw new PailError('s3/no-key', 'NoSuchUpload')
        const { createHash } = await import('node:crypto')
        const { parts } = request as { parts: Array<{ etag: string }> }
        const md5 = createHash('md5')
        for (const { etag } of parts) md5.update(Buffer.from(etag.slice(1, -1), 'hex'))
        const etag = `"${md5.digest('hex')}-${parts.length}"` as typeof source.etag
        state.done = { key: 'to', sizeBytes, etag, modifiedMs: 0, metadata: {} }
        return { etag }
      }
    }
    if (name === 'head') {
      return async () => {
        if (request === 'from') return { ...source, modifiedMs: 0, metadata: { mtime: '1' } }
        if (!state.done) throw new PailError('s3/no-key', 'none')
        return state.done
      }
    }
    return undefined
  }
  world.faults.next = answer
  return { source, copied, state, answer }
}

describe('Server-side copy of more than 5 GiB', () => {
  test('goes part by part, carries the attributes over, and appears at once', async () => {
    const world = makeWorld()
    const { source, copied } = makeHuge(world, 6 * GIB + 5)
    const saved: Array<UploadRecord | undefined> = []
    const save = async (record: UploadRecord | undefined) => void saved.push(record)
    await run(world, { source, precondition: ABSENT, save })
    copied.sort((a, b) => a.partNumber - b.partNumber)
    expect(copied.map(({ offset, lengthBytes }) => [offset, lengthBytes])).toEqual([
      ...Array.from({ length: 6 }, (_, i) => [i * COPY_PART_BYTES, COPY_PART_BYTES]),
      [6 * GIB, 5],
    ])
    const created = world.calls.find(({ name }) => name === 'createMultipart')
    expect(created?.args[0]).toMatchObject({ metadata: { mtime: '1' } })
    expect(saved.map((record) => [record?.opening?.key, record?.orphans.length])).toEqual([
      ['to', 0],
      [undefined, 1],
      [undefined, undefined],
    ])
  })

  test('arrives when any one request or reply is lost', async () => {
    const count = await (async () => {
      const world = makeWorld()
      const { source } = makeHuge(world, 6 * GIB)
      await run(world, { source, precondition: ABSENT })
      return world.calls.length
    })()
    for (let number = 1; number <= count; number++) {
      for (const isActed of [false, true]) {
        const world = makeWorld()
        const { source, answer, state } = makeHuge(world, 6 * GIB)
        world.faults.next = (call) => {
          const fault = answer(call)
          if (call.number !== number) return fault
          return async (act) => {
            if (isActed) await (fault ? fault() : act()).catch(() => {})
            throw new PailError('net/reset', 'lost')
          }
        }
        const saved: Array<UploadRecord | undefined> = []
        const save = async (record: UploadRecord | undefined) => void saved.push(record)
        expect(await run(world, { source, precondition: ABSENT, save })).toEqual({
          etag: state.done?.etag,
        })
        expect(saved.at(-1), 'nothing is left to clean up').toBeUndefined()
        expect(world.memory.openUploads(), 'the one that was completed').toBe(1)
      }
    }
  })

  test('is aborted when a part fails for good, and refused where parts cannot be copied', async () => {
    const world = makeWorld()
    const { source, answer } = makeHuge(world, 20 * GIB)
    world.faults.next = (call) => {
      const [request] = call.args as [{ partNumber?: number }]
      return request?.partNumber === 7 ? 'auth/denied' : answer(call)
    }
    await expect(run(world, { source })).rejects.toMatchObject({ code: 'auth/denied' })
    expect(world.memory.openUploads()).toBe(0)
    expect([world.requests.running, world.requests.waiting]).toEqual([0, 0])
    const capabilities = { ...ALL, uploadPartCopy: false }
    await expect(run(world, { source, capabilities })).rejects.toMatchObject({
      code: 's3/unsupported',
    })
  })

  test('an upload whose id never came stays on record when the copy is given up', async () => {
    const world = makeWorld()
    const { source, answer } = makeHuge(world, 6 * GIB)
    world.faults.next = (call) => {
      if (call.name !== 'createMultipart') return answer(call)
      return async (act) => {
        await act()
        throw new PailError('s3/server', 'done, and forgotten')
      }
    }
    const saved: Array<UploadRecord | undefined> = []
    const save = async (record: UploadRecord | undefined) => void saved.push(record)
    await expect(run(world, { source, save })).rejects.toMatchObject({ code: 's3/server' })
    expect(world.memory.openUploads()).toBeGreaterThan(1)
    const [left] = saved.slice(-1)
    expect(left?.opening).toMatchObject({ key: 'to' })
    await world.clock.until(abandonUpload(world.store, left ?? EMPTY_UPLOAD_RECORD))
    expect(world.memory.openUploads()).toBe(0)
  })

  test('parts tile the object in legal sizes up to 10 TB', () => {
    for (const sizeBytes of [5 * GIB + 1, 6 * GIB, 10 * 1000 ** 4, 10 * 1000 ** 4 - 1]) {
      const parts = copyParts(sizeBytes)
      expect(parts.length).toBeLessThanOrEqual(PARTS_MAX)
      let at = 0
      for (const { offset, lengthBytes } of parts) {
        expect(offset).toBe(at)
        at += lengthBytes
      }
      expect(at).toBe(sizeBytes)
      expect(parts.slice(0, -1).every((part) => part.lengthBytes >= PART_BYTES_MIN)).toBe(true)
    }
  })
})
