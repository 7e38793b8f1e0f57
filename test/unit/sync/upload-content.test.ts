import { describe, expect, test } from 'vitest'
import { abandonUpload } from '../../../engine/sync/upload-content.ts'
import { PARTS_PARALLEL_MAX } from '../../../engine/sync/upload-parts-send.ts'
import { S3_PART_LIMITS } from '../../../engine/sync/upload-plan.ts'
import { decodeUploadRecord } from '../../../engine/sync/upload-record.ts'
import { PailError } from '../../../shared/errors.ts'
import {
  ABSENT,
  callsNeeded,
  cases,
  expectNothingHeld,
  expectStored,
  FAULTS,
  firstOf,
  LARGE,
  onCall,
  prepare,
  SERVERS,
  SMALL,
  timesStored,
} from './upload-kinds.ts'
import { bytes, edited, makeWorld, UNIT, upload, version } from './upload-world.ts'

const MIB = 1024 * 1024

describe('Upload of content', () => {
  test('a small file is exactly one PUT, an empty one too', async () => {
    for (const content of [SMALL, bytes(0)]) {
      const world = makeWorld()
      const { outcome } = await upload(world, { content, precondition: ABSENT })
      expect(outcome).toBe('stored')
      expect(world.memory.requests()).toEqual({ put: 1 })
      expectStored(world, content)
      expect(world.memory.stored('file')).toMatchObject({
        metadata: { mtime: '1234.500000001' },
        contentType: 'text/plain',
      })
      expectNothingHeld(world)
    }
  })

  test('a small file tells of its bytes while they are on their way', async () => {
    const world = makeWorld()
    const progress: number[] = []
    await upload(world, { content: SMALL, onProgress: ({ doneBytes }) => progress.push(doneBytes) })
    expect(progress).toEqual([SMALL.length])
  })

  test('a large file goes in parts, and the UploadId is saved before the first', async () => {
    const world = makeWorld()
    const progress: number[] = []
    world.faults.next = ({ name }) => {
      const { record } = world.journal
      if (name === 'uploadPart')
        expect(record && decodeUploadRecord(record).multipart).toBeDefined()
      return undefined
    }
    await upload(world, { content: LARGE, onProgress: ({ doneBytes }) => progress.push(doneBytes) })
    expect(world.memory.requests()).toEqual({
      createMultipart: 1,
      uploadPart: 3,
      completeMultipart: 1,
    })
    expectStored(world, LARGE)
    expect(progress.at(-1)).toBe(LARGE.length)
    // Bytes of a part count while it is on its way, and not twice when it is there.
    expect(Math.max(...progress)).toBe(LARGE.length)
    expect(new Set(progress).size).toBeGreaterThan(2)
    expect(world.memory.openUploads()).toBe(0)
  })

  test('parts go side by side, no more than may be under way', async () => {
    const world = makeWorld()
    let underWay = 0
    let most = 0
    world.faults.next = ({ name }) => {
      if (name !== 'uploadPart') return undefined
      return async (act) => {
        most = Math.max(most, ++underWay)
        await world.clock.sleep(100)
        underWay--
        return act()
      }
    }
    const content = bytes(8 * UNIT * PARTS_PARALLEL_MAX * 2, 8)
    await upload(world, { content })
    expectStored(world, content)
    expect(most).toBeGreaterThan(PARTS_PARALLEL_MAX / 2)
    expect(most).toBeLessThanOrEqual(PARTS_PARALLEL_MAX)
  })

  test('20 appends of 1 kB to 64 MiB, coalesced, send a few kB', async () => {
    const world = makeWorld({ limits: S3_PART_LIMITS })
    const before = bytes(64 * MIB, 4)
    const etag = world.memory.putDirect('file', before)
    const extents = [{ start: before.length, end: before.length + 20 * 1024 }]
    const content = edited(before, extents, before.length + 20 * 1024)
    let sent = 0
    world.faults.next = ({ name, args }) => {
      const [request] = args
      if (name === 'uploadPart') sent += (request as { body: Uint8Array }).body.length
      return undefined
    }
    const base = version('file', etag, before.length)
    await upload(world, { content, extents, base, precondition: { ifMatch: etag } })
    expect(sent).toBe(20 * 1024)
    expect(world.calls.length).toBeLessThanOrEqual(5)
    expectStored(world, content)
  })

  test('memory for bodies stays within its limit, whatever runs at once', async () => {
    const world = makeWorld({ bufferBytes: 20 * UNIT })
    let most = 0
    world.faults.next = () => {
      most = Math.max(most, world.buffers.usedBytes)
      return undefined
    }
    const contents = [LARGE, bytes(33 * UNIT, 5), bytes(12 * UNIT, 6), SMALL]
    await Promise.all(
      contents.map((content, i) =>
        upload(world, { content, key: `file${i}`, save: async () => {} }),
      ),
    )
    contents.forEach((content, i) => {
      expectStored(world, content, `file${i}`)
    })
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(20 * UNIT)
    expectNothingHeld(world)
  })
})

