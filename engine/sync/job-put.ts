/**
 * Uploads one file's sealed content to the key of its path.
 *
 * Keeps: what the bucket has under the key is only replaced when it is the version that the
 *        change was based on; otherwise both stay (conflict.ts).
 */
import { PailError } from '../../shared/errors.ts'
import { present } from '../base/assert.ts'
import type { Etag, ObjectFacts, Precondition, PutAttributes } from '../s3/object-store.ts'
import type { JournalRow } from '../store/journal.ts'
import type { NodeRow } from '../store/nodes.ts'
import { isLeftByUs, proofParts } from './attempt-proof.ts'
import { keepBoth } from './conflict.ts'
import type { FileContent } from './file-content.ts'
import { checkFreed } from './leaving.ts'
import { attemptedAt } from './left-attempts.ts'
import { MovePrefixes } from './move-prefixes.ts'
import { encodeFacts, factsOfStored, isLinkSize, readAttributes } from './object-attributes.ts'
import { findOwnBase } from './own-base.ts'
import { attributesKeeping, keptFacts } from './rewrite.ts'
import type { Job } from './sync-job.ts'
import type { Progress } from './transfers.ts'
import { journalDelete, journalStray } from './tree-edit.ts'
import { abandonUpload, uploadContent } from './upload-content.ts'
import { headOrNone } from './upload-job.ts'
import {
  ATTEMPTED_VERSIONS_MAX,
  type Attempt,
  decodeUploadRecord,
  EMPTY_UPLOAD_RECORD,
  encodeUploadRecord,
  isSameAttempt,
  type UploadRecord,
} from './upload-record.ts'
import type { UploadSource } from './upload-source.ts'
import { vacate } from './vacate.ts'

/** When an upload that could not be aborted is tried again. */
const ORPHAN_RETRY_MS = 60_000

export async function put(job: Job): Promise<void> {
  const { tree, contents, row } = job
  const node = row.node === null ? undefined : tree.nodes.byId(row.node)
  if (!node || node.parent === null || row.state === 'cancelled') return abandon(job)
  if (node.kind === 'symlink') return send(job, node, LINK_CONTENT, linkSource(node))
  const content = await contents.acquire(node.id)
  try {
    const source = content.uploadSource()
    if (!source) return
    try {
      await send(job, node, content, source)
    } finally {
      await source.release()
    }
  } finally {
    await contents.release(content, 'sync')
  }
}

type SentContent = Pick<FileContent, 'isDirty' | 'settle' | 'standAlone'>

/** A link never changes, and nothing of it is staged. */
const LINK_CONTENT: SentContent = {
  isDirty: false,
  settle: async () => {},
  standAlone: async () => {},
}

/** s3fs keeps a link as an object whose body is the target. */
function linkSource(node: NodeRow): UploadSource {
  const body = Buffer.from(present(node.target, `target of link ${node.id}`))
  return {
    sizeBytes: body.length,
    extents: [{ start: 0, end: body.length }],
    read: async (offset, into) => into.set(body.subarray(offset, offset + into.length)),
    release: async () => {},
  }
}

function isLink(facts: ObjectFacts | undefined): boolean {
  return facts !== undefined && readAttributes(facts).kind === 'symlink'
}

