/**
 * Rewrites an object's metadata in place, by a copy inside the bucket: no byte passes the line.
 *
 * Keeps: the newest version in the bucket keeps its bytes, and its times, which belong to them. What
 *        programs here changed beside it, mode and owner, is applied to whatever version that is.
 * Never: tries for ever for an object that is not there any more; gives up without a word.
 */
import { PailError } from '../../shared/errors.ts'
import type { ObjectFacts, ObjectHead, ObjectInfo } from '../s3/object-store.ts'
import type { NodeRow } from '../store/nodes.ts'
import { copyInBucket } from './copy-guard.ts'
import { learn } from './learn.ts'
import { settleAttempts } from './left-attempts.ts'
import {
  encodeFacts,
  type FoundAttributes,
  factsOfStored,
  knownFacts,
  readAttributes,
} from './object-attributes.ts'
import { findOwnBase } from './own-base.ts'
import { attributesKeeping } from './rewrite.ts'
import type { Job } from './sync-job.ts'
import { FILE_MODE, type Tree } from './tree.ts'
import { forgetRow } from './tree-merge.ts'
import { showObject } from './tree-show.ts'
import { headOrNone } from './upload-job.ts'

const NS_PER_MS = 1_000_000n

export async function rewriteAttributes(job: Job): Promise<void> {
  const { tree, row } = job
  const node = row.node === null ? undefined : tree.nodes.byId(row.node)
  const key = node?.remoteKey
  if (!node || node.parent === null || !key || node.etag === null || row.state === 'cancelled') {
    await settle(job)
    return
  }
  try {
    const head = await job.requests.run(
      'background',
      (attempt) => headOrNone(job.store, key, attempt),
      job.signal,
    )
    if (!head) await dropRemoved(job, node)
    else if (head.etag === node.etag) await rewriteKnown(job, node, head)
    else if (await isOwn(job, node)) await rewriteKnown(job, tree.node(node.id), head)
    else await rewriteNewer(job, node, head)
  } catch (thrown) {
    // Removed between look and copy.
    if (PailError.from(thrown).code !== 's3/no-key') throw thrown
    await dropRemoved(job, node)
  }
}

/** Did an earlier try of ours make the version, whose answer was lost? */
function isOwn(job: Job, { id }: NodeRow): Promise<boolean> {
  return findOwnBase(job, { id, urgency: 'background', signal: job.signal })
}

/** @returns false when a program changed the attributes once more: the row stays for them */
function settle({ tree, row }: Job): Promise<boolean> {
  return tree.change(() => {
    const now = tree.journal.bySeq(row.seq)
    if (now && now.generation !== row.generation) return false
    tree.journal.remove(row.seq)
    return true
  })
}

/** These attributes belonged to what is not there any more. @returns as `settle` does */
async function drop(job: Job, key: string, because: 'removed' | 'replaced'): Promise<boolean> {
  const isSettled = await settle(job)
  if (isSettled) job.log.write('warn', 'sync/attributes-dropped', { key, because })
  return isSettled
}

/** The file goes with its object, unless somebody may still write it. */
async function dropRemoved(job: Job, { id, etag, remoteKey }: NodeRow): Promise<void> {
  if (!(await drop(job, remoteKey ?? '', 'removed'))) return
  const { tree } = job
  await tree.change((note) => {
    const now = tree.nodes.byId(id)
    if (!now || now.parent === null || now.remoteKey !== remoteKey || now.etag !== etag) return
    if (!tree.isBusy(now) && !tree.isWriting(id)) forgetRow(tree, now, note)
  })
}

async function rewriteKnown(job: Job, node: NodeRow, head: ObjectHead): Promise<void> {
  const { tree } = job
  const { key } = head
  const mtime = timeOf(node, head)
  const replace = await attributesKeeping(job, { ...node, mtime }, head, false)
  const version = { volume: tree.volume, key, sizeBytes: node.remoteSize }
  const source = { ...version, etag: head.etag }
  const etag = await copyInBucket(job, { source, key, replace })
  await tree.change(() => {
    settleAttempts(tree, key, source.etag)
    // A program removed the file meanwhile: what has to go is what became of its object.
    const removed = tree.journal.deletionOf(tree.volume, key)
    if (removed?.etag === source.etag) tree.journal.setEtag(removed.seq, etag)
    const current = tree.nodes.byId(node.id)
    if (current?.remoteKey !== key) return
    job.renameCached(source, { ...version, etag })
    const metadata = encodeFacts(factsOfStored(replace))
    const isOurs = current.mtime !== node.mtime
    const time = isOurs ? {} : { mtime }
    tree.nodes.update(node.id, { ...time, etag, seenMs: tree.clock.nowMs(), metadata })
  })
  await settle(job)
}

/** The time that a listing told, when the object was stored, is not written over a file's own. */
function timeOf(node: NodeRow, head: ObjectHead): bigint {
  const isAsListed =
    node.metadata === null &&
    node.modifiedMs !== null &&
    node.mtime === BigInt(Math.round(node.modifiedMs)) * NS_PER_MS
  return (isAsListed ? readAttributes(head).mtime : undefined) ?? node.mtime
}

/**
 * Another client stored a version that was not seen here: that one gets what was changed here, and
 * takes the place of the outdated one in the folder.
 */
async function rewriteNewer(job: Job, node: NodeRow, head: ObjectHead): Promise<void> {
  const { tree } = job
  const { key } = head
  const theirs = readAttributes(head)
  const changed = changedHere(tree, node)
  const isFile = node.kind === 'file' && (theirs.kind ?? 'file') === 'file'
  // What waits to be uploaded brings its attributes along, and meets this version as a conflict.
  if (node.staged !== null || !isFile || Object.keys(changed).length === 0) {
    await drop(job, key, 'replaced')
    await show(tree, node, head, head)
    return
  }
  const mtime = BigInt(Math.round(head.modifiedMs)) * NS_PER_MS
  const merged = { ...node, mode: FILE_MODE, ...tree.owner, mtime, ...theirs, ...changed }
  const replace = await attributesKeeping(job, { ...merged, kind: 'file' }, head, false)
  const source = { volume: tree.volume, key, etag: head.etag, sizeBytes: head.sizeBytes }
  const etag = await copyInBucket(job, { source, key, replace })
  await tree.change(() => settleAttempts(tree, key, source.etag))
  if (!(await settle(job))) return
  await show(tree, node, { ...head, etag }, factsOfStored(replace))
}

async function show(tree: Tree, node: NodeRow, object: ObjectInfo, facts: ObjectFacts) {
  await showObject(tree, node.parent, object)
  learn(tree, object, facts)
}

/** What differs from the version in the bucket that programs saw. */
function changedHere(tree: Tree, node: NodeRow): Pick<FoundAttributes, 'mode' | 'uid' | 'gid'> {
  const facts = knownFacts(node)
  const known = { mode: FILE_MODE, ...tree.owner, ...(facts ? readAttributes(facts) : {}) }
  const { mode, uid, gid } = node
  return {
    ...(mode === known.mode ? {} : { mode }),
    ...(uid === known.uid || !tree.honoursOwners ? {} : { uid }),
    ...(gid === known.gid || !tree.honoursOwners ? {} : { gid }),
  }
}
