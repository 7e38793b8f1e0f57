/**
 * Carries a rename out in the bucket: copy, verify, then delete.
 *
 * Keeps: at every moment the object is under its old key, its new key, or both; the source is only
 *        deleted after its copy was verified.
 */
import { PailError } from '../../shared/errors.ts'
import type { Etag, Precondition } from '../s3/object-store.ts'
import type { NodeRow } from '../store/nodes.ts'
import { giveUpDirectory, moveDirectory } from './job-move-directory.ts'
import { copyOne, noteMoved, reachableKey, renew, versionOf } from './job-move-steps.ts'
import type { Job } from './sync-job.ts'
import { journalDelete } from './tree-edit.ts'

export async function move(job: Job): Promise<void> {
  const { tree, row } = job
  const node = row.node === null ? undefined : tree.nodes.byId(row.node)
  if (!node || node.parent === null || row.state === 'cancelled') {
    if (row.key.endsWith('/')) await giveUpDirectory(job)
    else await tree.change(() => tree.journal.remove(row.seq))
    return
  }
  if (node.kind === 'directory') await moveDirectory(job, node)
  else await moveFile(job, node)
}

async function moveFile(job: Job, node: NodeRow): Promise<void> {
  const { tree, row } = job
  const source = node.remoteKey
  const target = reachableKey(job, node)
  if (source === null || source === target || node.etag === null) {
    await tree.change(() => tree.journal.remove(row.seq))
    return
  }
  const replaced = tree.journal.deletionOf(tree.volume, target)
  const expected: Precondition =
    replaced?.etag == null ? { ifAbsent: true } : { ifMatch: replaced.etag as Etag }
  const etag = await copyOrForget(job, node, source, target, expected)
  if (etag === undefined) return
  await tree.change(() => {
    const now = tree.journal.bySeq(row.seq)
    const current = tree.nodes.byId(node.id)
    const outdated = tree.journal.deletionOf(tree.volume, target)
    if (outdated && !tree.isRunning(outdated)) tree.journal.remove(outdated.seq)
    if (now) tree.journal.remove(row.seq)
    if (!current || current.parent === null) {
      journalDelete(tree, target, etag)
      return
    }
    noteMoved(job, current, target, etag)
    journalDelete(tree, source, node.etag)
    if (tree.keyOf(current) !== target && current.staged === null) renew(job, current)
  })
}

/**
 * @returns undefined when the bucket does not have the source any more: someone else removed it,
 *          and a listing will tell what is there instead
 */
async function copyOrForget(
  job: Job,
  node: NodeRow,
  source: string,
  target: string,
  precondition: Precondition,
): Promise<Etag | undefined> {
  const { tree, row } = job
  try {
    const { storageClass } = node
    return await copyOne(job, versionOf(node, source), target, { precondition, storageClass })
  } catch (thrown) {
    const error = PailError.from(thrown)
    if (error.code !== 's3/no-key') throw error
    job.log.write('warn', 'sync/move-source-gone', { source, target })
    await tree.change((note) => {
      tree.journal.remove(row.seq)
      tree.nodes.remove(node.id)
      const parent = node.parent ?? 0
      note({ type: 'removed', id: node.id, parent, name: node.name, origin: 'remote' })
    })
    return undefined
  }
}