async function send(
  job: Job,
  node: NodeRow,
  content: SentContent,
  source: UploadSource,
): Promise<void> {
  const { tree, row, signal } = job
  const key = tree.keyOf(node)
  await vacate(job, key)
  const replaced = tree.journal.deletionOf(tree.volume, key)
  const resume = withAttempts(readRecord(row), attemptedAt(tree, key))
  const kept = await keptFacts(job, node)
  // Emptied without a look at what it was: a link that another tool stored is not written over.
  if (node.kind === 'file' && isLinkSize(node.remoteSize) && isLink(kept)) {
    return keepBoth(job, node, content, { source, keepsExpected: true })
  }
  const attributes = await attributesKeeping(job, node, kept, true)
  const uploaded = {
    store: job.store,
    requests: job.requests,
    capabilities: await job.capabilities(signal),
    key,
    source: {
      sizeBytes: source.sizeBytes,
      extents: source.extents,
      ...(source.base ? { base: source.base } : {}),
      read: source.read,
    },
    attributes,
    precondition: preconditionOf(node, key, replaced),
    ...(resume ? { resume } : {}),
    save: async (record: UploadRecord | undefined) => saveRecord(job, record),
    onProgress: (progress: Progress) =>
      job.transfers.progress(row.seq, { ...progress, totalBytes: source.sizeBytes }),
    isCurrent: () => isCurrent(job, key, content),
    signal,
  }
  try {
    const result = await uploadContent(uploaded, {
      buffers: job.buffers,
      noteCapability: job.noteCapability,
    })
    if (result.outcome !== 'stored') return
    await keepOrphans(job, key, result.orphans)
    await stored(job, { key, etag: result.etag, attributes }, content, source)
  } catch (thrown) {
    const error = PailError.from(thrown)
    if (!isOutdated(error, source)) throw error
    // An earlier try of ours did that, and power took the record of it: the next goes on from there.
    if (await findOwnBase(job, { id: node.id, urgency: 'background', signal })) throw error
    // What stands there may be of a folder that has left the path and waits for a person: no conflict.
    checkFreed(new MovePrefixes(tree).takingAway(key))
    if (tree.roles.isMarker(node.parent ?? 0, node.name)) await takeOver(job, node, key)
    await keepBoth(job, node, content, { source })
  }
}

/** The bucket is not as the change was based on: another version, or none where parts come from. */
function isOutdated({ code }: PailError, source: UploadSource): boolean {
  if (code === 's3/no-key') return source.base !== undefined
  return code === 's3/precondition' || code === 'vfs/stale'
}

/** The name of a marker is Pail's alone: another one there gives way to this one by the next try. */
async function takeOver(job: Job, node: NodeRow, key: string): Promise<never> {
  const { tree, store, requests, signal } = job
  const head = await requests.run('background', (one) => headOrNone(store, key, one), signal)
  const found = head
    ? { remoteKey: key, etag: head.etag, remoteSize: head.sizeBytes }
    : { remoteKey: null, etag: null }
  await tree.change(() => tree.nodes.update(node.id, found))
  throw new PailError('s3/precondition', 'another marker stands in the bucket', { key })
}

/** The version that the change replaces: one that is to be deleted, the file's own, or none. */
function preconditionOf(
  node: NodeRow,
  key: string,
  replaced: JournalRow | undefined,
): Precondition {
  const expected = replaced ? replaced.etag : node.remoteKey === key ? node.etag : null
  return expected === null ? { ifAbsent: true } : { ifMatch: expected as Etag }
}

function isCurrent(job: Job, key: string, content: SentContent): boolean {
  const { tree, row } = job
  const now = tree.journal.bySeq(row.seq)
  if (!now || now.state === 'cancelled' || now.generation !== row.generation) return false
  const node = row.node === null ? undefined : tree.nodes.byId(row.node)
  return node !== undefined && !content.isDirty && tree.keyOf(node) === key
}

function withAttempts(
  record: UploadRecord | undefined,
  attempted: readonly Attempt[],
): UploadRecord | undefined {
  if (attempted.length === 0) return record
  const { attempted: own, ...rest } = record ?? EMPTY_UPLOAD_RECORD
  const isKnown = (one: Attempt) => own.some((other) => isSameAttempt(one, other))
  const all = [...attempted.filter((one) => !isKnown(one)), ...own]
  return { ...rest, attempted: all.slice(-ATTEMPTED_VERSIONS_MAX) }
}

function readRecord(row: JournalRow): UploadRecord | undefined {
  return row.record ? decodeUploadRecord(row.record) : undefined
}

