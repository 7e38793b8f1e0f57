/**
 * Two versions of one file: neither is dropped.
 *
 * The bucket's version keeps the name; the local one becomes `name (conflict HOST date).ext` and is
 * uploaded under that name. Equal bytes are no conflict.
 */
import { createHash } from 'node:crypto'
import { PailError } from '../../shared/errors.ts'
import type { Etag, ObjectHead, ObjectInfo } from '../s3/object-store.ts'
import type { NodeRow } from '../store/nodes.ts'
import type { FileContent } from './file-content.ts'
import type { Job } from './sync-job.ts'
import { showObject } from './tree-show.ts'
import { headOrNone } from './upload-job.ts'
import { etagOfMd5, hasMd5Form, isSameEtag } from './upload-proof.ts'
import type { UploadSource } from './upload-source.ts'

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

type Changed = Pick<FileContent, 'standAlone'>
type Change = {
  readonly source: UploadSource
  /** What the upload would have replaced is not its to replace either. */
  readonly keepsExpected?: boolean
}

/**
 * The bucket has another version than the one that a change was based on, or none any more.
 * @throws PailError `s3/precondition` when the next try goes on from what the bucket has now;
 *         `sync/base-gone` when parts of the file cannot be had any more
 */
export async function keepBoth(
  job: Job,
  node: NodeRow,
  content: Changed,
  { source, keepsExpected = false }: Change,
): Promise<void> {
  const key = job.tree.keyOf(node)
  const head = await job.requests.run(
    'background',
    (attempt) => headOrNone(job.store, key, attempt),
    job.signal,
  )
  if (head && !keepsExpected && isExpected(job, node, head)) {
    // A file that was renamed over this one is changed in part: its own object is what is missing.
    if (source.base && source.base.key !== key) await standAlone(job, node, content)
    // What was refused a moment ago is as it must be: another writer came and went.
    throw new PailError('s3/precondition', 'the bucket has the expected version again', { key })
  }
  if (head && (await isEqual(job, head, source))) {
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
    await standAlone(job, node, content)
    throw new PailError('s3/precondition', 'the change stands by itself now', { key })
  }
  if (head) await renameLocal(job, node, head)
  else await forgetRemote(job, node, key)
}

/** Is it the version that the upload would replace: one that waits to be deleted, or its own? */
function isExpected({ tree }: Job, node: NodeRow, head: ObjectHead): boolean {
  const replaced = tree.journal.deletionOf(tree.volume, head.key)
  const expected = replaced ? replaced.etag : node.remoteKey === head.key ? node.etag : null
  // The brand is lost on the way through the database.
  return expected !== null && isSameEtag(head.etag, expected as Etag)
}

/** Takes what the change still needs of its base to this disk, as far as it is in the cache. */
async function standAlone(job: Job, node: NodeRow, content: Changed): Promise<void> {
  try {
    await content.standAlone(job.signal)
  } catch (thrown) {
    const error = PailError.from(thrown)
    if (error.code !== 'vfs/stale' && error.code !== 's3/no-key') throw error
    const where = { key: node.remoteKey ?? '', etag: node.etag ?? '' }
    throw new PailError('sync/base-gone', 'the base of the change is gone', where, error)
  }
}

/** Removed in the bucket, edited here: the edit stays, as a new object. */
async function forgetRemote(job: Job, node: NodeRow, key: string): Promise<void> {
  const { tree, clock } = job
  await tree.change(() => {
    const replaced = tree.journal.deletionOf(tree.volume, key)
    if (replaced) tree.journal.remove(replaced.seq)
    if (node.remoteKey !== key) return
    tree.nodes.update(node.id, { remoteKey: null, etag: null })
    job.recent.note({ volume: tree.volume, kind: 'kept-local', key, atMs: clock.nowMs() })
  })
  throw new PailError('s3/precondition', 'the object was removed in the bucket meanwhile', { key })
}

