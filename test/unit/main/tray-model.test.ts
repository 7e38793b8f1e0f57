import { describe, expect, test } from 'vitest'
import { trayModel } from '../../../main/tray-model.ts'
import { trayVerdict } from '../../../main/verdict.ts'
import type { QueueEntry, SyncView } from '../../../shared/sync-model.ts'
import type { WindowStatus } from '../../../shared/window-contract.ts'
import { syncView } from '../../support/sync-view.ts'
import { mountView } from './desktop-fakes.ts'

const ENTRY: QueueEntry = {
  bucket: 'data',
  path: 'runs/scan.raw',
  op: 'put',
  direction: 'up',
  state: 'running',
  sizeBytes: 10,
  doneBytes: 1,
  bytesPerSecond: 1,
  attempts: 0,
}

function statusOf(sync: Partial<SyncView>, view = mountView({})): WindowStatus {
  return {
    engine: { state: 'running', isShared: false },
    mounts: [{ ...view, isWanted: true, isMounted: true }],
    sync: syncView(sync),
  }
}

describe('the tray', () => {
  test('says the engine’s verdict and shows the two switches', () => {
    const sentence = '3 files, 310 MB still to upload'
    const model = trayModel(
      statusOf({ verdict: { kind: 'paused', sentence }, isPaused: true, isWorkingOffline: false }),
    )
    expect(model).toMatchObject({ tooltip: sentence, isPaused: true, isWorkingOffline: false })
  })

  test('names at most five transfers, and only what is under way', () => {
    const entries = Array.from({ length: 9 }, (_, n) => ({ ...ENTRY, path: `runs/${n}` }))
    const long = { ...ENTRY, path: 'x'.repeat(300), direction: 'down' as const }
    const waiting = { ...ENTRY, state: 'waiting' as const, path: 'waiting' }
    const queue = { total: 11, entries: [waiting, long, ...entries] }
    const { transfers } = trayModel(statusOf({ queue }))
    expect(transfers).toHaveLength(5)
    expect(transfers[0]).toMatch(/^↓ x{39}…$/)
    expect(transfers[1]).toBe('↑ 0')
  })

  test.each([
    ['done', 'idle'],
    ['working', 'working'],
    ['paused', 'offline'],
    ['offline', 'offline'],
    ['attention', 'attention'],
  ] as const)('shows the verdict %s as the icon %s', (kind, icon) => {
    expect(trayVerdict(statusOf({ verdict: { kind, sentence: '' } }))).toBe(icon)
  })

  test('calls for a person when a folder does, although every file is in its bucket', () => {
    const held = mountView({ heldDeletes: { count: 2_000, sinceMs: 0 } })
    expect(trayVerdict(statusOf({}, held))).toBe('attention')
    expect(trayVerdict(statusOf({}, mountView({ state: 'offline' })))).toBe('offline')
  })
})
