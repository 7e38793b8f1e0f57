/**
 * Carries the rename of a directory out in the bucket: plan, copy all, verify all, delete all.
 *
 * Keeps: at every moment each object is under its old key, its new key, or both; no source is
 *        deleted before every copy was seen in the bucket; the plan and each step are journaled,
 *        so that a killed engine goes on where it was.
 */
import { PailError } from '../../shared/errors.ts'
import type { Etag, ListPage } from '../s3/object-store.ts'
import type { MoveItem } from '../store/move-items.ts'
import type { NodeRow } from '../store/nodes.ts'
import { proofParts } from './attempt-proof.ts'
import { DELETE_BATCH_KEYS_MAX, deleteKeys } from './batch-delete.ts'
import { checkSources, verifyCopies } from './job-move-check.ts'
import { avoidCollisions } from './job-move-collisions.ts'
import { copyOne, noteMoved, reachableKey, renew } from './job-move-steps.ts'
import { isGoing, leaveCopies, leaveCopy } from './left-attempts.ts'
import { forgetCopies } from './move-copies.ts'
import { COPIES_MAX, encodePlan, plannedTarget } from './move-plan.ts'
import { DIRECTORY_CONTENT_TYPE } from './object-attributes.ts'
import type { Job } from './sync-job.ts'
import { journalDelete, journalMarker, journalStray } from './tree-edit.ts'
import { forgetRow, mergeFlatPage } from './tree-merge.ts'
import { headOrNone } from './upload-job.ts'

/** Items worked on between two looks at the journal. */
const ITEMS_PAGE = 256

export async function moveDirectory(job: Job, node: NodeRow): Promise<void> {
  const { tree, row } = job
  const source = row.key
  const planned = plannedTarget(row)
  const target = planned ?? (await plan(job, node))
  if (source === target) {
    await tree.change(() => tree.journal.remove(row.seq))
    return
  }
  await copyAll(job, source, { target, isResumed: planned !== undefined })
  if (tree.journal.bySeq(row.seq)?.state === 'cancelled') return
  await verifyCopies(job, source, target)
  await checkSources(job, source)
  // After lost power the tree must know the copies: their sources are gone then.
  await tree.database.sync()
  await deleteSources(job, target)
  await finish(job, node.id, source, target)
}

/** Lists everything below the source, into the tree and into the journal, before the first copy. */
async function plan(job: Job, node: NodeRow): Promise<string> {
  const { tree, row, clock, signal } = job
  const startedMs = clock.nowMs()
  let token: string | undefined
  do {
    const page: ListPage = await job.requests.run(
      'background',
      (attempt) =>
        job.store.list({ prefix: row.key, ...(token === undefined ? {} : { token }) }, attempt),
      signal,
    )
    await mergeFlatPage(tree, node.id, row.key, page, startedMs)
    await tree.database.write(() =>
      tree.journal.moveItems.add(
        row.seq,
        page.objects.map(({ key, etag, sizeBytes }) => ({ source: key, etag, sizeBytes })),
      ),
    )
    token = page.next
  } while (token !== undefined)
  const target = reachableKey(job, tree.node(node.id))
  // Renamed back meanwhile: everything is where it shall be.
  if (target !== row.key) await avoidCollisions(job, target)
  await tree.database.write(() => tree.journal.setRecord(row.seq, encodePlan(target)))
  return target
}

type Way = {
  readonly target: string
  /** An earlier try may have made copies of which it never heard. */
  readonly isResumed: boolean
}

async function copyAll(job: Job, source: string, { target, isResumed }: Way): Promise<void> {
  const { tree, row, signal } = job
  let after = ''
  for (;;) {
    const items = tree.journal.moveItems.page(row.seq, false, after, ITEMS_PAGE)
    if (items.length === 0) return
    const tried = new Set(isResumed && after === '' ? items.slice(0, COPIES_MAX) : [])
    const queue = [...items]
    const workers = Array.from({ length: Math.min(COPIES_MAX, items.length) }, async () => {
      for (let item = queue.shift(); item; item = queue.shift()) {
        if (signal.aborted) throw signal.reason
        if (tree.journal.bySeq(row.seq)?.state === 'cancelled') return
        const copy = { key: target + item.source.slice(source.length), mayBeThere: tried.has(item) }
        await copyItem(job, item, copy)
      }
    })
    // Every worker ends before a failure is told: nothing of this move is under way afterwards.
    const ends = await Promise.allSettled(workers)
    for (const end of ends) if (end.status === 'rejected') throw end.reason
    after = items.at(-1)?.source ?? after
  }
}

