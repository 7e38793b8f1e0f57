/**
 * What a data folder needs after an unclean stop, before the first mount answers.
 *
 * Keeps: everything that a program closed is still there and still waits for upload; what was
 *        never closed was never promised, and goes.
 */
import { PailError } from '../../shared/errors.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Database } from '../store/database.ts'
import type { Journal } from '../store/journal.ts'
import type { NodeRow, Nodes } from '../store/nodes.ts'
import type { StagedFile, StagingArea } from '../store/staging.ts'

export type RecoveryParts = {
  readonly database: Database
  readonly nodes: Nodes
  readonly journal: Journal
  readonly staging: StagingArea
  readonly clock: Clock
  readonly log: Log
  /** The same boot as when the folder was last used: what was written is still there. */
  readonly isSameBoot: boolean
}

export async function recover(parts: RecoveryParts): Promise<void> {
  const { database, nodes, journal, staging } = parts
  database.writeNow(() => {
    for (const row of [...nodes.unsealed(), ...nodes.orphans()]) {
      if (row.staged !== null) staging.removeRecord(row.staged)
      for (const waiting of journal.ofNode(row.id)) journal.cancel(waiting.seq)
      nodes.remove(row.id)
    }
  })
  for (const row of nodes.withStaging()) await checkStaged(parts, row)
  await staging.removeUnknown()
}

/** After lost power: everything that was sealed, or else what the last fsync made safe. */
async function verifyOrFallBack(
  { database, nodes, journal, log }: RecoveryParts,
  row: NodeRow,
  file: StagedFile,
): Promise<void> {
  try {
    await file.verify()
  } catch (thrown) {
    if (!file.fallBack()) throw thrown
    log.write('warn', 'recovery/unsynced-changes-lost', { node: row.id })
    await file.sumUp()
    database.writeNow(() => {
      file.saveRecord()
      nodes.update(row.id, { size: file.sizeBytes })
      const waiting = journal.opOfNode(row.id, 'put')
      if (waiting) journal.setBytes(waiting.seq, file.sizeBytes)
    })
  }
}

/** Was a part of the bucket's version changed? Then the rest of it must stay readable. */
function isPartial({ staging }: RecoveryParts, row: NodeRow): boolean {
  if (row.etag === null || row.remoteKey === null || !staging.hasRecord(row.staged ?? '')) {
    return false
  }
  return staging.readRecord(row.staged ?? '').baseBytes > 0
}

/** A change that was closed, never synced, and lost with the power: what it changed is still there. */
function goBackToBucket({ database, nodes, journal, staging }: RecoveryParts, row: NodeRow): void {
  database.writeNow(() => {
    staging.removeRecord(row.staged ?? '')
    nodes.update(row.id, { staged: null, size: row.remoteSize, change: row.change + 1 })
    const waiting = journal.opOfNode(row.id, 'put')
    if (waiting) journal.cancel(waiting.seq)
    const { id, volume, remoteKey } = row
    if (remoteKey === null || journal.opOfNode(id, 'move')) return
    // A move that the upload would have carried along is on its own again.
    journal.insert({ volume, op: 'move', node: id, key: remoteKey, readyMs: 0 })
  })
}

/** A staged file that cannot be read back is kept on disk and shown, never silently dropped. */
async function checkStaged(parts: RecoveryParts, row: NodeRow): Promise<void> {
  const { staging, journal, database, clock, log } = parts
  const waiting = journal.opOfNode(row.id, 'put')
  try {
    const file = await staging.load(row.staged ?? '', parts.isSameBoot ? 'content' : 'recovery')
    try {
      if (!parts.isSameBoot) await verifyOrFallBack(parts, row, file)
    } finally {
      await file.release()
    }
  } catch (thrown) {
    const error = PailError.from(thrown)
    log.write('error', 'recovery/staged-damaged', { node: row.id, detail: error.detail })
    if (isPartial(parts, row)) {
      goBackToBucket(parts, row)
      return
    }
    database.writeNow(() => staging.markDamaged(row.staged ?? ''))
    if (!waiting) return
    database.writeNow(() => journal.noteFailure(waiting.seq, error, 'never', clock.nowMs()))
  }
}