describe('Upload and lost requests', () => {
  test.each(cases)(
    '%s arrives once at %s when any one request or reply is lost',
    async (kind, server) => {
      const count = await callsNeeded(kind, server)
      for (let number = 1; number <= count; number++) {
        for (const fault of FAULTS) {
          const { world, options } = prepare(kind, server)
          world.faults.next = onCall(number, fault)
          const outcome = await upload(world, options)
          const what = `${fault} at request ${number}: ${world.calls.map(({ name }) => name)}`
          expect(outcome, what).toMatchObject({
            outcome: 'stored',
            etag: world.memory.stored('file')?.etag,
          })
          expectStored(world, options.content)
          if (options.precondition) expect(timesStored(world, options.content), what).toBe(1)
          expectNothingHeld(world)
        }
      }
    },
  )

  test.each(cases)('%s arrives at %s after a crash at any request', async (kind, server) => {
    const count = await callsNeeded(kind, server)
    for (let number = 1; number <= count; number++) {
      for (const hasActed of [false, true]) {
        const { world, options } = prepare(kind, server)
        const crash = new AbortController()
        world.faults.next = onCall(number, async (act) => {
          if (hasActed) await act().catch(() => {})
          crash.abort(new PailError('engine/stopped', 'crash'))
          return new Promise(() => {})
        })
        await expect(upload(world, { ...options, signal: crash.signal })).rejects.toMatchObject({
          code: 'engine/stopped',
        })
        expectNothingHeld(world)
        world.faults.next = () => undefined
        const what = `crash at ${number}, ${hasActed ? 'after' : 'before'} the server acted`
        expect(await upload(world, options), what).toMatchObject({
          outcome: 'stored',
          etag: world.memory.stored('file')?.etag,
        })
        expectStored(world, options.content)
        if (options.precondition) expect(timesStored(world, options.content), what).toBe(1)
      }
    }
  })

  test.each(cases)(
    'newer content replaces %s at %s after a crash, and is no conflict with it',
    async (kind, server) => {
      const count = await callsNeeded(kind, server)
      for (let number = 1; number <= count; number++) {
        const { world, options } = prepare(kind, server)
        const crash = new AbortController()
        world.faults.next = onCall(number, async (act) => {
          await act().catch(() => {})
          crash.abort(new PailError('engine/stopped', 'crash'))
          return new Promise(() => {})
        })
        await expect(upload(world, { ...options, signal: crash.signal })).rejects.toThrow()
        world.faults.next = () => undefined
        const content = options.content.slice()
        const at = options.extents?.[0]?.start ?? 0
        content.set([1, 2, 3], at)
        await upload(world, { ...options, content })
        expectStored(world, content)
      }
    },
  )

  test('a lost reply is not believed when somebody else wrote meanwhile: that is a conflict', async () => {
    for (const server of Object.keys(SERVERS)) {
      for (const kind of ['a new small file', 'a replaced small file', 'a new large file']) {
        const { world, options } = prepare(kind, server)
        const commit = options.content.length > 16 * UNIT ? 'completeMultipart' : 'put'
        world.faults.next = firstOf(commit, async (act) => {
          await act().catch(() => {})
          world.memory.putDirect('file', 'somebody else')
          throw new PailError('net/reset', 'the reply was lost')
        })
        await expect(upload(world, options), `${kind} at ${server}`).rejects.toMatchObject({
          code: 's3/precondition',
        })
        expect(world.memory.openUploads()).toBe(0)
        expectStored(world, Buffer.from('somebody else'))
      }
    }
  })

  test.each(cases.filter(([kind]) => !kind.includes('without')))(
    '%s never overwrites a foreign version at %s',
    async (kind, server) => {
      const { world, options } = prepare(kind, server)
      world.memory.putDirect('file', 'foreign')
      await expect(upload(world, options)).rejects.toMatchObject({ code: 's3/precondition' })
      expectStored(world, Buffer.from('foreign'))
      expect(world.memory.openUploads()).toBe(0)
      expectNothingHeld(world)
    },
  )

  test('a file that was deleted in the bucket meanwhile is a conflict, not a new file', async () => {
    for (const [kind, server] of cases.filter(([name]) => /replaced|patched/.test(name))) {
      const { world, options } = prepare(kind, server)
      world.memory.deleteDirect('file')
      await expect(upload(world, options)).rejects.toMatchObject({ code: 's3/precondition' })
      expect(world.memory.keys()).toEqual([])
    }
  })
})