async function isEqual(job: Job, head: ObjectHead, source: UploadSource): Promise<boolean> {
  if (head.sizeBytes !== source.sizeBytes || source.sizeBytes > COMPARE_BYTES_MAX) return false
  try {
    const hash = createHash('md5')
    for await (const { part } of piecesOf(source, job.signal)) hash.update(part)
    if (isSameEtag(head.etag, etagOfMd5(hash.digest('hex')))) return true
    const capabilities = await job.capabilities(job.signal)
    // The ETag of one part is the MD5 of the bytes, on servers that do not encrypt: a proof.
    const isDigest = capabilities.etagIsMd5 !== false && !head.hasOpaqueEtag
    if (isDigest && hasMd5Form(head.etag)) return false
    return await isEqualByBytes(job, head, source)
  } catch (thrown) {
    // What was changed in part cannot be read whole when its base is gone.
    if (PailError.from(thrown).code === 'vfs/stale' && source.base) return false
    throw thrown
  }
}

async function isEqualByBytes(job: Job, head: ObjectHead, source: UploadSource): Promise<boolean> {
  const { key, etag } = head
  for await (const { part, offset } of piecesOf(source, job.signal)) {
    const into = new Uint8Array(part.length)
    await job.requests.run(
      'background',
      (attempt) => job.store.get({ key, etag, offset, into }, attempt),
      job.signal,
    )
    if (Buffer.compare(part, into) !== 0) return false
  }
  return true
}

async function* piecesOf(
  source: UploadSource,
  signal: AbortSignal,
): AsyncGenerator<{ part: Uint8Array; offset: number }> {
  const chunk = new Uint8Array(Math.min(READ_BYTES, source.sizeBytes))
  for (let offset = 0; offset < source.sizeBytes; offset += READ_BYTES) {
    const part = chunk.subarray(0, Math.min(READ_BYTES, source.sizeBytes - offset))
    await source.read(offset, part, signal)
    yield { part, offset }
  }
}

/** The bucket's version keeps the name; ours takes another, and goes there as a new object. */
async function renameLocal(job: Job, node: NodeRow, head: ObjectHead): Promise<void> {
  await giveWay(job, node, head, () => {
    const { tree, clock } = job
    tree.nodes.update(node.id, { remoteKey: null, etag: null })
    const key = tree.keyOf(tree.node(node.id))
    tree.journal.renew(job.row.seq, { key, bytes: node.size, readyMs: clock.nowMs() })
  })
}

/**
 * Gives our file the name of a conflict copy, shows the bucket's version under the old name, and
 * puts the conflict on record. `onRenamed` runs in the same transaction.
 */
export async function giveWay(
  job: Job,
  node: NodeRow,
  head: ObjectInfo,
  onRenamed: () => void,
): Promise<void> {
  const { tree, clock, host, log, conflicts } = job
  const { volume } = tree
  const { key } = head
  const id = await tree.change((note) => {
    const name = freeName(job, node)
    const directory = tree.node(node.parent ?? tree.rootId)
    const replaced = tree.journal.deletionOf(volume, key)
    if (replaced) tree.journal.remove(replaced.seq)
    // Its copy was in conflict before: what it was in conflict with then is not the matter now.
    const older = conflicts.ofNode(node.id)
    if (older) conflicts.remove(older.id)
    tree.nodes.update(node.id, { name, component: null, change: node.change + 1 })
    onRenamed()
    const atMs = clock.nowMs()
    job.recent.note({ volume, kind: 'conflict', key, name, atMs, bytes: node.size })
    tree.nodes.touchDirectory(directory.id, clock.nowNs())
    note({
      type: 'removed',
      id: node.id,
      parent: directory.id,
      name: node.name,
      origin: 'remote',
    })
    note({ type: 'added', id: node.id, parent: directory.id, name, origin: 'remote' })
    return conflicts.insert({
      volume,
      key,
      ours: node.id,
      theirs: null,
      theirsEtag: head.etag,
      theirsSizeBytes: head.sizeBytes,
      theirsMs: head.modifiedMs,
      host,
      atMs,
    })
  })
  log.write('warn', 'sync/conflict', { key, node: node.id, host })
  await showObject(tree, node.parent, head)
  await tree.change(() => nameTheirs(job, id, key))
}

/** The bucket's side is in the tree now, unless something of ours took its name meanwhile. */
function nameTheirs({ tree, conflicts }: Job, id: number, key: string): void {
  const conflict = conflicts.byId(id)
  const theirs = tree.findByKey(key)
  if (conflict && theirs && theirs.id !== conflict.ours) conflicts.setTheirs(id, theirs.id)
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
