import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Capabilities } from '../../../engine/s3/object-store.ts'
import { abandonUpload } from '../../../engine/sync/upload-content.ts'
import { S3_PART_LIMITS } from '../../../engine/sync/upload-plan.ts'
import { decodeUploadRecord } from '../../../engine/sync/upload-record.ts'
import { ERRORS, type ErrorCode, PailError } from '../../../shared/errors.ts'
import {
  ALL,
  bytes,
  type Call,
  edited,
  type Fault,
  type JobOptions,
  makeWorld,
  NONE,
  UNIT,
  upload,
  version,
  type World,
} from './upload-world.ts'

const MIB = 1024 * 1024
const SMALL = bytes(10_000)
const LARGE = bytes(17 * UNIT, 2)
const BEFORE = bytes(18 * UNIT, 3)
const ABSENT = { ifAbsent: true } as const

function expectStored(world: World, content: Uint8Array, key = 'file') {
  const stored = world.memory.bytesOf(key)
  expect(stored && Buffer.compare(stored, content)).toBe(0)
}

/** How often exactly this content came to stand at the key. */
function timesStored(world: World, content: Uint8Array): number {
  const same = world.memory
    .versions('file')
    .filter((one) => one.kind === 'stored' && Buffer.compare(one.object.body, content) === 0)
  return same.length
}

function expectNothingHeld(world: World) {
  expect([world.requests.running, world.requests.waiting]).toEqual([0, 0])
  expect([world.buffers.usedBytes, world.buffers.waiting]).toEqual([0, 0])
}

const onCall = (number: number, fault: Fault) => (call: Call) =>
  call.number === number ? fault : undefined
const firstOf = (name: Call['name'], ...faults: Fault[]) => {
  let count = 0
  return (call: Call) => (call.name === name ? faults[count++] : undefined)
}

/** The kinds of upload there are; each leaves `content` under the key `file`. */
const KINDS: Record<string, (world: World) => JobOptions> = {
  'a new small file': () => ({ content: SMALL, precondition: ABSENT }),
  'a replaced small file': (world) => ({
    content: SMALL,
    precondition: { ifMatch: world.memory.putDirect('file', 'before') },
  }),
  'a small file without a precondition': () => ({ content: SMALL }),
  'a new large file': () => ({ content: LARGE, precondition: ABSENT }),
  'a patched large file': (world) => {
    const before = BEFORE
    const etag = world.memory.putDirect('file', before)
    const extents = [{ start: 7 * UNIT, end: 7 * UNIT + 1000 }]
    return {
      content: edited(before, extents),
      extents,
      base: version('file', etag, before.length),
      precondition: { ifMatch: etag },
    }
  },
}
const SERVERS: Record<string, Capabilities> = {
  'a modern server': ALL,
  'an old server': NONE,
  'a server that honours conditions but copies no parts': { ...ALL, uploadPartCopy: false },
}
const cases = Object.keys(KINDS).flatMap((kind) =>
  Object.keys(SERVERS)
    .filter((server) => kind.startsWith('a patched') || !server.endsWith('copies no parts'))
    .map((server) => [kind, server] as const),
)
const FAULTS: readonly Fault[] = ['not-sent', 'reply-lost', 's3/server', 's3/bad-reply', 's3/busy']

function prepare(kind: string, server: string) {
  const capabilities = SERVERS[server] ?? ALL
  const world = makeWorld({ capabilities })
  const options = KINDS[kind]?.(world) ?? { content: SMALL }
  return { world, options }
}

async function callsNeeded(kind: string, server: string): Promise<number> {
  const { world, options } = prepare(kind, server)
  await upload(world, options)
  return world.calls.length
}