describe('Upload and newer content', () => {
  test.each(cases)(
    '%s at %s stops at every point where newer content appears',
    async (kind, server) => {
      const probe = prepare(kind, server)
      let questions = 0
      const isCurrent = () => {
        questions++
        return true
      }
      await upload(probe.world, { ...probe.options, isCurrent })
      expect(questions).toBeGreaterThan(1)
      for (let last = 0; last < questions; last++) {
        const { world, options } = prepare(kind, server)
        const before = world.memory.stored('file')?.etag
        let asked = 0
        const outcome = await upload(world, { ...options, isCurrent: () => asked++ < last })
        expect(outcome).toEqual({ outcome: 'superseded' })
        expect(world.memory.stored('file')?.etag, `after ${last} questions`).toBe(before)
        expect(world.memory.openUploads()).toBe(0)
        expectNothingHeld(world)
      }
    },
  )

  test('content that is superseded while its bytes are read is not sent', async () => {
    for (const content of [SMALL, LARGE]) {
      const world = makeWorld()
      let isRead = false
      const outcome = await upload(world, {
        content,
        onRead: () => {
          isRead = true
        },
        isCurrent: () => !isRead,
      })
      expect(outcome).toEqual({ outcome: 'superseded' })
      expect(world.memory.requests().put).toBeUndefined()
      expect(world.memory.requests().uploadPart).toBeUndefined()
    }
  })

  test('content that is superseded between two tries is not sent again', async () => {
    for (const [kind, name] of [
      ['a new small file', 'put'],
      ['a new large file', 'uploadPart'],
      ['a new large file', 'completeMultipart'],
      ['a patched large file', 'uploadPartCopy'],
    ] as const) {
      const { world, options } = prepare(kind, 'a modern server')
      let failed = 0
      world.faults.next = (call) => {
        if (call.name !== name) return undefined
        failed++
        return 'not-sent'
      }
      const outcome = await upload(world, { ...options, isCurrent: () => failed === 0 })
      expect(outcome).toEqual({ outcome: 'superseded' })
      expect(world.memory.requests()[name]).toBeUndefined()
      expect(world.memory.openUploads()).toBe(0)
    }
  })

  test('an upload that cannot be aborted is remembered until it can', async () => {
    const world = makeWorld()
    let parts = 0
    world.faults.next = ({ name }) => {
      if (name === 'uploadPart') parts++
      return name === 'abortMultipart' ? 's3/server' : undefined
    }
    const outcome = await upload(world, { content: LARGE, isCurrent: () => parts === 0 })
    expect(outcome).toEqual({ outcome: 'superseded' })
    expect(world.memory.openUploads()).toBe(1)
    const record = decodeUploadRecord(world.journal.record ?? new Uint8Array())
    await expect(abandonUpload(world.store, record)).rejects.toMatchObject({ code: 's3/server' })
    world.faults.next = () => undefined
    await abandonUpload(world.store, record)
    expect(world.memory.openUploads()).toBe(0)
  })

  test('what the next upload of the same file finds unaborted, it aborts', async () => {
    const world = makeWorld()
    world.faults.next = ({ name }) => (name === 'abortMultipart' ? 's3/server' : undefined)
    let asked = 0
    await upload(world, { content: LARGE, isCurrent: () => asked++ < 6 })
    expect(world.memory.openUploads()).toBe(1)
    world.faults.next = () => undefined
    expect(await upload(world, { content: SMALL })).toMatchObject({
      outcome: 'stored',
      orphans: [],
    })
    expect(world.memory.openUploads()).toBe(0)
  })
})
