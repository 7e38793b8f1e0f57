/**
 * Steps that the move of a file and that of a directory share.
 */
import { present } from '../base/assert.ts'
import type { Etag } from '../s3/object-store.ts'
import type { NodeRow } from '../store/nodes.ts'
import type { ObjectVersion } from './content.ts'
import { copyInBucket, type JobCopy } from './copy-guard.ts'
import { checkFreed, isBeingLeft, rowsFreeing } from './leaving.ts'
import type { Job } from './sync-job.ts'
import { passingKey } from './vacate.ts'

/**
 * Where the node shall be; or a place in between, while something else still lies there.
 * @throws PailError the failure of what lies there and waits for a person
 */
export function reachableKey(job: Job, node: NodeRow): string {
  const key = job.tree.keyOf(node)
  checkFreed(rowsFreeing(job.tree, key, node.id))
  const isTaken = job.tree.holdersOf(key, node.id).length > 0 || isBeingLeft(job.tree, key)
  return isTaken ? passingKey(job, key) : key
}

/** Renamed again while the copy was under way: one more move goes from here to there. */
export function renew(job: Job, node: NodeRow): void {
  const { tree, clock } = job
  const key = present(tree.nodes.byId(node.id)?.remoteKey, 'key that was just copied to')
  tree.journal.insert({
    volume: tree.volume,
    op: 'move',
    node: node.id,
    key,
    readyMs: clock.nowMs(),
  })
}

/**
 * The node's object stands under `copy.key` now. When the copy is of another version than the one
 * that the node knows, that stays the base of what programs changed meanwhile: their upload then
 * meets a version that it was not based on, and a listing shows it to everybody else.
 */
export function noteMoved(
  job: Job,
  node: NodeRow,
  copy: { readonly key: string; readonly etag: Etag; readonly sourceEtag: string },
): void {
  const { tree } = job
  const { key, etag } = copy
  if (node.etag !== copy.sourceEtag) {
    tree.nodes.update(node.id, { remoteKey: key })
    // A batch that it belongs to now looks at the object itself before its marker is made.
    tree.roles.noteStored(tree.node(node.id))
    return
  }
  if (node.remoteKey !== null) {
    const version = { volume: tree.volume, sizeBytes: node.remoteSize }
    job.renameCached(
      { ...version, key: node.remoteKey, etag: node.etag as Etag },
      { ...version, key, etag },
    )
  }
  tree.nodes.update(node.id, { remoteKey: key, etag, seenMs: tree.clock.nowMs() })
  tree.roles.noteStored(tree.node(node.id))
}

export function versionOf(node: NodeRow, key: string): ObjectVersion {
  const etag = present(node.etag, 'version to copy') as Etag
  return { volume: node.volume, key, etag, sizeBytes: node.remoteSize }
}

export function copyOne(
  job: Job,
  source: ObjectVersion,
  key: string,
  how: Pick<JobCopy, 'precondition' | 'isVerifiedLater' | 'storageClass'>,
): Promise<Etag> {
  return copyInBucket(job, { source, key, ...how })
}