async function saveRecord(job: Job, record: UploadRecord | undefined): Promise<void> {
  const bytes = record ? encodeUploadRecord(record) : null
  await job.tree.database.write(() => job.tree.journal.setRecord(job.row.seq, bytes))
  // After lost power we must still know what may be ours in the bucket.
  await job.tree.database.sync()
}

/** Uploads that could not be aborted are billed until they are: a row of their own sees to it. */
async function keepOrphans(job: Job, key: string, orphans: UploadRecord['orphans']): Promise<void> {
  if (orphans.length === 0) return
  const { tree, clock } = job
  const record = encodeUploadRecord({ version: 1, attempted: [], orphans })
  const readyMs = clock.nowMs() + ORPHAN_RETRY_MS
  await tree.database.write(() => {
    const { volume } = tree
    tree.journal.insert({ volume, op: 'put', node: null, key, state: 'cancelled', readyMs, record })
  })
}

/** The bucket has the content: the row, the node and what it replaced are settled in one step. */
async function stored(
  job: Job,
  { key, etag, attributes }: { key: string; etag: Etag; attributes: PutAttributes },
  content: SentContent,
  source: UploadSource,
): Promise<void> {
  const { tree, row } = job
  const isSettled = await tree.change(() => {
    const now = tree.journal.bySeq(row.seq)
    const node = row.node === null ? undefined : tree.nodes.byId(row.node)
    const replaced = tree.journal.deletionOf(tree.volume, key)
    if (replaced && !tree.isRunning(replaced)) tree.journal.remove(replaced.seq)
    if (!node || node.parent === null || now?.state === 'cancelled') {
      if (now) tree.journal.remove(now.seq)
      journalDelete(tree, key, etag)
      return false
    }
    if (node.remoteKey !== null && node.remoteKey !== key) {
      journalDelete(tree, node.remoteKey, node.etag, now?.record)
    }
    const isSame = now !== undefined && now.generation === row.generation
    tree.nodes.update(node.id, {
      remoteKey: key,
      etag,
      remoteSize: source.sizeBytes,
      seenMs: tree.clock.nowMs(),
      metadata: encodeFacts(factsOfStored(attributes)),
    })
    tree.roles.noteStored(tree.node(node.id))
    if (!isSame) return false
    tree.journal.remove(row.seq)
    const { program } = now
    const atMs = tree.clock.nowMs()
    const bytes = source.sizeBytes
    job.recent.note({ volume: tree.volume, kind: 'uploaded', key, bytes, program, atMs })
    if (node.staged !== null) {
      tree.staging.removeRecord(node.staged)
      tree.nodes.update(node.id, { staged: null })
    }
    // Renamed while the answer was on its way: from here it moves on.
    journalStray(tree, node.id)
    return true
  })
  if (!isSettled || row.node === null) return
  await content.settle({ volume: tree.volume, key, etag, sizeBytes: source.sizeBytes })
}

/**
 * The file was removed while its upload was under way, or the upload waits from before a crash.
 * Whether its last request landed is looked up, because only then there is something to delete.
 */
async function abandon(job: Job): Promise<void> {
  const { tree, row, store, requests, signal } = job
  const record = readRecord(row)
  if (record) {
    await requests.run('background', (attempt) => abandonUpload(store, record, attempt), signal)
  }
  const attempted = record?.attempted ?? []
  const head =
    attempted.length === 0
      ? undefined
      : await requests.run('background', (attempt) => headOrNone(store, row.key, attempt), signal)
  const isLanded = head !== undefined && (await isLeftByUs(proofParts(job), attempted, head))
  await tree.change(() => {
    tree.journal.remove(row.seq)
    // Meanwhile it may have become a file's object, by an answer that came late, by a listing or by an
    // upload of the same bytes; or it replaced one: that file's own row meets it.
    if (!isLanded) return
    const isHeld = tree.nodes
      .byRemoteKey(tree.volume, row.key)
      .some(({ parent }) => parent !== null)
    if (!isHeld) journalDelete(tree, row.key, head.etag)
  })
}
