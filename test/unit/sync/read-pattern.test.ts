import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../../engine/base/clock.ts'
import type { Extent } from '../../../engine/sync/content.ts'
import {
  FRESH_PATTERN,
  noteRead,
  type ReadPattern,
  WINDOW_BYTES_MAX,
} from '../../../engine/sync/read-pattern.ts'
import { cutRanges, joinNear, rangeBytesFor, uncovered } from '../../../engine/sync/read-ranges.ts'

const KIB = 1024
const MIB = 1024 * KIB

/** Reads in order; returns what was planned ahead at each. */
function follow(reads: readonly Extent[], sizeBytes: number): Extent[][] {
  let pattern: ReadPattern = FRESH_PATTERN
  return reads.map((read) => {
    const plan = noteRead(pattern, read, sizeBytes)
    pattern = plan.pattern
    return [...plan.ahead]
  })
}

const sum = (extents: readonly Extent[]) =>
  extents.reduce((total, extent) => total + extent.end - extent.start, 0)

const run = (start: number, length: number, count: number): Extent[] =>
  Array.from({ length: count }, (_, i) => ({
    start: start + i * length,
    end: start + (i + 1) * length,
  }))

/** Which of the reads had been planned before they came. */
function foreseen(reads: readonly Extent[], sizeBytes: number): boolean[] {
  const plans = follow(reads, sizeBytes)
  const known: Extent[] = []
  return reads.map((read, index) => {
    const isKnown = uncovered(read, known).length === 0
    known.push(...(plans[index] ?? []))
    return isKnown
  })
}

describe('read pattern', () => {
  test('a sequential reader finds everything foreseen from the third read on', () => {
    expect(foreseen(run(10 * MIB, 128 * KIB, 500), 1024 * MIB).slice(2)).not.toContain(false)
    expect(foreseen(run(0, 128 * KIB, 500), 1024 * MIB).slice(1)).not.toContain(false)
  })

  test('the window grows to 32 MiB, and never plans a byte twice', () => {
    const plans = follow(run(0, 128 * KIB, 2000), 1024 * MIB).flat()
    for (const [i, extent] of plans.slice(1).entries()) expect(extent.start).toBe(plans[i]?.end)
    const read = 2000 * 128 * KIB
    expect((plans.at(-1)?.end ?? 0) - read).toBeGreaterThan(WINDOW_BYTES_MAX / 2)
    expect((plans.at(-1)?.end ?? 0) - read).toBeLessThanOrEqual(WINDOW_BYTES_MAX)
  })

  test('of a full window at most one request is missing at any time, and each is whole', () => {
    const reads = run(0, 128 * KIB, 2000)
    const rangeBytes = rangeBytesFor(WINDOW_BYTES_MAX)
    let plannedTo = 0
    for (const [index, plan] of follow(reads, 1024 * MIB).entries()) {
      const last = plan.at(-1)
      if (last) plannedTo = last.end
      const readTo = reads[index]?.end ?? 0
      if (readTo < 2 * WINDOW_BYTES_MAX) continue
      expect(plannedTo % rangeBytes).toBe(0)
      expect(plannedTo - readTo).toBeGreaterThan(WINDOW_BYTES_MAX - rangeBytes)
    }
  })

  test('a stop after some reads has cost at most three times what was read', () => {
    for (let count = 2; count < 300; count++) {
      const ahead = sum(follow(run(64 * MIB, 64 * KIB, count), 1024 * MIB).flat())
      expect(ahead).toBeLessThanOrEqual(Math.max(256 * KIB, 3 * count * 64 * KIB))
    }
  })

  test('reads that overtake each other do not end a sequential stream', () => {
    const reads = run(0, 128 * KIB, 400)
    const random = new SeededRandom(5)
    for (let i = 6; i + 1 < reads.length; i += 2) {
      const [a, b] = [reads[i], reads[i + 1]]
      if (a && b && random.next() < 0.5) [reads[i], reads[i + 1]] = [b, a]
    }
    expect(foreseen(reads, 1024 * MIB).slice(2)).not.toContain(false)
  })

  test('several interleaved sequential readers of one file are told apart', () => {
    const streams = [0, 100, 300, 700].map((at) => run(at * MIB, 128 * KIB, 100))
    const reads = Array.from(
      { length: 400 },
      (_, i) => streams[i % 4]?.[i >> 2] ?? { start: 0, end: 0 },
    )
    expect(foreseen(reads, 1024 * MIB).slice(8)).not.toContain(false)
  })

  test.each([200 * KIB, 3 * MIB, -MIB])('a reader with stride %i is foreseen', (stride) => {
    const reads = Array.from({ length: 50 }, (_, i) => {
      const start = 512 * MIB + i * stride
      return { start, end: start + 64 * KIB }
    })
    expect(foreseen(reads, 1024 * MIB).slice(4)).not.toContain(false)
    const ahead = sum(follow(reads, 1024 * MIB).flat())
    expect(ahead).toBeLessThanOrEqual(4 * 50 * 64 * KIB)
  })

  test('two interleaved strided readers are foreseen', () => {
    const reads = Array.from({ length: 80 }, (_, i) => {
      const start = i % 2 === 0 ? (i / 2) * 5 * MIB : 600 * MIB + ((i - 1) / 2) * 3 * MIB
      return { start, end: start + 64 * KIB }
    })
    expect(foreseen(reads, 1024 * MIB).slice(10)).not.toContain(false)
  })

  test('random reads get next to no read-ahead', () => {
    for (const seed of [1, 2, 3]) {
      const random = new SeededRandom(seed)
      const reads = Array.from({ length: 2000 }, () => {
        const start = Math.floor(random.next() * 16_384) * 64 * KIB
        return { start, end: start + 64 * KIB }
      })
      const ahead = sum(follow(reads, 1024 * MIB).flat())
      expect(ahead / sum(reads), `seed ${seed}`).toBeLessThan(0.05)
    }
  })

  test('a plan lies within the file and its window, whatever is read', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 * MIB }),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: MIB }), fc.boolean()), {
          maxLength: 60,
        }),
        (sizeBytes, asks) => {
          let pattern: ReadPattern = FRESH_PATTERN
          let end = 0
          for (const [at, length, isNext] of asks) {
            const start = isNext && end < sizeBytes ? end : at % sizeBytes
            end = Math.min(sizeBytes, start + length)
            const plan = noteRead(pattern, { start, end }, sizeBytes)
            pattern = plan.pattern
            expect(pattern.streams.length).toBeLessThanOrEqual(16)
            expect(sum(plan.ahead)).toBeLessThanOrEqual(WINDOW_BYTES_MAX)
            for (const extent of plan.ahead) {
              expect(extent.start).toBeGreaterThanOrEqual(0)
              expect(extent.end).toBeGreaterThan(extent.start)
              expect(extent.end).toBeLessThanOrEqual(sizeBytes)
            }
          }
        },
      ),
    )
  })
})

