/** Rewrites an object's metadata in place, by a copy inside the bucket: no byte passes the line. */
import type { Etag } from '../s3/object-store.ts'
import { copyInBucket } from './copy-guard.ts'
import { encodeFacts, factsOfStored } from './object-attributes.ts'
import { attributesKeeping } from './rewrite.ts'
import type { Job } from './sync-job.ts'
import { headOrNone } from './upload-job.ts'

export async function rewriteAttributes(job: Job): Promise<void> {
  const { tree, row } = job
  const node = row.node === null ? undefined : tree.nodes.byId(row.node)
  const key = node?.remoteKey
  if (!node || node.parent === null || !key || node.etag === null || row.state === 'cancelled') {
    await tree.change(() => tree.journal.remove(row.seq))
    return
  }
  const head = await job.requests.run(
    'background',
    (attempt) => headOrNone(job.store, key, attempt),
    job.signal,
  )
  if (!head || head.etag !== node.etag) {
    // Another version, or none: these attributes belonged to what is not there any more.
    await tree.change(() => tree.journal.remove(row.seq))
    return
  }
  const replace = await attributesKeeping(job, node, head, false)
  const source = { volume: tree.volume, key, etag: node.etag as Etag, sizeBytes: node.remoteSize }
  const etag = await copyInBucket(job, { source, key, replace })
  await tree.change(() => {
    const now = tree.journal.bySeq(row.seq)
    const current = tree.nodes.byId(node.id)
    if (current?.remoteKey === key) {
      const version = { volume: tree.volume, key, sizeBytes: node.remoteSize }
      job.renameCached({ ...version, etag: node.etag as Etag }, { ...version, etag })
      tree.nodes.update(node.id, {
        etag,
        seenMs: tree.clock.nowMs(),
        metadata: encodeFacts(factsOfStored(replace)),
      })
    }
    if (now && now.generation === row.generation) tree.journal.remove(row.seq)
  })
}
