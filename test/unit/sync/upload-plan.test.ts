import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Extent } from '../../../engine/sync/content.ts'
import {
  OBJECT_BYTES_MAX,
  PART_BYTES_MAX,
  PART_BYTES_MIN,
  PARTS_MAX,
  planUpload,
  SINGLE_PUT_BYTES_MAX,
  sentBytes,
  type UploadPlanRequest,
} from '../../../engine/sync/upload-plan.ts'

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB
const can = { uploadPartCopy: true }
const cannot = { uploadPartCopy: false }

function partsOf(request: UploadPlanRequest) {
  const plan = planUpload(request)
  return plan.kind === 'multipart' ? plan.parts : []
}

function expectLegal(request: UploadPlanRequest) {
  const plan = planUpload(request)
  if (plan.kind === 'put') {
    expect(request.sizeBytes).toBeLessThanOrEqual(SINGLE_PUT_BYTES_MAX)
    return
  }
  let at = 0
  // Many parts are checked by one comparison each: `expect` per part would take minutes.
  const wrong: unknown[] = []
  for (const [i, part] of plan.parts.entries()) {
    const length = part.end - part.start
    const isLast = i === plan.parts.length - 1
    if (part.partNumber !== i + 1 || part.start !== at || length <= 0) wrong.push(part)
    if (length > PART_BYTES_MAX || (!isLast && length < PART_BYTES_MIN)) wrong.push(part)
    if (part.from === 'copy') {
      const touches = ({ start, end }: Extent) => start < part.end && end > part.start
      if (!request.capabilities.uploadPartCopy || request.extents.some(touches)) wrong.push(part)
      if (part.end > (request.base?.sizeBytes ?? 0)) wrong.push(part)
    }
    at = part.end
  }
  expect(wrong).toEqual([])
  expect(at).toBe(request.sizeBytes)
  expect(plan.parts.length).toBeLessThanOrEqual(PARTS_MAX)
}