describe('ranges', () => {
  const extents = fc
    .uniqueArray(fc.nat(400), { maxLength: 20 })
    .map((points) => points.sort((a, b) => a - b))
    .map((points) => {
      const list: Extent[] = []
      for (let i = 0; i + 1 < points.length; i += 2) {
        list.push({ start: points[i] ?? 0, end: points[i + 1] ?? 0 })
      }
      return list
    })
  const bytesOf = (list: readonly Extent[]) =>
    new Set(
      list.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i)),
    )

  test('what is uncovered, and nothing else, is left', () => {
    fc.assert(
      fc.property(extents, (covers) => {
        const covered = bytesOf(covers)
        const rest = bytesOf(uncovered({ start: 50, end: 350 }, covers))
        for (let at = 0; at < 400; at++) {
          expect(rest.has(at)).toBe(at >= 50 && at < 350 && !covered.has(at))
        }
      }),
    )
  })

  test('joining closes small gaps only; cutting keeps every byte once', () => {
    fc.assert(
      fc.property(extents, fc.integer({ min: 1, max: 60 }), (list, bytesMax) => {
        const joined = joinNear(list, 5)
        joined.slice(1).forEach((each, i) => {
          expect(each.start - (joined[i]?.end ?? 0)).toBeGreaterThan(5)
        })
        const cut = cutRanges(list, bytesMax)
        expect(bytesOf(cut)).toEqual(bytesOf(list))
        expect(sum(cut)).toBe(sum(list))
        for (const each of cut) expect(each.end - each.start).toBeLessThanOrEqual(bytesMax)
      }),
    )
  })

  test('requests get smaller on a slow line, so that each ends well before its deadline', () => {
    expect(rangeBytesFor(32 * MIB)).toBe(4 * MIB)
    expect(rangeBytesFor(32 * MIB, 300)).toBe(512 * KIB)
    expect(rangeBytesFor(32 * MIB, 1)).toBe(128 * KIB)
    expect(rangeBytesFor(256 * KIB)).toBe(256 * KIB)
  })
})
