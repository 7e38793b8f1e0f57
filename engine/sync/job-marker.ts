/**
 * Writes a directory's own object: `dir/`, empty, of the type by which s3fs knows directories.
 *
 * Keeps: it lies where the directory's other objects lie, and moves along with them. So whatever lies
 *        under a prefix belongs to the one directory whose objects are there.
 */
import { PailError } from '../../shared/errors.ts'
import type { Etag, PutAttributes } from '../s3/object-store.ts'
import type { NodeRow } from '../store/nodes.ts'
import { copyInBucket } from './copy-guard.ts'
import { checkFreed, movesAway } from './leaving.ts'
import { MARKER_ATTEMPT, settleAttempts } from './left-attempts.ts'
import { plannedMoves } from './move-plan.ts'
import { encodeFacts, factsOfStored } from './object-attributes.ts'
import { attributesForUpload } from './rewrite.ts'
import type { Job } from './sync-job.ts'
import type { Tree } from './tree.ts'
import { journalDelete } from './tree-edit.ts'
import { headOrNone } from './upload-job.ts'

/** What somebody keeps under a directory's own key stays: it is copied onto itself. */
async function writeOrRewrite(
  job: Job,
  node: NodeRow,
  key: string,
  attributes: PutAttributes,
): Promise<{ etag: Etag }> {
  const { store, requests, signal, tree } = job
  const content = await contentOf(job, node, key)
  if (content) {
    const source = { volume: tree.volume, key, ...content }
    try {
      return { etag: await copyInBucket(job, { source, key, replace: attributes }) }
    } catch (thrown) {
      await lookAnew(job, node, key, PailError.from(thrown))
      throw thrown
    }
  }
  await noteAttempt(job, key)
  const marker = { ...attributes, key, body: new Uint8Array(0) }
  return requests.run('background', (attempt) => store.put(marker, attempt), signal)
}

/**
 * Whether it landed may not be known for long: by then the directory may have another name, or none.
 * @throws PailError `vfs/stale` when that happened already: the next try goes on from there
 */
async function noteAttempt({ tree, row }: Job, key: string): Promise<void> {
  await tree.database.write(() => {
    const now = tree.journal.bySeq(row.seq)
    if (now?.key !== row.key || now.state === 'cancelled') {
      throw new PailError('vfs/stale', 'the directory has another path now', { key })
    }
    tree.journal.setRecord(row.seq, MARKER_ATTEMPT)
  })
  await tree.database.sync()
}

/**
 * Somebody else replaced or removed the content: the next try goes on from what is there now.
 * @throws PailError `s3/precondition` in place of what nobody would try again
 */
async function lookAnew(job: Job, node: NodeRow, key: string, error: PailError): Promise<void> {
  if (error.code !== 's3/no-key' && error.code !== 's3/precondition') return
  const { store, requests, signal, tree } = job
  const head = await requests.run('background', (one) => headOrNone(store, key, one), signal)
  const { etag, sizeBytes: remoteSize } = head ?? { etag: null, sizeBytes: 0 }
  const metadata = head ? encodeFacts(head) : null
  const now = { hasMarker: head !== undefined, etag, remoteSize, metadata }
  await tree.change(() => tree.nodes.update(node.id, now))
  throw new PailError('s3/precondition', "the directory's object is another one now", { key })
}

type Content = { readonly etag: Etag; readonly sizeBytes: number }

/** A directory that was never listed may have content nobody here knows of: then the server is asked. */
async function contentOf(job: Job, node: NodeRow, key: string): Promise<Content | undefined> {
  if (node.remoteKey !== key) return undefined
  const { etag, remoteSize: sizeBytes } = node
  if (node.hasMarker && etag !== null) {
    return sizeBytes > 0 ? { etag: etag as Etag, sizeBytes } : undefined
  }
  if (node.listedMs > 0) return undefined
  const { objects } = await job.requests.run(
    'background',
    (attempt) => job.store.list({ prefix: key, delimiter: '/', keysMax: 1 }, attempt),
    job.signal,
  )
  return objects.find((object) => object.key === key && object.sizeBytes > 0)
}

export async function writeMarker(job: Job): Promise<void> {
  const { tree, row } = job
  const node = row.node === null ? undefined : tree.nodes.byId(row.node)
  if (!node || node.parent === null || row.state === 'cancelled') {
    await giveUp(job)
    return
  }
  checkFreed(movesAway(tree, node))
  const key = node.remoteKey ?? tree.keyOf(node)
  const attributes = await attributesForUpload(job, node, true)
  const metadata = encodeFacts(factsOfStored(attributes))
  const { etag } = await writeOrRewrite(job, node, key, attributes)
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
    if (current.remoteKey === null && tree.keyOf(current) !== key) {
      // Renamed meanwhile, with nothing that would move: the row writes it at its new place.
      journalDelete(tree, key, etag)
      return
    }
    if (node.etag !== null) settleAttempts(tree, key, node.etag as Etag)
    noteMarker(tree, current, { key, etag, metadata })
    if (now && now.generation === row.generation) tree.journal.remove(row.seq)
  })
}

/**
 * The directory is gone, or has another path: what a request for it may have left goes, unless it is
 * another directory's by now.
 */
async function giveUp(job: Job): Promise<void> {
  const { tree, row, store, requests, signal } = job
  const head =
    row.state === 'cancelled'
      ? await requests.run('background', (one) => headOrNone(store, row.key, one), signal)
      : undefined
  await tree.change(() => {
    tree.journal.remove(row.seq)
    if (head?.sizeBytes !== 0) return
    const isHeld = tree.nodes
      .byRemoteKey(tree.volume, row.key)
      .some(({ parent, hasMarker }) => parent !== null && hasMarker)
    if (!isHeld) journalDelete(tree, row.key, head.etag)
  })
}

type Marker = { readonly key: string; readonly etag: Etag; readonly metadata: string | null }

function noteMarker(tree: Tree, node: NodeRow, { key, etag, metadata }: Marker): void {
  // A listing that began before does not show it, and must not take the directory for gone.
  const seenMs = tree.clock.nowMs()
  // Nothing was in the bucket under a new one: what is known here is all there is.
  const place = node.remoteKey === null ? { remoteKey: key, listedMs: seenMs } : {}
  tree.nodes.update(node.id, { hasMarker: true, etag, metadata, seenMs, ...place })
  noteContent(tree, key, etag)
  addToPlans(tree, key, { etag, sizeBytes: node.remoteSize })
}

/** A move that was planned before does not know of it, or has copied what stood there before. */
function addToPlans(tree: Tree, source: string, content: { etag: Etag; sizeBytes: number }): void {
  for (const { seq } of plannedMoves(tree, source)) {
    tree.journal.moveItems.add(seq, [{ source, ...content }])
  }
}

/** Content under the directory's own key has the version of the marker. */
function noteContent(tree: Tree, key: string, etag: Etag): void {
  for (const row of tree.nodes.byRemoteKey(tree.volume, key)) {
    if (row.kind !== 'directory') tree.nodes.update(row.id, { etag })
  }
}