/** Skips what has its own way: removed meanwhile, moved elsewhere by itself, or gone. */
async function copyItem(
  job: Job,
  item: MoveItem,
  { key: target, mayBeThere }: { key: string; mayBeThere: boolean },
): Promise<void> {
  const { tree, row } = job
  if (await isElsewhere(job, item)) {
    await tree.database.write(() => {
      if (mayBeThere) leaveCopy(tree, target, versionOfItem(item))
      tree.journal.moveItems.remove(row.seq, item.source)
    })
    return
  }
  const isMarker = item.source.endsWith('/') && item.sizeBytes === 0
  const copied = isMarker
    ? await copyMarker(job, item, target)
    : await copyVersion(job, item, target)
  await tree.change(() => {
    if (copied === undefined) {
      tree.journal.moveItems.remove(row.seq, item.source)
      return
    }
    tree.journal.moveItems.setCopied(row.seq, item.source, copied)
    // What waited to be deleted there is replaced: the deletion would take the copy for it.
    const replaced = tree.journal.deletionOf(tree.volume, target)
    if (replaced && !tree.isRunning(replaced)) tree.journal.remove(replaced.seq)
    if (tree.journal.deletionOf(tree.volume, item.source)) {
      journalDelete(tree, target, copied.etag)
    }
    for (const node of tree.nodes.byRemoteKey(tree.volume, item.source)) {
      // Directories follow together, at the end.
      if (node.kind === 'directory') continue
      noteMoved(job, node, { ...copied, key: target })
      if (!isBelow(job, node, item.source.slice(row.key.length))) journalStray(tree, node.id)
    }
  })
}

/** What stands at the destination, and the version of the source that it was made of. */
type Copied = { readonly etag: Etag; readonly sizeBytes: number; readonly sourceEtag: string }

function versionOfItem({ source, etag, sizeBytes }: MoveItem) {
  return { key: source, etag: etag as Etag, sizeBytes }
}

/** Removed meanwhile, or moved out of this directory: then a row of its own sees to it. */
async function isElsewhere(job: Job, item: MoveItem): Promise<boolean> {
  const { tree, row } = job
  const { source } = item
  const object = { ...versionOfItem(item), modifiedMs: 0 }
  if (await isGoing(tree, object, proofParts(job))) return true
  const nodes = tree.nodes.byRemoteKey(tree.volume, source)
  const node = nodes.find(({ kind }) => kind !== 'directory') ?? nodes[0]
  return node !== undefined && !isBelow(job, node, source.slice(row.key.length))
}

/** Is the node still at its place inside of the directory that moves, wherever that is now? */
function isBelow({ tree, row }: Job, node: NodeRow, suffix: string): boolean {
  const directory = row.node === null ? undefined : tree.nodes.byId(row.node)
  if (!directory || directory.parent === null || node.parent === null) return false
  return tree.keyOf(node) === tree.keyOf(directory) + suffix
}

/** A directory's own object is written anew: some servers do not copy keys that end in a slash. */
async function copyMarker(job: Job, item: MoveItem, target: string): Promise<Copied | undefined> {
  const { store, requests, signal } = job
  return requests.run(
    'background',
    async (attempt) => {
      const head = await headOrNone(store, item.source, attempt)
      if (!head) return undefined
      const { metadata, contentType = DIRECTORY_CONTENT_TYPE, headers = {} } = head
      const marker = { key: target, body: new Uint8Array(0), metadata, contentType, headers }
      const { etag } = await store.put(marker, attempt)
      return { etag, sizeBytes: 0, sourceEtag: item.etag }
    },
    signal,
  )
}

