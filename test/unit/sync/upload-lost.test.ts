import { describe, expect, test } from 'vitest'
import { abandonUpload } from '../../../engine/sync/upload-content.ts'
import { decodeUploadRecord, type UploadRecord } from '../../../engine/sync/upload-record.ts'
import { PailError } from '../../../shared/errors.ts'
import { expectStored, firstOf, LARGE, SMALL } from './upload-kinds.ts'
import { bytes, type Fault, makeWorld, UNIT, upload, type World } from './upload-world.ts'

const HOUR_MS = 60 * 60_000

/** The engine dies as soon as the request is carried out: nothing after it is seen or recorded. */
async function killedAfter(world: World, content: Uint8Array, name: Killed, nth = 1) {
  const crash = new AbortController()
  let count = 0
  world.faults.next = (call) => {
    if (call.name !== name || ++count !== nth) return undefined
    return async (act) => {
      await act()
      // What was answered before this is on record by now.
      await world.clock.sleep(1)
      crash.abort(new PailError('engine/stopped', 'crash'))
      return new Promise(() => {})
    }
  }
  await expect(upload(world, { content, signal: crash.signal })).rejects.toThrow()
  world.faults.next = () => undefined
  world.memory.resetRequests()
}
type Killed = 'createMultipart' | 'uploadPart'

const recordOf = (world: World): UploadRecord =>
  decodeUploadRecord(world.journal.record ?? new Uint8Array())

describe('Multipart upload whose id was lost', () => {
  test('is asked for as before when nothing goes wrong, and leaves nothing on record', async () => {
    const world = makeWorld()
    await upload(world, { content: LARGE })
    expect(world.memory.requests()).toEqual({
      createMultipart: 1,
      uploadPart: 3,
      completeMultipart: 1,
    })
    expect(recordOf(world)).toMatchObject({ orphans: [] })
    expect(recordOf(world).opening).toBeUndefined()
  })

  const lost: Array<[string, Fault]> = [
    ['was lost', 'reply-lost'],
    ['was a failure', afterwards('s3/server')],
    ['said that the server is busy', afterwards('s3/busy')],
    ['could not be read', afterwards('s3/bad-reply')],
  ]
  test.each(lost)('is aborted when its reply %s and the next one arrived', async (_, fault) => {
    const world = makeWorld()
    world.faults.next = firstOf('createMultipart', fault, fault)
    expect(await upload(world, { content: LARGE })).toMatchObject({ orphans: [] })
    expectStored(world, LARGE)
    expect(world.memory.requests().createMultipart).toBe(3)
    expect(world.memory.openUploads()).toBe(0)
  })

  test.each([
    ['of the same content', LARGE],
    ['of content that is small by then', SMALL],
  ])('is aborted by the next upload %s after a crash', async (_, content) => {
    const world = makeWorld()
    await killedAfter(world, LARGE, 'createMultipart')
    expect(world.memory.openUploads()).toBe(1)
    expect(await upload(world, { content })).toMatchObject({ orphans: [] })
    expectStored(world, content)
    expect(world.memory.openUploads()).toBe(0)
    expect(world.memory.requests().listMultipart).toBe(1)
  })

  test('is aborted when the file is removed instead', async () => {
    const world = makeWorld()
    await killedAfter(world, LARGE, 'createMultipart')
    await abandonUpload(world.store, recordOf(world))
    expect(world.memory.openUploads()).toBe(0)
  })

  test('is remembered while it cannot be aborted, as one however often it happens', async () => {
    const world = makeWorld()
    for (let i = 0; i < 3; i++) await killedAfter(world, LARGE, 'createMultipart')
    world.faults.next = ({ name }) => (name === 'listMultipart' ? 's3/server' : undefined)
    const outcome = await upload(world, { content: LARGE })
    expect(outcome).toMatchObject({ outcome: 'stored', orphans: [{ key: 'file' }] })
    world.faults.next = () => undefined
    await abandonUpload(world.store, { ...recordOf(world), multipart: undefined })
    expect(world.memory.openUploads()).toBe(0)
  })

  test('is not looked for by keys that may not list uploads', async () => {
    const world = makeWorld()
    await killedAfter(world, LARGE, 'createMultipart')
    world.faults.next = ({ name }) => (name === 'listMultipart' ? 'auth/denied' : undefined)
    expect(await upload(world, { content: LARGE })).toMatchObject({ orphans: [] })
    expectStored(world, LARGE)
  })

  test('is not looked for when the server refused to open one', async () => {
    const world = makeWorld()
    world.faults.next = firstOf('createMultipart', afterwards('auth/denied'))
    await expect(upload(world, { content: LARGE })).rejects.toMatchObject({ code: 'auth/denied' })
    expect(world.journal.record).toBeUndefined()
  })

  test('is never taken for somebody else’s: other keys, other times, parts, ids on record', async () => {
    const world = makeWorld()
    const { memory, clock } = world
    const open = async (key: string) => (await memory.createMultipart({ key })).uploadId
    const kept = [await open('file')]
    await clock.until(clock.sleep(HOUR_MS))
    kept.push(await open('file2'), await open('fil'))
    const theirs = await open('file')
    await memory.uploadPart({ key: 'file', uploadId: theirs, partNumber: 1, body: bytes(10) })
    const recorded = await open('file')
    await killedAfter(world, LARGE, 'createMultipart')
    await clock.until(clock.sleep(2 * HOUR_MS))
    kept.push(theirs, await open('file'))
    const record = recordOf(world)
    const multipart = { key: 'other', uploadId: recorded, attributes: '', parts: [] }
    await abandonUpload(world.store, { ...record, multipart })
    kept.push(recorded)
    const left = (await memory.listMultipart('')).map(({ uploadId }) => uploadId)
    expect(left.sort()).toEqual(kept.sort())
  })
})

describe('Part that arrived just before a crash', () => {
  const content = bytes(40 * UNIT, 8)

  test('is not sent again', async () => {
    const world = makeWorld()
    await killedAfter(world, content, 'uploadPart', 3)
    const sent = (await world.memory.listMultipart(''))[0]
    const there = await world.memory.listParts('file', sent?.uploadId ?? '')
    expect(there.length).toBeGreaterThan(recordOf(world).multipart?.parts.length ?? 0)
    await upload(world, { content })
    expect(world.memory.requests().uploadPart ?? 0).toBe(5 - there.length)
    expectStored(world, content)
  })

  test('is sent again when the file changed, and when its ETag says nothing', async () => {
    for (const isChanged of [true, false]) {
      const world = makeWorld()
      await killedAfter(world, content, 'uploadPart', 3)
      const now = isChanged ? bytes(40 * UNIT, 9) : content
      const capabilities = { ...world.capabilities, etagIsMd5: false }
      await upload(world, { content: now, ...(isChanged ? {} : { capabilities }) })
      expect(world.memory.requests().uploadPart ?? 0).toBeGreaterThan(0)
      expectStored(world, now)
    }
  })
})

/** The server does it and says that it failed. */
function afterwards(code: PailError['code']): Fault {
  return async (act) => {
    await act()
    throw new PailError(code, 'injected')
  }
}
