import { describe, expect, test } from 'vitest'
import { type MarkerState, planSend, type SendFacts } from '../../../engine/sync/send-plan.ts'

const QUIET: SendFacts = {
  marker: 'none',
  waiting: 0,
  failed: 0,
  writers: 0,
  files: 3,
  busyMs: 1_000,
  isClosing: false,
  quietMs: 10_000,
  nowMs: 11_000,
  isMoving: false,
}

describe('The plan of a send folder', () => {
  test('makes the marker when everything is in the bucket and the quiet time is over', () => {
    expect(planSend(QUIET)).toEqual({ kind: 'mark' })
    expect(planSend({ ...QUIET, nowMs: 10_999 })).toEqual({ kind: 'quiet', untilMs: 11_000 })
  })

  test('waits while files are uploaded, and while a program has one open', () => {
    expect(planSend({ ...QUIET, waiting: 1 })).toEqual({ kind: 'wait', for: 'uploads' })
    expect(planSend({ ...QUIET, writers: 1 })).toEqual({ kind: 'wait', for: 'programs' })
  })

  test('closed by a person it waits for uploads alone', () => {
    const closing = { ...QUIET, isClosing: true, nowMs: QUIET.busyMs, writers: 1 }
    expect(planSend(closing)).toEqual({ kind: 'mark' })
    expect(planSend({ ...closing, waiting: 1 })).toEqual({ kind: 'wait', for: 'uploads' })
  })

  test('holds the marker when only changes are left that wait for a person', () => {
    expect(planSend({ ...QUIET, waiting: 2, failed: 2 })).toEqual({ kind: 'held' })
    expect(planSend({ ...QUIET, waiting: 2, failed: 1 }).kind).toBe('wait')
  })

  test('takes an older marker away before anything of a new batch', () => {
    const standing = { ...QUIET, marker: 'standing' as const, files: 0 }
    expect(planSend(standing)).toEqual({ kind: 'idle' })
    expect(planSend({ ...standing, waiting: 1 })).toEqual({ kind: 'withdraw' })
  })

  test('lets a marker that was made arrive before the next batch begins', () => {
    expect(planSend({ ...QUIET, marker: 'made', waiting: 4 }).kind).toBe('wait')
    expect(planSend({ ...QUIET, marker: 'made', isMoving: true }).kind).toBe('withdraw')
  })

  test('never makes a marker over another one, or for nothing', () => {
    const markers: MarkerState[] = ['none', 'standing', 'leaving', 'made', 'refused']
    for (const marker of markers) {
      for (const files of [0, 3]) {
        for (const waiting of [0, 2]) {
          const { kind } = planSend({ ...QUIET, marker, files, waiting, isClosing: true })
          expect(kind === 'mark', `${marker} ${files} ${waiting}`).toBe(
            marker === 'none' && files > 0 && waiting === 0,
          )
        }
      }
    }
  })
})
