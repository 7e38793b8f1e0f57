/** Writes a directory's own object: `dir/`, empty, of the type by which s3fs knows directories. */
import { attributesOf } from './object-attributes.ts'
import type { Job } from './sync-job.ts'
import { journalDelete } from './tree-edit.ts'

export async function writeMarker(job: Job): Promise<void> {
  const { tree, row } = job
  const node = row.node === null ? undefined : tree.nodes.byId(row.node)
  if (!node || node.parent === null || row.state === 'cancelled') {
    await tree.change(() => {
      tree.journal.remove(row.seq)
      // A request from before a crash may have stored it: removing what is not there is no error.
      if (row.state === 'cancelled') journalDelete(tree, row.key, null)
    })
    return
  }
  const key = tree.keyOf(node)
  const { etag } = await job.requests.run(
    'background',
    (attempt) => job.store.put({ key, body: new Uint8Array(0), ...attributesOf(node) }, attempt),
    job.signal,
  )
  await tree.change(() => {
    const now = tree.journal.bySeq(row.seq)
    const current = tree.nodes.byId(node.id)
    const replaced = tree.journal.deletionOf(tree.volume, key)
    if (replaced && !tree.isRunning(replaced)) tree.journal.remove(replaced.seq)
    if (!current || current.parent === null || now?.state === 'cancelled') {
      if (now) tree.journal.remove(now.seq)
      journalDelete(tree, key, etag)
      return
    }
    const isHome = tree.keyOf(current) === key
    const isNew = current.remoteKey === null
    if (isNew && isHome) {
      // Nothing was in the bucket under it: what is known here is all there is.
      const nowMs = tree.clock.nowMs()
      tree.nodes.update(node.id, { remoteKey: key, hasMarker: true, etag, listedMs: nowMs })
    } else if (current.remoteKey === key) {
      tree.nodes.update(node.id, { hasMarker: true, etag })
    }
    if (!isHome) journalDelete(tree, key, etag)
    // Renamed meanwhile, or changed again: the row stays and writes the marker at its new place.
    if (now && now.generation === row.generation && isHome) tree.journal.remove(row.seq)
  })
}
