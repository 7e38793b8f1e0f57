/**
 * Makes way where names were exchanged: what lies under a key that something else needs goes to
 * a key of its own for the time being.
 *
 * Keeps: the node says at each moment where its object is, so that a crash in between loses
 *        nothing; the object under the passing key is deleted like any other source of a move.
 */
import { PailError } from '../../shared/errors.ts'
import type { Etag } from '../s3/object-store.ts'
import type { NodeRow } from '../store/nodes.ts'
import { copyInBucket } from './copy-guard.ts'
import { settleAttempts } from './left-attempts.ts'
import type { Job } from './sync-job.ts'
import { journalDelete, journalStray } from './tree-edit.ts'

const PASSING_NAME = '.pail-move-'

/** A key beside `key` that nothing else uses; a prefix for a prefix. */
export function passingKey(job: Pick<Job, 'random'>, key: string): string {
  const isPrefix = key.endsWith('/')
  const parent = key.slice(0, key.lastIndexOf('/', isPrefix ? -2 : undefined) + 1)
  return `${parent}${PASSING_NAME}${job.random.hex(8)}${isPrefix ? '/' : ''}`
}

/**
 * Moves the objects of other files away from `key`; from there they go on to their own paths.
 * What somebody else removed or replaced meanwhile is no file's object any more: it stays, and
 * whatever is stored next meets it under its own precondition.
 */
export async function vacate(job: Job, key: string): Promise<void> {
  for (const holder of job.tree.holdersOf(key, job.row.node)) {
    if (holder.kind === 'directory' || holder.etag === null) continue
    try {
      await moveAside(job, holder, key)
    } catch (thrown) {
      const { code } = PailError.from(thrown)
      if (code !== 's3/no-key' && code !== 's3/precondition') throw thrown
    }
  }
}

async function moveAside(job: Job, holder: NodeRow, key: string): Promise<void> {
  const { tree } = job
  const passing = passingKey(job, key)
  const etag = holder.etag as Etag
  const source = { volume: tree.volume, key, etag, sizeBytes: holder.remoteSize }
  const { storageClass } = holder
  const copied = await copyInBucket(job, { source, key: passing, storageClass })
  await tree.change(() => {
    const current = tree.nodes.byId(holder.id)
    settleAttempts(tree, passing, etag)
    journalDelete(tree, key, etag)
    if (current?.remoteKey !== key) {
      journalDelete(tree, passing, copied)
      return
    }
    job.renameCached(source, { ...source, key: passing, etag: copied })
    tree.nodes.update(holder.id, { remoteKey: passing, etag: copied })
    // The move of its directory would not find it there.
    journalStray(tree, holder.id)
  })
}
