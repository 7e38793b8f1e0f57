/**
 * Carries a rename out in the bucket: copy, verify, then delete.
 *
 * Keeps: at every moment the object is under its old key, its new key, or both; the source is only
 *        deleted after its copy was verified.
 */
import { PailError } from '../../shared/errors.ts'
import { present } from '../base/assert.ts'
import type { Etag, ObjectHead, Precondition } from '../s3/object-store.ts'
import type { NodeRow } from '../store/nodes.ts'
import { isLeftByUs, proofParts } from './attempt-proof.ts'
import { giveWay } from './conflict.ts'
import { giveUpDirectory, moveDirectory } from './job-move-directory.ts'
import { copyOne, noteMoved, reachableKey, renew, versionOf } from './job-move-steps.ts'
import { attemptedAt, settleAttempts } from './left-attempts.ts'
import type { Job } from './sync-job.ts'
import type { TreeChange } from './tree.ts'
import { journalDelete } from './tree-edit.ts'
import { forgetRow } from './tree-merge.ts'
import { headOrNone } from './upload-job.ts'
import { isMet, isSameEtag } from './upload-proof.ts'

const NS_PER_MS = 1_000_000n

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
  const etag = await copyOrSettle(job, node, { source, target, precondition: expected })
  if (etag === undefined) return
  const atMs = tree.clock.nowMs()
  const bytes = node.size
  await tree.change(() => {
    const now = tree.journal.bySeq(row.seq)
    const current = tree.nodes.byId(node.id)
    const outdated = tree.journal.deletionOf(tree.volume, target)
    if (outdated && !tree.isRunning(outdated)) tree.journal.remove(outdated.seq)
    if (now) tree.journal.remove(row.seq)
    settleAttempts(tree, target, versionOf(node, source).etag)
    if (!current || current.parent === null) {
      journalDelete(tree, target, etag)
      return
    }
    noteMoved(job, current, { key: target, etag, sourceEtag: present(node.etag, 'copied version') })
    const { volume } = tree
    job.recent.note({ volume, kind: 'renamed', key: source, name: target, bytes, atMs })
    journalDelete(tree, source, node.etag)
    if (tree.keyOf(current) !== target && current.staged === null) renew(job, current)
  })
}

type Copy = {
  readonly source: string
  readonly target: string
  readonly precondition: Precondition
}

/** @returns undefined when the row is settled without a copy: the source is gone */
async function copyOrSettle(job: Job, node: NodeRow, copy: Copy): Promise<Etag | undefined> {
  const { source, target, precondition } = copy
  try {
    const { storageClass } = node
    return await copyOne(job, versionOf(node, source), target, { precondition, storageClass })
  } catch (thrown) {
    const error = PailError.from(thrown)
    if (error.code === 's3/no-key') {
      await forgetSource(job, node, copy)
      return undefined
    }
    if (error.code === 's3/precondition') await lookAnew(job, node, copy)
    throw error
  }
}

/** Someone else removed the object; a listing will tell what is there instead. */
async function forgetSource(job: Job, node: NodeRow, { source, target }: Copy): Promise<void> {
  const { tree, row } = job
  job.log.write('warn', 'sync/move-source-gone', { source, target })
  await tree.change((note) => {
    tree.journal.remove(row.seq)
    forgetRow(tree, node, note)
  })
}

/**
 * The bucket is not as the rename was based on. A newer source is what moves from now on; a foreign
 * object at the target keeps the name, and our file gets that of a conflict copy. The next try
 * goes on from there.
 */
async function lookAnew(job: Job, node: NodeRow, { source, target, precondition }: Copy) {
  const { tree, store, requests, signal } = job
  const look = (key: string) =>
    requests.run('background', (one) => headOrNone(store, key, one), signal)
  const moved = await look(source)
  if (moved && moved.etag !== node.etag && node.staged === null) {
    await tree.change((note) => adoptVersion(job, node.id, moved, note))
    return
  }
  const other = await look(target)
  if (!other) await tree.change(() => forgetReplaced(job, target))
  if (!other || isMet(other, precondition) || target !== tree.keyOf(node)) return
  // Our own copy, which a try before a crash made and the server had not finished when it was looked
  // at; or anybody's with the same bytes: the next try finds it there.
  const { etag, sizeBytes } = versionOf(node, source)
  if (isSameEtag(other.etag, etag) && other.sizeBytes === sizeBytes) return
  // What a request of ours left there for a file that has another path by now is replaced.
  if (await isLeftByUs(proofParts(job), attemptedAt(tree, target), other)) {
    await tree.change(() => journalDelete(tree, target, other.etag))
    return
  }
  await giveWay(job, node, other, () => {})
}

/** What the rename replaces is gone already: somebody else removed it. */
function forgetReplaced({ tree }: Job, target: string): void {
  const replaced = tree.journal.deletionOf(tree.volume, target)
  if (replaced && !tree.isRunning(replaced)) tree.journal.remove(replaced.seq)
}

function adoptVersion(
  { tree }: Job,
  id: number,
  head: ObjectHead,
  note: (change: TreeChange) => void,
) {
  const row = tree.nodes.byId(id)
  if (!row || row.parent === null) return
  const modified = BigInt(Math.round(head.modifiedMs)) * NS_PER_MS
  tree.nodes.update(id, {
    etag: head.etag,
    remoteSize: head.sizeBytes,
    size: head.sizeBytes,
    mtime: modified,
    ctime: modified,
    change: row.change + 1,
    metadata: null,
  })
  note({ type: 'data', id, parent: row.parent, name: row.name, origin: 'remote' })
}
