/** Deletes what programs removed, up to a thousand keys in one request. */
import type { PailError } from '../../shared/errors.ts'
import { abortScratchUploads, isScratchKey } from '../s3/probe.ts'
import type { JournalRow } from '../store/journal.ts'
import { deleteKeys } from './batch-delete.ts'
import type { SyncerParts } from './sync-job.ts'

export async function deleteObjects(
  parts: SyncerParts,
  rows: readonly JournalRow[],
  onFailure: (row: JournalRow, error: PailError) => void,
): Promise<void> {
  const { tree } = parts
  for (const { key } of rows) {
    if (!isScratchKey(key)) continue
    const { store, requests, signal } = parts
    await requests.run('background', (attempt) => abortScratchUploads(store, key, attempt), signal)
  }
  // After lost power the tree must not still name what is deleted now.
  await tree.database.sync()
  const results = await deleteKeys(
    parts,
    rows.map((row) => row.key),
  )
  const failures = new Map(results.flatMap(({ key, error }) => (error ? [[key, error]] : [])))
  await tree.change(() => {
    for (const row of rows) {
      if (failures.has(row.key)) continue
      tree.journal.remove(row.seq)
      tree.departures.note(row.key, tree.clock.nowMs())
    }
  })
  for (const row of rows) {
    const error = failures.get(row.key)
    // Who may not delete may not write either: there is no scratch object then.
    const isNothing = error?.retry === 'never' && isScratchKey(row.key)
    if (isNothing) await tree.change(() => tree.journal.remove(row.seq))
    else if (error) onFailure(row, error)
  }
}
