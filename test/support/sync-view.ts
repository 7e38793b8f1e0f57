/** A sync state in which nothing is under way, and changes of it: for tests of what shows it. */
import type { SyncView } from '../../shared/sync-model.ts'

const none = { total: 0, entries: [] }

export function syncView(over: Partial<SyncView> = {}): SyncView {
  return {
    verdict: { kind: 'done', sentence: 'Everything you saved is in the bucket' },
    counts: {
      pendingFiles: 0,
      pendingBytes: 0,
      uploading: 0,
      downloading: 0,
      failed: 0,
      conflicts: 0,
    },
    isPaused: false,
    isWorkingOffline: false,
    upBytesPerSecond: 0,
    queue: none,
    attention: none,
    conflicts: none,
    recent: none,
    ...over,
  }
}
