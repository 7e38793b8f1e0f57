import { describe, expect, test } from 'vitest'
import { newestFirst, planReceive, type ReceiveFacts } from '../../../engine/sync/receive-plan.ts'

const IDLE: ReceiveFacts = {
  listedAgoMs: 5_000,
  polling: 'normal',
  isOnline: true,
  files: 0,
  missing: 0,
  quietForMs: Number.POSITIVE_INFINITY,
  quietMs: 10_000,
}

describe('The plan of a receive folder', () => {
  test('looks again after a while, less often when the budget is spent, never offline', () => {
    expect(planReceive({ ...IDLE, listedAgoMs: undefined })).toEqual({ kind: 'list' })
    expect(planReceive(IDLE)).toEqual({ kind: 'wait', delayMs: 10_000 })
    expect(planReceive({ ...IDLE, listedAgoMs: 15_000 })).toEqual({ kind: 'list' })
    expect(planReceive({ ...IDLE, listedAgoMs: 59_000, polling: 'credit' }).kind).toBe('wait')
    expect(planReceive({ ...IDLE, listedAgoMs: 599_000, polling: 'saving' }).kind).toBe('wait')
    expect(planReceive({ ...IDLE, listedAgoMs: undefined, isOnline: false }).kind).toBe('wait')
  })

  test('fetches before it looks again, and tells when nothing is missing and it is quiet', () => {
    const open = { ...IDLE, files: 3, missing: 2, listedAgoMs: 60_000, quietForMs: 0 }
    expect(planReceive(open)).toEqual({ kind: 'fetch' })
    const fetched = { ...open, missing: 0, listedAgoMs: 1_000, quietForMs: 4_000 }
    expect(planReceive(fetched)).toEqual({ kind: 'wait', delayMs: 6_000 })
    expect(planReceive({ ...fetched, quietForMs: 10_000 })).toEqual({ kind: 'tell' })
  })

  test('tells nothing while files cannot be fetched for want of network', () => {
    const away = { ...IDLE, files: 3, missing: 1, isOnline: false }
    expect(planReceive(away).kind).toBe('wait')
  })

  test('takes the newest first, also of one moment', () => {
    const rows = [
      { id: 1, mtime: 5n },
      { id: 2, mtime: 9n },
      { id: 3, mtime: 9n },
    ]
    expect(newestFirst(rows).map(({ id }) => id)).toEqual([3, 2, 1])
  })
})
