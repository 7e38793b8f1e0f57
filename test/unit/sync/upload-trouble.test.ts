import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ERRORS, type ErrorCode, PailError } from '../../../shared/errors.ts'
import {
  ABSENT,
  cases,
  expectNothingHeld,
  expectStored,
  firstOf,
  LARGE,
  prepare,
  SMALL,
} from './upload-kinds.ts'
import {
  bytes,
  type Fault,
  type JobOptions,
  makeWorld,
  UNIT,
  upload,
  type World,
} from './upload-world.ts'

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

  test('the bytes of an attempt that was given up stay what they were, however late it sends them', async () => {
    const underWay = 4
    const world = makeWorld({ bufferBytes: underWay * 8 * UNIT })
    const content = bytes(160 * UNIT, 8)
    const sent = new Map<number, Uint8Array>()
    world.faults.next = ({ name, args }) => {
      if (name !== 'uploadPart' || sent.size === underWay) return undefined
      const [{ partNumber, body }] = args as [{ partNumber: number; body: Uint8Array }]
      sent.set(partNumber, body)
      return () => new Promise(() => {})
    }
    await upload(world, { content })
    expectStored(world, content)
    expect(world.memory.requests().uploadPart).toBe(20)
    for (const [partNumber, body] of sent) {
      const start = (partNumber - 1) * 8 * UNIT
      expect(body).toEqual(Buffer.from(content.subarray(start, start + 8 * UNIT)))
    }
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
