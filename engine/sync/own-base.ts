/**
 * Finds the base of a change again after an upload of ours, or a rewrite of its attributes, replaced it
 * in the bucket and nothing says so any more: the answer of the server was lost, or the record of it.
 *
 * Keeps: only a version that an upload on record may have left is taken for ours. Where the change
 *        shows its base, that version has the same bytes: it was made of both.
 */
import type { Etag, ObjectStore } from '../s3/object-store.ts'
import type { NodeRow } from '../store/nodes.ts'
import { isLeftByUs, proofParts } from './attempt-proof.ts'
import { attemptedAt } from './left-attempts.ts'
import type { Requests, RequestUrgency } from './requests.ts'
import type { Tree } from './tree.ts'
import { headOrNone } from './upload-job.ts'
import { isSameEtag } from './upload-proof.ts'
import { attemptedIn } from './upload-record.ts'

export type OwnBaseParts = {
  readonly tree: Tree
  readonly store: ObjectStore
  readonly requests: Requests
}

export type OwnBaseRequest = {
  readonly id: number
  readonly urgency: RequestUrgency
  readonly signal: AbortSignal
}

/** @returns true: the bucket has a version of ours, and it is the base of the node from now on */
export async function findOwnBase(
  parts: OwnBaseParts,
  { id, urgency, signal }: OwnBaseRequest,
): Promise<boolean> {
  const { tree, store, requests } = parts
  const key = tree.nodes.byId(id)?.remoteKey
  if (key == null) return false
  const own = attemptedIn(tree.journal.opOfNode(id, 'put')?.record)
  const rewrites = attemptedAt(tree, key).filter(({ source }) => source === key)
  const attempted = [...own, ...rewrites]
  if (attempted.length === 0) return false
  const head = await requests.run(urgency, (one) => headOrNone(store, key, one), signal)
  const proof = proofParts({ ...parts, signal }, urgency)
  if (!head || !(await isLeftByUs(proof, attempted, head))) return false
  const row = tree.nodes.byId(id)
  if (row?.remoteKey !== key || isBase(row, head.etag)) return false
  await tree.change(() => tree.nodes.update(id, { etag: head.etag, remoteSize: head.sizeBytes }))
  return true
}

function isBase({ etag }: NodeRow, found: Etag): boolean {
  // The brand is lost on the way through the database.
  return etag !== null && isSameEtag(etag as Etag, found)
}
