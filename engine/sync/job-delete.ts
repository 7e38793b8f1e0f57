/**
 * Deletes what programs removed, up to a thousand keys in one request.
 *
 * Keeps: only the version that a program removed is deleted. A newer one stays, comes back into the
 *        folder, and a person is told.
 */
import type { PailError } from '../../shared/errors.ts'
import { abortScratchUploads, isScratchKey } from '../s3/probe.ts'
import type { JournalRow } from '../store/journal.ts'
import { isLeftByUs, proofParts } from './attempt-proof.ts'
import { deleteKeys } from './batch-delete.ts'
import { checkBeforeDelete, type DeleteCheck } from './delete-check.ts'
import { attemptedAt } from './left-attempts.ts'
import { forgetCopies } from './move-copies.ts'
import type { SyncerParts } from './sync-job.ts'
import { mergePage } from './tree-merge.ts'

type OnFailure = (row: JournalRow, error: PailError) => void

export async function deleteObjects(
  parts: SyncerParts,
  rows: readonly JournalRow[],
  onFailure: OnFailure,
): Promise<void> {
  const { tree } = parts
  for (const { key } of rows) {
    if (!isScratchKey(key)) continue
    const { store, requests, signal } = parts
    await requests.run('background', (attempt) => abortScratchUploads(store, key, attempt), signal)
  }
  // After lost power the tree must not still name what is deleted now.
  await tree.database.sync()
  const check = await checkRows(parts, rows)
  await keepChanged(parts, rows, check)
  await deleteRows(
    parts,
    rows.filter(({ key }) => !check.changed.has(key)),
    { gone: check.gone, onFailure },
  )
}

/** What was never seen under an ETag, like a scratch object of ours, is nobody else's. */
async function checkRows(parts: SyncerParts, rows: readonly JournalRow[]): Promise<DeleteCheck> {
  const expected = rows.flatMap(({ key, etag }) => (etag === null ? [] : [{ key, etag }]))
  const { changed, gone } = await checkBeforeDelete(parts, expected)
  // An upload that was given up may have landed: what it left is what the program removed.
  for (const [key, object] of changed) {
    const attempts = attemptedAt(parts.tree, key)
    // One directory's own object is as good as another, under whatever version.
    const isMarker = key.endsWith('/') && object.sizeBytes === 0
    if (isMarker || (await isLeftByUs(proofParts(parts), attempts, object))) changed.delete(key)
  }
  return { changed, gone }
}

/** Removed here, changed in the bucket: the change stays. */
async function keepChanged(
  { tree, clock, recent, log }: SyncerParts,
  rows: readonly JournalRow[],
  { changed }: DeleteCheck,
): Promise<void> {
  if (changed.size === 0) return
  const startedMs = clock.nowMs()
  await tree.change(() => {
    for (const row of rows) {
      const object = changed.get(row.key)
      if (!object) continue
      tree.journal.remove(row.seq)
      const { key, volume } = row
      const bytes = object.sizeBytes
      recent.note({ volume, kind: 'kept-remote', key, bytes, atMs: startedMs })
    }
  })
  for (const object of changed.values()) {
    log.write('warn', 'sync/kept-remote', { key: object.key })
    const prefix = object.key.slice(0, object.key.lastIndexOf('/', object.key.length - 2) + 1)
    const directory = tree.findByKey(prefix)
    if (!directory) continue
    await mergePage(tree, directory.id, prefix, { objects: [object], prefixes: [] }, startedMs)
  }
}

async function deleteRows(
  parts: SyncerParts,
  rows: readonly JournalRow[],
  { gone, onFailure }: { gone: ReadonlySet<string>; onFailure: OnFailure },
): Promise<void> {
  const { tree } = parts
  const keys = rows.flatMap(({ key }) => (gone.has(key) ? [] : [key]))
  const results = keys.length === 0 ? [] : await deleteKeys(parts, keys)
  const failures = new Map(results.flatMap(({ key, error }) => (error ? [[key, error]] : [])))
  await tree.change(() => {
    for (const row of rows) {
      if (failures.has(row.key)) continue
      tree.journal.remove(row.seq)
      tree.departures.note(row.key, tree.clock.nowMs())
    }
    const deleted = rows.filter(({ key }) => !failures.has(key))
    forgetCopies(
      tree,
      deleted.map(({ key }) => key),
    )
    noteDeleted(parts, rows, failures)
  })
  for (const row of rows) {
    const error = failures.get(row.key)
    // Who may not delete may not write either: there is no scratch object then.
    const isNothing = error?.retry === 'never' && isScratchKey(row.key)
    if (isNothing) await tree.change(() => tree.journal.remove(row.seq))
    else if (error) onFailure(row, error)
  }
}

/** One event for what was deleted together. Inside a change of the tree. */
function noteDeleted(
  { tree, recent }: SyncerParts,
  rows: readonly JournalRow[],
  failures: ReadonlyMap<string, PailError>,
): void {
  const deleted = rows.filter(({ key }) => !failures.has(key) && !isScratchKey(key))
  const [first] = deleted
  if (!first) return
  const { volume, key } = first
  recent.note({ volume, kind: 'deleted', key, count: deleted.length, atMs: tree.clock.nowMs() })
}
