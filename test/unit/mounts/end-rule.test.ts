/** When an engine may end by itself. */

import { describe, expect, test } from 'vitest'
import { EndRule, FaultRule, workOf } from '../../../engine/mounts/end-rule.ts'
import type { MountView, StatusView } from '../../../shared/model.ts'
import { syncView } from '../../support/sync-view.ts'

const NOTHING = { activeMounts: 0, pendingFiles: 0, pendingBytes: 0, isAsked: false }
const MOUNTED = { ...NOTHING, activeMounts: 1 }

describe('End of an engine', () => {
  test('comes a moment after the last folder is gone, and not before', () => {
    const rule = new EndRule({ graceMs: 3_000 }, 0)
    expect(rule.observe({ ...MOUNTED, nowMs: 50_000 })).toBe(false)
    expect(rule.observe({ ...NOTHING, nowMs: 52_999 })).toBe(false)
    expect(rule.observe({ ...NOTHING, nowMs: 53_000 })).toBe(true)
  })

  test('waits while somebody asks something', () => {
    const rule = new EndRule({ graceMs: 3_000 }, 0)
    expect(rule.observe({ ...NOTHING, isAsked: true, nowMs: 10_000 })).toBe(false)
    expect(rule.observe({ ...NOTHING, nowMs: 12_000 })).toBe(false)
    expect(rule.observe({ ...NOTHING, nowMs: 13_000 })).toBe(true)
  })

  test('in the background, pending files keep it for as long as they need', () => {
    const rule = new EndRule({ graceMs: 3_000 }, 0)
    const pending = { ...NOTHING, pendingFiles: 1, pendingBytes: 10 }
    expect(rule.observe({ ...pending, nowMs: 1e9 })).toBe(false)
    expect(rule.observe({ ...NOTHING, nowMs: 1e9 + 3_000 })).toBe(true)
  })

  test('in the foreground, an upload that does not advance is left to the journal', () => {
    const rule = new EndRule({ graceMs: 0, stallMs: 10_000 }, 0)
    const pending = { ...NOTHING, pendingFiles: 1 }
    expect(rule.observe({ ...MOUNTED, pendingFiles: 1, nowMs: 100_000 })).toBe(false)
    expect(rule.observe({ ...pending, pendingBytes: 20, nowMs: 105_000 })).toBe(false)
    expect(rule.observe({ ...pending, pendingBytes: 10, nowMs: 114_000 })).toBe(false)
    expect(rule.observe({ ...pending, pendingBytes: 10, nowMs: 123_999 })).toBe(false)
    expect(rule.observe({ ...pending, pendingBytes: 10, nowMs: 124_000 })).toBe(true)
  })

  test('a stopped folder does not count as mounted, its pending files do', () => {
    const view: MountView = {
      dir: '/d',
      bucket: 'b',
      prefix: '',
      endpointUrl: 'http://h',
      readOnly: false,
      state: 'stopped',
      pendingFiles: 2,
      pendingBytes: 5,
      renamedItems: 0,
      errors: [],
    }
    const engine = { pid: 1, version: '1', startedMs: 0, dataDir: '/', residentBytes: 0 }
    const status: StatusView = {
      engine,
      mounts: [view, { ...view, state: 'offline' }],
      sync: syncView(),
    }
    expect(workOf(status)).toEqual({ activeMounts: 1, pendingFiles: 4, pendingBytes: 10 })
  })
})

describe('Defects', () => {
  test('a few do not end the engine, many within a minute do', () => {
    const rule = new FaultRule()
    const verdicts = [0, 1, 2, 3, 4, 5].map((nowMs) => rule.observe(nowMs))
    expect(verdicts).toEqual([false, false, false, false, false, true])
    const slow = new FaultRule()
    expect([0, 1, 2, 3].map((minute) => slow.observe(minute * 60_000))).not.toContain(true)
  })
})