async function copyVersion(job: Job, item: MoveItem, target: string): Promise<Copied | undefined> {
  const { tree } = job
  const storageClass = tree.nodes.byRemoteKey(tree.volume, item.source)[0]?.storageClass
  let { etag, sizeBytes } = { etag: item.etag as Etag, sizeBytes: item.sizeBytes }
  for (let tries = 0; ; tries++) {
    try {
      const version = { volume: tree.volume, key: item.source, etag, sizeBytes }
      const copy = await copyOne(job, version, target, { isVerifiedLater: true, storageClass })
      return { etag: copy, sizeBytes, sourceEtag: etag }
    } catch (thrown) {
      const error = PailError.from(thrown)
      if (error.code === 's3/no-key') return undefined
      if (error.code !== 's3/precondition' || tries >= NEWER_VERSIONS_MAX) throw error
      // Someone stored a newer version under the old name: that one moves along.
      const head = await job.requests.run(
        'background',
        (attempt) => job.store.head(item.source, attempt),
        job.signal,
      )
      etag = head.etag
      sizeBytes = head.sizeBytes
    }
  }
}

/** How often a source may change under its copy before the move is tried again later. */
const NEWER_VERSIONS_MAX = 3

async function deleteSources(job: Job, target: string): Promise<void> {
  const { tree, row } = job
  let after = ''
  for (;;) {
    const items = tree.journal.moveItems.page(row.seq, true, after, DELETE_BATCH_KEYS_MAX)
    const last = items.at(-1)
    if (!last) return
    const results = await deleteKeys(
      job,
      items.map((item) => item.source),
    )
    const failures = new Map(results.flatMap(({ key, error }) => (error ? [[key, error]] : [])))
    await tree.change(() => {
      for (const item of items) {
        if (failures.has(item.source)) continue
        leaveMarker(job, item, target)
        tree.journal.moveItems.remove(row.seq, item.source)
        tree.departures.note(item.source, tree.clock.nowMs())
      }
      const gone = items.filter(({ source }) => !failures.has(source))
      forgetCopies(
        tree,
        gone.map(({ source }) => source),
      )
    })
    for (const failure of failures.values()) throw failure
    after = last.source
  }
}

/**
 * A folder inside was renamed away after its own object had been copied: the copy would bring an empty
 * folder back, and the folder itself needs its object where it is now.
 */
function leaveMarker(job: Job, { source, copiedEtag }: MoveItem, target: string): void {
  const { tree, row } = job
  if (!source.endsWith('/')) return
  const suffix = source.slice(row.key.length)
  const nodes = tree.nodes.byRemoteKey(tree.volume, source)
  const node = nodes.find(({ kind }) => kind === 'directory')
  if (!node || node.id === row.node || isBelow(job, node, suffix)) return
  journalDelete(tree, target + suffix, copiedEtag)
  if (node.parent === null) return
  tree.nodes.update(node.id, { hasMarker: false })
  journalMarker(tree, tree.node(node.id))
}

/**
 * All directories below have their new prefix; a rename that came meanwhile starts from there. A
 * file that kept its old key was in no listing of the plan: someone else removed it.
 */
async function finish(job: Job, id: number, source: string, target: string): Promise<void> {
  const { tree, row } = job
  await tree.change((note) => {
    let after = ''
    for (;;) {
      const nodes = tree.nodes.byRemotePrefix(tree.volume, source, after, ITEMS_PAGE)
      for (const node of nodes) {
        const suffix = (node.remoteKey ?? '').slice(source.length)
        if (!isBelow(job, node, suffix)) continue
        if (node.kind === 'directory') tree.nodes.update(node.id, { remoteKey: target + suffix })
        else if (!tree.isBusy(node)) forgetRow(tree, node, note)
      }
      const last = nodes.at(-1)?.remoteKey
      if (!last) break
      after = last
    }
    tree.journal.remove(row.seq)
    const node = tree.nodes.byId(id)
    if (node && node.parent !== null && tree.keyOf(node) !== target) renew(job, node)
  })
}

/** The directory was removed while it moved: copies that nobody names any more go, too. */
export async function giveUpDirectory(job: Job): Promise<void> {
  const { tree, row } = job
  const target = plannedTarget(row)
  await tree.change(() => {
    let after = ''
    for (;;) {
      const items = tree.journal.moveItems.page(row.seq, true, after, ITEMS_PAGE)
      for (const item of items) {
        const copy = `${target}${item.source.slice(row.key.length)}`
        const isNamed = tree.nodes.byRemoteKey(tree.volume, copy).length > 0
        if (target !== undefined && !isNamed) journalDelete(tree, copy, item.copiedEtag)
        journalDelete(tree, item.source, item.etag)
      }
      const last = items.at(-1)
      if (!last) break
      after = last.source
    }
    leaveCopies(tree, row)
    tree.journal.remove(row.seq)
  })
}
