/**
 * What another client stored under the new name of a directory, before its objects are copied there.
 *
 * Keeps: what stands under the new name already stays as it is, whoever stored it; our file of that
 *        name gets the name of a conflict copy and follows by a move of its own. One listing, which
 *        is empty nearly always.
 */
import type { ListPage, ObjectInfo } from '../s3/object-store.ts'
import type { NodeRow } from '../store/nodes.ts'
import { proofParts } from './attempt-proof.ts'
import { giveWay } from './conflict.ts'
import { renew } from './job-move-steps.ts'
import { isGoing } from './left-attempts.ts'
import type { Job } from './sync-job.ts'

/** @param target prefix that everything below the journal row's key is about to be copied to */
export async function avoidCollisions(job: Job, target: string): Promise<void> {
  let token: string | undefined
  do {
    const page: ListPage = await job.requests.run(
      'background',
      (attempt) =>
        job.store.list({ prefix: target, ...(token === undefined ? {} : { token }) }, attempt),
      job.signal,
    )
    for (const object of page.objects) await avoid(job, target, object)
    token = page.next
  } while (token !== undefined)
}

async function avoid(job: Job, target: string, object: ObjectInfo): Promise<void> {
  const { tree, row } = job
  // What a program removed here is there to be replaced. Directory objects say nothing of content.
  if (object.key.endsWith('/') || (await isGoing(tree, object, proofParts(job)))) return
  const source = row.key + object.key.slice(target.length)
  const node = tree.nodes
    .byRemoteKey(tree.volume, source)
    .find((one) => one.parent !== null && tree.keyOf(one) === object.key)
  if (node) await giveWay(job, node, object, () => follow(job, node))
  // Both are not of this move: what another client stored under the old name stays there.
  else await tree.database.write(() => tree.journal.moveItems.remove(row.seq, source))
}

/** What waits for the file goes to its new name; when nothing does, a move takes it there. */
function follow(job: Job, { id }: NodeRow): void {
  const { tree } = job
  const node = tree.node(id)
  const key = tree.keyOf(node)
  const rows = tree.journal.ofNode(id)
  for (const row of rows) if (row.op !== 'move') tree.journal.setKey(row.seq, key)
  if (!rows.some((row) => row.op === 'put' || row.op === 'move')) renew(job, node)
}
