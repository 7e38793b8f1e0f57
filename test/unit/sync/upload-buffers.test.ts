import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UploadBuffers } from '../../../engine/sync/upload-buffers.ts'
import { settle } from '../../support/fake-clock.ts'

describe('Upload buffers', () => {
  test('what does not fit waits its turn, and a large one is not overtaken for ever', async () => {
    const buffers = new UploadBuffers(100)
    const first = await buffers.reserve(60)
    const order: string[] = []
    const large = buffers.reserve(80).then((release) => {
      order.push('large')
      return release
    })
    const small = buffers.reserve(10).then((release) => {
      order.push('small')
      return release
    })
    await settle()
    expect([order, buffers.waiting]).toEqual([[], 2])
    first()
    const releases = [await large, await small]
    expect(order).toEqual(['large', 'small'])
    for (const release of releases) release()
    expect(buffers.usedBytes).toBe(0)
  })

  test('a body that came back is the next one of its size, as long as something is under way', async () => {
    const buffers = new UploadBuffers(100)
    const [first, second] = [await buffers.reserve(40), await buffers.reserve(40)]
    const body = buffers.take(40)
    buffers.give(body)
    expect(buffers.take(40)).toBe(body)
    buffers.give(body)
    expect(buffers.take(39)).toHaveLength(39)
    expect(buffers.take(40)).not.toBe(body)
    buffers.give(body)
    first()
    second()
    expect(buffers.take(40)).not.toBe(body)
  })

  test('of bodies that came back, at most half of the limit is kept', async () => {
    const buffers = new UploadBuffers(100)
    await buffers.reserve(100)
    const bodies = [buffers.take(40), buffers.take(40)] as const
    for (const body of bodies) buffers.give(body)
    expect(buffers.take(40)).toBe(bodies[0])
    expect(bodies).not.toContain(buffers.take(40))
  })

  test('more than the limit is let in when it is alone', async () => {
    const buffers = new UploadBuffers(100)
    const small = await buffers.reserve(1)
    const huge = buffers.reserve(1000)
    await settle()
    expect(buffers.waiting).toBe(1)
    small()
    const release = await huge
    expect(buffers.usedBytes).toBe(100)
    release()
    expect(() => release()).toThrow(/once/)
    expect(buffers.usedBytes).toBe(0)
  })

  test('the limit holds and nothing is lost, in any order of asking, giving back and giving up', async () => {
    const step = fc.record({
      bytes: fc.nat(150),
      release: fc.option(fc.nat()),
      giveUp: fc.option(fc.nat()),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
        const buffers = new UploadBuffers(100)
        const held: Array<() => void> = []
        const callers: AbortController[] = []
        for (const { bytes, release, giveUp } of steps) {
          const caller = new AbortController()
          callers.push(caller)
          buffers.reserve(bytes, caller.signal).then(
            (give) => held.push(give),
            () => {},
          )
          if (giveUp !== null) callers[giveUp % callers.length]?.abort(new Error('given up'))
          await settle()
          if (release !== null) held.splice(release % (held.length || 1), 1)[0]?.()
          await settle()
          expect(buffers.usedBytes).toBeLessThanOrEqual(100)
        }
        while (held.length > 0) {
          held.pop()?.()
          await settle()
        }
        expect([buffers.usedBytes, buffers.waiting]).toEqual([0, 0])
      }),
      { numRuns: 60 },
    )
  })
})
