import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../../engine/base/clock.ts'
import { SiblingPattern } from '../../../engine/sync/prefetch-siblings.ts'

/** Positions suggested before they were read, and all that were suggested. */
function walk(positions: readonly number[]) {
  const pattern = new SiblingPattern()
  const suggested = new Set<number>()
  let foreseen = 0
  let runs = 0
  for (const position of positions) {
    if (suggested.has(position)) foreseen++
    const run = pattern.noteRead(1, position)
    if (!run) continue
    runs++
    for (let i = 0; i < run.count; i++) {
      expect(suggested.has(run.first + i)).toBe(false)
      suggested.add(run.first + i)
    }
  }
  return { foreseen, suggested, runs }
}

const count = (length: number, at: (i: number) => number) => Array.from({ length }, (_, i) => at(i))

describe('SiblingPattern', () => {
  test('files read in order are foreseen from the third on', () => {
    expect(walk(count(300, (i) => i)).foreseen).toBe(298)
    expect(walk(count(300, (i) => i)).runs).toBeLessThan(30)
  })

  test('backwards, too', () => {
    expect(walk(count(300, (i) => 299 - i)).foreseen).toBe(298)
  })

  test('skipped positions and parallel workers do not hide the order', () => {
    const random = new SeededRandom(3)
    const swapped = count(300, (i) => i)
    for (let i = 4; i + 3 < 300; i += 3) {
      if (random.next() < 0.5) swapped.splice(i, 3, i + 2, i, i + 1)
    }
    expect(walk(swapped).foreseen).toBeGreaterThan(280)
    expect(walk(count(100, (i) => i * 3)).foreseen).toBeGreaterThan(95)
  })

  test('files read in random order are left alone', () => {
    const random = new SeededRandom(9)
    const { suggested } = walk(count(300, () => Math.floor(random.next() * 10_000)))
    expect(suggested.size).toBeLessThan(60)
  })

  test('a stop after a few files costs at most a few times as many', () => {
    for (let read = 2; read < 20; read++) {
      expect(walk(count(read, (i) => i)).suggested.size).toBeLessThanOrEqual(5 * read)
    }
  })

  test('directories do not disturb each other, and their number is bounded', () => {
    const pattern = new SiblingPattern()
    for (let position = 0; position < 2; position++) {
      for (let directory = 0; directory < 50; directory++) {
        const run = pattern.noteRead(directory, position)
        expect(run !== undefined).toBe(position === 1)
      }
    }
    pattern.forget(0)
    expect(pattern.noteRead(0, 2)).toBeUndefined()
  })
})