describe('Upload plan', () => {
  test('a file up to 16 MiB is one PUT, an empty one too', () => {
    for (const sizeBytes of [0, 1, PART_BYTES_MIN, SINGLE_PUT_BYTES_MAX]) {
      const extents = [{ start: 0, end: sizeBytes }]
      expect(planUpload({ sizeBytes, extents, capabilities: can })).toEqual({ kind: 'put' })
    }
    const sizeBytes = SINGLE_PUT_BYTES_MAX + 1
    expect(partsOf({ sizeBytes, extents: [], capabilities: can })).toHaveLength(3)
  })

  test('parts tile the content in legal sizes, whatever was written to whatever base', () => {
    const size = fc.oneof(
      fc.nat(40 * MIB),
      fc.nat(2 * GIB),
      fc.nat(100 * GIB),
      fc.nat(OBJECT_BYTES_MAX),
    )
    const requests = fc
      .record({
        sizeBytes: size,
        baseBytes: fc.option(size),
        writes: fc.array(
          fc.record({
            at: fc.double({ min: 0, max: 1, noNaN: true }),
            lengthBytes: fc.oneof(fc.nat(KIB), fc.nat(30 * MIB)),
          }),
          { maxLength: 40 },
        ),
        canCopy: fc.boolean(),
        partSizeBytes: fc.option(fc.integer({ min: 1, max: 200 * MIB })),
      })
      .map(({ sizeBytes, baseBytes, writes, canCopy, partSizeBytes }): UploadPlanRequest => {
        const extents = writes.map(({ at, lengthBytes }) => {
          const start = Math.floor(at * sizeBytes)
          return { start, end: Math.min(sizeBytes, start + lengthBytes) }
        })
        return {
          sizeBytes,
          extents: extents.filter(({ start, end }) => end > start),
          capabilities: { uploadPartCopy: canCopy },
          ...(baseBytes === null ? {} : { base: { sizeBytes: baseBytes } }),
          ...(partSizeBytes === null ? {} : { partSizeBytes }),
        }
      })
    fc.assert(fc.property(requests, expectLegal), { numRuns: 80 })
  })

  test('writes all over a very large file still make at most 10,000 parts', () => {
    for (const [sizeBytes, everyBytes] of [
      [10 * 1000 ** 4, 12 * MIB],
      [10 * 1000 ** 4, 900 * MIB],
      [400 * GIB, 11 * MIB],
      [120 * GIB, 10 * MIB + 1],
    ] as const) {
      const extents: Extent[] = []
      for (let start = 0; start < sizeBytes && extents.length < 30_000; start += everyBytes) {
        extents.push({ start, end: start + 1 })
      }
      const request = { sizeBytes, extents, base: { sizeBytes }, capabilities: can }
      const parts = partsOf(request)
      expect(parts.length).toBeLessThanOrEqual(PARTS_MAX)
      expect(parts.at(-1)?.end).toBe(sizeBytes)
      let at = 0
      for (const part of parts) {
        if (part.start !== at || part.end - part.start > PART_BYTES_MAX) expect(part).toBe(at)
        at = part.end
      }
    }
  })

  test('parts are 8 MiB up to 80 GB and grow after that, up to 10 TB', () => {
    const first = (sizeBytes: number) =>
      partsOf({ sizeBytes, extents: [], capabilities: cannot })[0]
    expect(first(GIB)?.end).toBe(8 * MIB)
    expect(first(80 * 1000 ** 3)?.end).toBe(8 * MIB)
    expect(first(800 * 1000 ** 3)?.end).toBe(77 * MIB)
    const largest = { sizeBytes: OBJECT_BYTES_MAX, extents: [], capabilities: cannot }
    expect(partsOf(largest).length).toBeLessThanOrEqual(PARTS_MAX)
    expectLegal(largest)
    const tooLarge = { ...largest, sizeBytes: OBJECT_BYTES_MAX + 1 }
    expect(() => planUpload(tooLarge)).toThrow(/too-large/)
  })

  test('an append of 1 kB to 64 MiB sends 1 kB', () => {
    const base = { sizeBytes: 64 * MIB }
    const sizeBytes = base.sizeBytes + 20 * KIB
    const extents = [{ start: base.sizeBytes, end: sizeBytes }]
    const parts = partsOf({ sizeBytes, extents, base, capabilities: can })
    expect(parts).toEqual([
      { partNumber: 1, start: 0, end: base.sizeBytes, from: 'copy' },
      { partNumber: 2, start: base.sizeBytes, end: sizeBytes, from: 'local' },
    ])
  })

  test.each([0, 1, 7 * MIB, 500 * MIB, GIB - KIB])(
    'a patch of 1 kB at %i of 1 GiB sends no more than the smallest part',
    (start) => {
      const base = { sizeBytes: GIB }
      const request = {
        sizeBytes: GIB,
        extents: [{ start, end: start + KIB }],
        base,
        capabilities: can,
      }
      expect(sentBytes(partsOf(request))).toBeLessThanOrEqual(7 * MIB + KIB)
      expect(partsOf(request).length).toBeLessThanOrEqual(3)
      expectLegal(request)
    },
  )

  test('a copy as the last part may be short, one in between is not', () => {
    const sizeBytes = 40 * MIB
    const base = { sizeBytes }
    const extents = [
      { start: 10 * MIB, end: 20 * MIB },
      { start: 24 * MIB, end: 38 * MIB },
    ]
    const request = { sizeBytes, extents, base, capabilities: can }
    const copies = partsOf(request).filter(({ from }) => from === 'copy')
    expect(copies.map(({ start, end }) => [start, end])).toEqual([
      [0, 10 * MIB],
      [38 * MIB, 40 * MIB],
    ])
    expectLegal(request)
  })

  test('a shorter file copies no byte beyond its end, a longer one none beyond its base', () => {
    const base = { sizeBytes: 100 * MIB }
    const shorter = { sizeBytes: 50 * MIB, extents: [], base, capabilities: can }
    expect(partsOf(shorter)).toEqual([{ partNumber: 1, start: 0, end: 50 * MIB, from: 'copy' }])
    const extents = [{ start: 100 * MIB, end: 300 * MIB }]
    expectLegal({ sizeBytes: 300 * MIB, extents, base, capabilities: can })
  })

  test('a small file is copied in part only when that is cheaper than one PUT', () => {
    const base = { sizeBytes: 15 * MIB }
    const appended = {
      sizeBytes: 15 * MIB + 10,
      extents: [{ start: 15 * MIB, end: 15 * MIB + 10 }],
    }
    expect(planUpload({ ...appended, base, capabilities: can }).kind).toBe('multipart')
    expect(planUpload({ ...appended, base, capabilities: cannot }).kind).toBe('put')
    const rewritten = { sizeBytes: 15 * MIB, extents: [{ start: 0, end: 12 * MIB }] }
    expect(planUpload({ ...rewritten, base, capabilities: can }).kind).toBe('put')
    const small = { sizeBytes: 2 * MIB, extents: [{ start: 0, end: 1 }] }
    expect(planUpload({ ...small, base: { sizeBytes: 2 * MIB }, capabilities: can }).kind).toBe(
      'put',
    )
  })
})
