/**
 * Copies a whole object inside the bucket at once, for a program that copies a file: no byte of it
 * passes the line, and when the program closes the copy, the bucket has it.
 *
 * Keeps: what stood at the key is only replaced when it is what the program saw there.
 */
import { PailError } from '../../shared/errors.ts'
import { withSignal } from '../base/with-signal.ts'
import type { Etag, Precondition } from '../s3/object-store.ts'
import type { NodeRow } from '../store/nodes.ts'
import type { WholeCopy } from './content.ts'
import { copyInBucket } from './copy-guard.ts'
import { settleAttempts } from './left-attempts.ts'
import { encodeFacts, factsOfStored } from './object-attributes.ts'
import { attributesKeeping, keptFacts } from './rewrite.ts'
import type { SyncerParts } from './sync-job.ts'
import type { Tree } from './tree.ts'
import { journalDelete, journalHome } from './tree-edit.ts'
import { withWaitingProgram } from './waited-copy.ts'

/** Longer than a server takes for the largest object that is copied in one request. */
export const COPY_WHOLE_MS_MAX = 120_000

/** Is the key free for it, and nothing of the file on its way? */
export function canCopyWhole(tree: Tree, node: NodeRow): boolean {
  if (node.isLocal || node.parent === null || tree.journal.ofNode(node.id).length > 0) return false
  const key = tree.keyOf(node)
  if (node.remoteKey !== null && node.remoteKey !== key) return false
  if (tree.holdersOf(key, node.id).length > 0) return false
  return tree.journal.directoryMoves(tree.volume).length === 0
}

/**
 * Ends when the endpoint turns out to be away: a program waits, and a copy says nothing of itself.
 * What else is asked for it has to be answered in a program's time.
 * @throws PailError what the store throws: nothing is known to be copied then
 */
export async function copyWhole(
  parts: SyncerParts,
  copy: WholeCopy,
  signal: AbortSignal,
): Promise<void> {
  const limit = new AbortController()
  const key = parts.tree.keyOf(parts.tree.node(copy.id))
  const cancel = parts.clock.after(COPY_WHOLE_MS_MAX, () =>
    limit.abort(new PailError('net/timeout', 'the server does not finish a copy', { key })),
  )
  const stopWatching = parts.watchForAbsence((error) => limit.abort(error))
  const ended = AbortSignal.any([signal, parts.signal, limit.signal])
  try {
    const waiting = { ...withWaitingProgram(parts), signal: ended }
    await withSignal(copyNow(waiting, copy, key), ended)
  } finally {
    stopWatching()
    cancel()
  }
}

async function copyNow(parts: SyncerParts, copy: WholeCopy, key: string): Promise<void> {
  const { tree, signal } = parts
  const node = { ...tree.node(copy.id), mtime: copy.mtime }
  const replace = await attributesKeeping(parts, node, await keptFacts(parts, node), true)
  const precondition = preconditionOf(tree, node, key)
  const etag = await copyInBucket(parts, { source: copy.source, key, replace, precondition })
  signal.throwIfAborted()
  await noteCopied(parts, copy, { key, etag, metadata: encodeFacts(factsOfStored(replace)) })
}

function preconditionOf(tree: Tree, node: NodeRow, key: string): Precondition {
  const expected = tree.journal.deletionOf(tree.volume, key)?.etag ?? node.etag
  return expected === null ? { ifAbsent: true } : { ifMatch: expected as Etag }
}

type Copied = { readonly key: string; readonly etag: Etag; readonly metadata: string }

function noteCopied({ tree }: SyncerParts, copy: WholeCopy, { key, etag, metadata }: Copied) {
  return tree.change((note) => {
    const node = tree.nodes.byId(copy.id)
    settleAttempts(tree, key, copy.source.etag)
    if (!node || node.parent === null) {
      journalDelete(tree, key, etag)
      return
    }
    const replaced = tree.journal.deletionOf(tree.volume, key)
    if (replaced) tree.journal.remove(replaced.seq)
    tree.nodes.update(copy.id, {
      size: copy.source.sizeBytes,
      mtime: copy.mtime,
      ctime: copy.ctime,
      change: copy.change,
      isSealed: true,
      remoteKey: key,
      etag,
      remoteSize: copy.source.sizeBytes,
      seenMs: tree.clock.nowMs(),
      metadata,
    })
    // Renamed while the server copied: from there it moves on by itself.
    journalHome(tree, tree.node(copy.id))
    note({
      type: 'data',
      id: copy.id,
      parent: node.parent,
      name: node.name,
      origin: copy.origin,
    })
  })
}
