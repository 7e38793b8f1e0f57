import { describe, expect, test } from 'vitest'
import {
  AFTER_CHANGE_MS,
  HELD_LATELY_MS,
  IN_USE_MS,
  LEFT_MAX,
  LEFT_MS_MAX,
  nextPoll,
  pollAgeMs,
  pollPace,
  type WatchedFolder,
} from '../../../engine/sync/poll-plan.ts'

const NEVER = Number.POSITIVE_INFINITY

function folder(facts: Partial<WatchedFolder> = {}): WatchedFolder {
  const use = { idleMs: 0, usedForMs: 0, holders: 0, isShown: false }
  const polls = { ageMs: 0, unchangedMs: NEVER, failedAgoMs: NEVER, pages: 1 }
  return { id: 1, ...use, ...polls, ...facts }
}

describe('The plan of polls', () => {
  test('a folder that a program holds, came back to, or a window shows is never older than 10 s', () => {
    for (const use of [{ holders: 1 }, { usedForMs: 6_000 }, { isShown: true, idleMs: NEVER }]) {
      expect(pollAgeMs(folder(use), 'normal')).toBe(IN_USE_MS)
      expect(pollAgeMs(folder(use), 'credit')).toBe(IN_USE_MS)
    }
    expect(IN_USE_MS).toBeLessThan(15_000)
  })

  test('after a change the next one is looked for sooner', () => {
    expect(pollAgeMs(folder({ holders: 1, unchangedMs: 1_000 }), 'normal')).toBe(AFTER_CHANGE_MS)
  })

  test('a folder left behind is asked for less and less, and then no more', () => {
    let before = 0
    for (let idleMs = 0; idleMs < LEFT_MS_MAX; idleMs += 60_000) {
      const ageMs = pollAgeMs(folder({ idleMs }), 'normal') ?? NEVER
      expect(ageMs).toBeGreaterThanOrEqual(before)
      before = ageMs
    }
    expect(pollAgeMs(folder({ idleMs: LEFT_MS_MAX }), 'normal')).toBeUndefined()
  })

  test('a descriptor that is held and never used costs two requests an hour in the end', () => {
    expect(pollAgeMs(folder({ holders: 1, idleMs: HELD_LATELY_MS }), 'normal')).toBe(60_000)
    const day = folder({ holders: 1, idleMs: 24 * 3600_000 })
    expect(pollAgeMs(day, 'normal')).toBe(30 * 60_000)
  })

  test('with the budget used up only what is in use is polled, and without credit seldom', () => {
    expect(pollAgeMs(folder({ idleMs: 120_000 }), 'credit')).toBeUndefined()
    expect(pollAgeMs(folder({ holders: 1, idleMs: HELD_LATELY_MS }), 'credit')).toBeUndefined()
    expect(pollAgeMs(folder({ holders: 1 }), 'saving')).toBe(60_000)
    expect(pollAgeMs(folder({ isShown: true }), 'saving')).toBe(IN_USE_MS)
  })

  test('a folder of thirty pages is polled thirty times less often', () => {
    expect(pollAgeMs(folder({ holders: 1, pages: 30 }), 'normal')).toBe(30 * IN_USE_MS)
  })

  test('the folder that is due first comes first, and one that failed waits', () => {
    const young = folder({ id: 1, holders: 1, ageMs: 1_000 })
    const old = folder({ id: 2, holders: 1, ageMs: 9_000 })
    expect(nextPoll([young, old], 'normal')).toEqual({ id: 2, delayMs: 1_000 })
    const failed = { ...old, ageMs: NEVER, failedAgoMs: 0 }
    expect(nextPoll([young, failed], 'normal')).toEqual({ id: 1, delayMs: 9_000 })
    expect(nextPoll([], 'normal')).toBeUndefined()
  })

  test('a walk through hundreds of folders leaves a few of them to be polled', () => {
    const walked = Array.from({ length: 200 }, (_, id) => folder({ id, ageMs: NEVER, idleMs: id }))
    const polled = new Set<number>()
    for (let left = walked; ; ) {
      const next = nextPoll(left, 'normal')
      if (!next || polled.has(next.id)) break
      polled.add(next.id)
      left = left.map((one) => (one.id === next.id ? { ...one, ageMs: 0 } : one))
      if (next.delayMs > 0) break
    }
    expect(polled.size).toBeLessThanOrEqual(LEFT_MAX)
  })

  test('is told as the number of folders and the quickest of them with its reason', () => {
    expect(pollPace([], 'normal')).toBeUndefined()
    const left = folder({ id: 1, idleMs: 120_000 })
    const held = folder({ id: 2, holders: 1, idleMs: HELD_LATELY_MS })
    const used = folder({ id: 3, holders: 1, pages: 2 })
    const told = (folders: WatchedFolder[], mode: 'normal' | 'credit' | 'saving' = 'normal') =>
      pollPace(folders, mode)
    expect(told([left])).toMatchObject({ folders: 1, everyMs: 60_000, why: 'left' })
    expect(told([folder({ holders: 1, idleMs: 3_600_000 })])).toMatchObject({ why: 'held' })
    expect(told([left, held, used])).toEqual({
      folders: 3,
      everyMs: 2 * IN_USE_MS,
      why: 'in-use',
      pages: 2,
    })
    expect(told([{ ...used, unchangedMs: 0 }])).toMatchObject({ why: 'changing' })
    expect(told([left, held, used], 'credit')).toMatchObject({ folders: 1, why: 'in-use' })
    expect(told([used], 'saving')).toMatchObject({ everyMs: 60_000, why: 'saving' })
    expect(told([left], 'credit')).toBeUndefined()
  })
})