describe('Upload of content', () => {
  test('a small file is exactly one PUT, an empty one too', async () => {
    for (const content of [SMALL, bytes(0)]) {
      const world = makeWorld()
      const { outcome } = await upload(world, { content, precondition: ABSENT })
      expect(outcome).toBe('stored')
      expect(world.memory.requests()).toEqual({ put: 1 })
      expectStored(world, content)
      expect(world.memory.stored('file')).toMatchObject({
        metadata: { mtime: '1234.5' },
        contentType: 'text/plain',
      })
      expectNothingHeld(world)
    }
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
    await upload(world, { content: LARGE, onProgress: (done) => progress.push(done) })
    expect(world.memory.requests()).toEqual({
      createMultipart: 1,
      uploadPart: 3,
      completeMultipart: 1,
    })
    expectStored(world, LARGE)
    expect(progress.at(-1)).toBe(LARGE.length)
    expect(world.memory.openUploads()).toBe(0)
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

describe('Upload that is resumed', () => {
  async function interrupted(world: World, options: JobOptions, afterParts: number) {
    const crash = new AbortController()
    let parts = 0
    world.faults.next = ({ name }) => {
      if (name !== 'uploadPart' || parts++ < afterParts) return undefined
      return async () => {
        // What was sent before this one is recorded by now.
        await world.clock.sleep(1)
        crash.abort(new PailError('engine/stopped', 'crash'))
        return new Promise(() => {})
      }
    }
    await expect(upload(world, { ...options, signal: crash.signal })).rejects.toThrow()
    world.faults.next = () => undefined
    world.memory.resetRequests()
  }

  test('sends only the parts that are missing', async () => {
    const world = makeWorld()
    const content = bytes(40 * UNIT, 8)
    await interrupted(world, { content }, 3)
    await upload(world, { content })
    expect(world.memory.requests()).toEqual({ listParts: 1, uploadPart: 2, completeMultipart: 1 })
    expectStored(world, content)
  })

  test('regression: parts of older content are sent again, however alike the files are', async () => {
    const world = makeWorld()
    const older = bytes(40 * UNIT, 8)
    await interrupted(world, { content: older }, 4)
    const newer = older.slice()
    newer[9 * UNIT] = (newer[9 * UNIT] ?? 0) ^ 1
    await upload(world, { content: newer })
    expect(world.memory.requests().uploadPart).toBe(2)
    expectStored(world, newer)
  })

  test('does not trust a part that the server holds differently', async () => {
    const world = makeWorld()
    const content = bytes(40 * UNIT, 8)
    await interrupted(world, { content }, 4)
    world.faults.next = firstOf('listParts', async (act) => {
      const parts = (await act()) as ReadonlyArray<{ sizeBytes: number }>
      return parts.map((part, i) => (i === 0 ? { ...part, sizeBytes: part.sizeBytes - 1 } : part))
    })
    await upload(world, { content })
    expect(world.memory.requests().uploadPart).toBe(2)
    expectStored(world, content)
  })

  test('starts anew when the upload is gone, and when its attributes are others', async () => {
    const world = makeWorld()
    const content = bytes(40 * UNIT, 8)
    await interrupted(world, { content }, 3)
    const [upload1] = await world.memory.listMultipart('')
    await world.memory.abortMultipart('file', upload1?.uploadId ?? '')
    world.memory.resetRequests()
    await upload(world, { content })
    expect(world.memory.requests()).toMatchObject({ createMultipart: 1, uploadPart: 5 })
    expectStored(world, content)

    const other = makeWorld()
    await interrupted(other, { content }, 3)
    await upload(other, { content, attributes: { metadata: { mtime: '99' } } })
    expect(other.memory.stored('file')?.metadata).toEqual({ mtime: '99' })
    expect(other.memory.openUploads()).toBe(0)
  })

  test('starts anew, a bounded number of times, when the server loses the upload under way', async () => {
    for (const name of ['uploadPart', 'completeMultipart'] as const) {
      const world = makeWorld()
      world.faults.next = firstOf(name, 's3/no-key')
      await upload(world, { content: LARGE })
      expectStored(world, LARGE)
      const broken = makeWorld()
      broken.faults.next = (call) => (call.name === name ? 's3/no-key' : undefined)
      await expect(upload(broken, { content: LARGE })).rejects.toMatchObject({ code: 's3/no-key' })
      expect(broken.memory.requests().createMultipart).toBe(3)
      expectNothingHeld(broken)
    }
  })
})

describe('Upload and a server that does less or lies', () => {
  test.each(['s3/unsupported', 's3/bad-reply'] as const)(
    'bytes are sent when the server answers a copy of parts with %s, and it is not asked again',
    async (code) => {
      const { world, options } = prepare('a patched large file', 'a modern server')
      world.faults.next = (call) => (call.name === 'uploadPartCopy' ? code : undefined)
      await upload(world, options)
      expectStored(world, options.content)
      expect(world.noted).toEqual(['uploadPartCopy=false'])
      expect(world.memory.requests().completeMultipart).toBe(1)
    },
  )

  test('keys that may write but not copy still upload, and nothing is held against the server', async () => {
    const { world, options } = prepare('a patched large file', 'a modern server')
    world.faults.next = (call) => (call.name === 'uploadPartCopy' ? 'auth/denied' : undefined)
    await upload(world, options)
    expectStored(world, options.content)
    expect(world.noted).toEqual([])
  })

  test('conditions are checked by HEAD from the moment the server says it does not know them', async () => {
    for (const [kind, name] of [
      ['a replaced small file', 'put'],
      ['a new large file', 'completeMultipart'],
    ] as const) {
      const { world, options } = prepare(kind, 'a modern server')
      world.faults.next = firstOf(name, 's3/unsupported')
      await upload(world, options)
      expectStored(world, options.content)
      expect(world.noted).toHaveLength(1)
      expect(world.memory.requests().head).toBe(1)
    }
  })

  test('a body that changes on the way is sent again, and never reported as stored', async () => {
    const flip = (args: readonly unknown[]) => {
      const [request] = args as [{ body: Uint8Array }]
      request.body[5] = (request.body[5] ?? 0) ^ 4
    }
    for (const [kind, name] of [
      ['a new small file', 'put'],
      ['a replaced small file', 'put'],
      ['a small file without a precondition', 'put'],
      ['a new large file', 'uploadPart'],
    ] as const) {
      for (const times of [1, 1000]) {
        const { world, options } = prepare(kind, 'a modern server')
        let left = times
        world.faults.next = ({ name: called, args }) => {
          if (called !== name || left-- <= 0) return undefined
          return async (act) => {
            flip(args)
            return act().finally(() => flip(args))
          }
        }
        const outcome = upload(world, options)
        if (times === 1) {
          await outcome
          expectStored(world, options.content)
        } else {
          await expect(outcome).rejects.toMatchObject({ code: 's3/integrity' })
        }
        expect(world.noted).toEqual([])
        expectNothingHeld(world)
      }
    }
  })

  test('a mangled ETag in the reply is found out by asking again', async () => {
    const { world, options } = prepare('a new small file', 'a modern server')
    world.faults.next = firstOf('put', async (act) => {
      await act()
      return { etag: `"${'0'.repeat(32)}"` }
    })
    expect(await upload(world, options)).toMatchObject({
      etag: world.memory.stored('file')?.etag,
    })
    expect(world.memory.versions('file')).toHaveLength(1)
  })

  test('a server whose ETags are no digests is found out once, by reading back', async () => {
    const { world, options } = prepare('a replaced small file', 'a modern server')
    const opaque = `"${'ab'.repeat(16)}"`
    world.faults.next = ({ name, args }) => {
      const [request] = args as [{ etag?: string }]
      if (name === 'put') return async (act) => ({ ...((await act()) as object), etag: opaque })
      if (name === 'head') return async (act) => ({ ...((await act()) as object), etag: opaque })
      if (name === 'get') {
        request.etag = world.memory.stored('file')?.etag ?? ''
      }
      return undefined
    }
    expect(await upload(world, options)).toMatchObject({ outcome: 'stored', etag: opaque })
    expect(world.noted).toEqual(['etagIsMd5=false'])
    expect(world.memory.requests()).toEqual({ put: 1, head: 1, get: 1 })
  })

  test('an ETag of no known form is checked by the size', async () => {
    const world = makeWorld()
    world.faults.next = ({ name }) => {
      if (name !== 'put' && name !== 'head') return undefined
      return async (act) => ({ ...((await act()) as object), etag: '"v1.7"' })
    }
    await upload(world, { content: SMALL })
    expect(world.memory.requests()).toEqual({ put: 1, head: 1 })
    const short = makeWorld()
    short.faults.next = ({ name }) => {
      if (name === 'put') return async (act) => ({ ...((await act()) as object), etag: '"v"' })
      if (name !== 'head') return undefined
      return async (act) => ({ ...((await act()) as object), etag: '"v"', sizeBytes: 5 })
    }
    await expect(upload(short, { content: SMALL })).rejects.toMatchObject({ code: 's3/integrity' })
  })

  test('what is hopeless is thrown as it is, and the old content stays', async () => {
    const hopeless = (Object.keys(ERRORS) as ErrorCode[]).filter(
      (code) => /^(auth|s3)/.test(code) && ERRORS[code].retry === 'never',
    )
    for (const code of hopeless) {
      if (['s3/precondition', 's3/no-key', 's3/unsupported'].includes(code)) continue
      const { world, options } = prepare('a replaced small file', 'a modern server')
      world.faults.next = () => code
      await expect(upload(world, options)).rejects.toMatchObject({ code })
      expect(world.calls).toHaveLength(1)
      expectStored(world, Buffer.from('before'))
      expectNothingHeld(world)
    }
  })

  test('a journal that cannot be written stops the upload before anything is sent', async () => {
    for (const content of [SMALL, LARGE]) {
      const world = makeWorld()
      const save = async () => {
        throw new PailError('store/disk-full', 'no space')
      }
      const outcome = upload(world, { content, precondition: ABSENT, save })
      await expect(outcome).rejects.toMatchObject({ code: 'store/disk-full' })
      expect(world.memory.requests().put ?? world.memory.requests().uploadPart).toBeUndefined()
      expectNothingHeld(world)
    }
  })

  test('whatever goes wrong in whatever order, the bucket ends with this content or a foreign one', async () => {
    const fault = fc.constantFrom<Fault | undefined>(
      undefined,
      undefined,
      undefined,
      'not-sent',
      'reply-lost',
      's3/busy',
      's3/server',
      'net/timeout',
    )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...cases),
        fc.array(fault, { maxLength: 25 }),
        fc.option(fc.nat(12)),
        async ([kind, server], faults, foreignAt) => {
          const { world, options } = prepare(kind, server)
          world.faults.next = ({ number }) => {
            if (number === foreignAt) world.memory.putDirect('file', 'foreign')
            return faults[number - 1]
          }
          const outcome = await upload(world, options).catch((thrown: PailError) => thrown)
          expectNothingHeld(world)
          if (outcome instanceof Error) return
          const last = world.memory.versions('file').filter(({ kind: what }) => what === 'stored')
          const isThere = last.some(
            (one) =>
              one.kind === 'stored' && Buffer.compare(one.object.body, options.content) === 0,
          )
          expect(outcome.outcome === 'stored' && isThere).toBe(true)
        },
      ),
      { numRuns: 300 },
    )
  })
})
