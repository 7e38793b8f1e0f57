/**
 * Two versions of one file: neither is dropped.
 *
 * The bucket's version keeps the name; the local one becomes `name (conflict HOST date).ext` and is
 * uploaded under that name. Equal bytes are no conflict.
 */
import { createHash } from 'node:crypto'
import { PailError } from '../../shared/errors.ts'
import type { ObjectHead } from '../s3/object-store.ts'
import type { NodeRow } from '../store/nodes.ts'
import type { UploadSource } from './file-content.ts'
import type { Job } from './sync-job.ts'
import { mergePage } from './tree-merge.ts'
import { headOrNone } from './upload-job.ts'

/** Files up to this size are compared by reading them; larger ones count as different. */
const COMPARE_BYTES_MAX = 64 * 1024 * 1024
const READ_BYTES = 1024 * 1024
const NAMES_TRIED_MAX = 100

/** `report.csv` -> `report (conflict HOST 2026-11-21 0931).csv`; UTC, so that two hosts agree. Pure. */
export function conflictName(name: string, host: string, nowMs: number, count: number): string {
  const at = new Date(nowMs).toISOString()
  const stamp = `${at.slice(0, 10)} ${at.slice(11, 13)}${at.slice(14, 16)}`
  const dot = name.lastIndexOf('.')
  const stem = dot > 0 ? name.slice(0, dot) : name
  const extension = dot > 0 ? name.slice(dot) : ''
  const again = count > 1 ? ` ${count}` : ''
  return `${stem} (conflict ${host} ${stamp}${again})${extension}`
}

export async function keepBoth(
  job: Job,
  node: NodeRow,
  key: string,
  source: UploadSource,
): Promise<void> {
  const head = await job.requests.run(
    'background',
    (attempt) => headOrNone(job.store, key, attempt),
    job.signal,
  )
  if (!head) {
    await forgetRemote(job, node, key, source)
    return
  }
  if (await isEqual(job, head, source)) {
    await job.tree.change(() => {
      const replaced = job.tree.journal.deletionOf(job.tree.volume, key)
      if (replaced) job.tree.journal.remove(replaced.seq)
      // The next try replaces the object by its equal, under its present ETag.
      job.tree.nodes.update(node.id, {
        remoteKey: key,
        etag: head.etag,
        remoteSize: head.sizeBytes,
      })
    })
    throw new PailError('s3/precondition', 'the bucket has equal bytes under a new version', {
      key,
    })
  }
  if (source.base) {
    throw new PailError('vfs/stale', 'the version that was edited is not in the bucket any more', {
      key,
    })
  }
  await renameLocal(job, node, key, head)
}

/** Removed in the bucket, edited here: the edit stays, as a new object. */
async function forgetRemote(
  job: Job,
  node: NodeRow,
  key: string,
  source: UploadSource,
): Promise<void> {
  if (source.base) {
    throw new PailError('s3/no-key', 'the version that was edited was removed in the bucket', {
      key,
    })
  }
  await job.tree.change(() => {
    const replaced = job.tree.journal.deletionOf(job.tree.volume, key)
    if (replaced) job.tree.journal.remove(replaced.seq)
    if (node.remoteKey === key) job.tree.nodes.update(node.id, { remoteKey: null, etag: null })
  })
  throw new PailError('s3/precondition', 'the object was removed in the bucket meanwhile', { key })
}

/** Single-part ETags are the MD5 of the bytes on servers that do not encrypt: a proof when equal. */
async function isEqual(job: Job, head: ObjectHead, source: UploadSource): Promise<boolean> {
  if (head.sizeBytes !== source.sizeBytes || source.sizeBytes > COMPARE_BYTES_MAX) return false
  if (source.base) return false
  const hash = createHash('md5')
  const chunk = new Uint8Array(READ_BYTES)
  for (let offset = 0; offset < source.sizeBytes; offset += READ_BYTES) {
    const part = chunk.subarray(0, Math.min(READ_BYTES, source.sizeBytes - offset))
    await source.read(offset, part, job.signal)
    hash.update(part)
  }
  return head.etag.replaceAll('"', '') === hash.digest('hex')
}

async function renameLocal(job: Job, node: NodeRow, key: string, head: ObjectHead): Promise<void> {
  const { tree, clock, host, log } = job
  const name = await tree.change((note) => {
    const free = freeName(job, node)
    const directory = tree.node(node.parent ?? tree.rootId)
    const replaced = tree.journal.deletionOf(tree.volume, key)
    if (replaced) tree.journal.remove(replaced.seq)
    tree.nodes.update(node.id, {
      name: free,
      component: null,
      remoteKey: null,
      etag: null,
      change: node.change + 1,
    })
    tree.journal.renew(job.row.seq, {
      key: tree.keyOf(tree.node(node.id)),
      bytes: node.size,
      readyMs: clock.nowMs(),
    })
    tree.nodes.touchDirectory(directory.id, clock.nowNs())
    note({
      type: 'removed',
      id: node.id,
      parent: directory.id,
      name: node.name,
      origin: 'remote',
    })
    note({ type: 'added', id: node.id, parent: directory.id, name: free, origin: 'remote' })
    return free
  })
  log.write('warn', 'sync/conflict', { key, name, host })
  const parent = tree.node(node.parent ?? tree.rootId)
  if (parent.remoteKey === null) return
  await mergePage(
    tree,
    parent.id,
    parent.remoteKey,
    { objects: [head], prefixes: [] },
    clock.nowMs(),
  )
}

function freeName(job: Job, node: NodeRow): string {
  const { tree, clock, host } = job
  const parent = node.parent ?? tree.rootId
  for (let count = 1; count <= NAMES_TRIED_MAX; count++) {
    const name = conflictName(node.name, host, clock.nowMs(), count)
    if (!tree.nodes.child(parent, name)) return name
  }
  throw new PailError('vfs/exists', `${NAMES_TRIED_MAX} conflict copies of one minute`)
}
