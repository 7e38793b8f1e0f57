/**
 * What is looked at between the last copy of a directory's move and the first deletion of a source.
 *
 * Keeps: a thousand objects are checked by one listing, never by a HEAD each.
 */
import { PailError } from '../../shared/errors.ts'
import type { ListPage, ObjectInfo } from '../s3/object-store.ts'
import type { MoveItem } from '../store/move-items.ts'
import { DELETE_BATCH_KEYS_MAX } from './batch-delete.ts'
import type { Job } from './sync-job.ts'

/**
 * Every copy stands in the bucket, whole, before the first source goes: one listing tells it of a
 * thousand. A copy that does not is made again by the next try.
 */
export async function verifyCopies(job: Job, source: string, target: string): Promise<void> {
  const { tree, row } = job
  let after = ''
  for (;;) {
    const items = tree.journal.moveItems.page(row.seq, true, after, DELETE_BATCH_KEYS_MAX)
    const last = items.at(-1)
    if (!last) return
    const keys = items.map((item) => target + item.source.slice(source.length))
    const found = await listBetween(job, target, keys)
    const missing = items.filter((item, at) => {
      const object = found.get(keys[at] ?? '')
      return !isWhole(item, object) && !isReplaced(job, object)
    })
    if (missing.length > 0) {
      await tree.database.write(() => tree.journal.moveItems.add(row.seq, missing))
      throw new PailError('s3/integrity', `${missing.length} copies are not in the bucket`)
    }
    after = last.source
  }
}

/** What a program here stored over the copy is the newer one: the copy is not made again. */
function isReplaced({ tree }: Job, found: ObjectInfo | undefined): boolean {
  if (!found) return false
  return tree.nodes.byRemoteKey(tree.volume, found.key).some(({ kind, parent, etag }) => {
    return kind !== 'directory' && parent !== null && etag === found.etag
  })
}

/** Directory objects are written anew and may be stored with a length of their own. */
function isWhole(item: MoveItem, found: ObjectInfo | undefined): boolean {
  if (!found || item.copiedEtag === null) return false
  if (item.source.endsWith('/')) return true
  return found.etag === item.copiedEtag && found.sizeBytes === item.sizeBytes
}

/**
 * Every source is still the version that was copied: what another client stored under the old name
 * meanwhile is copied, too, before the source goes. A source that is gone already is no loss.
 *
 * @throws PailError `s3/integrity` when the next try has something to copy
 */
export async function checkSources(job: Job, source: string): Promise<void> {
  const { tree, row } = job
  let newerCount = 0
  let after = ''
  for (;;) {
    const items = tree.journal.moveItems.page(row.seq, true, after, DELETE_BATCH_KEYS_MAX)
    const last = items.at(-1)
    if (!last) break
    const objects = items.filter((item) => !item.source.endsWith('/'))
    const keys = objects.map((item) => item.source)
    const found = keys.length === 0 ? new Map() : await listBetween(job, source, keys)
    const newer = objects.flatMap((item) => newerVersion(item, found.get(item.source)))
    await tree.database.write(() => tree.journal.moveItems.add(row.seq, newer))
    newerCount += newer.length
    after = last.source
  }
  if (newerCount > 0) {
    throw new PailError('s3/integrity', `${newerCount} objects were replaced while they moved`)
  }
}

function newerVersion(
  item: MoveItem,
  found: ObjectInfo | undefined,
): Omit<MoveItem, 'copiedEtag'>[] {
  if (!found || found.etag === item.etag) return []
  return [{ source: item.source, etag: found.etag, sizeBytes: found.sizeBytes }]
}

/** What the bucket lists below `prefix` from the first to the last of `keys`, in order of key. */
async function listBetween(
  job: Job,
  prefix: string,
  keys: readonly string[],
): Promise<ReadonlyMap<string, ObjectInfo>> {
  const wanted = new Set(keys)
  const found = new Map<string, ObjectInfo>()
  let token: string | undefined
  for (let isOver = false; !isOver; ) {
    const page: ListPage = await job.requests.run(
      'background',
      (attempt) =>
        job.store.list(
          { prefix, ...(token === undefined ? startBefore(keys[0], prefix) : { token }) },
          attempt,
        ),
      job.signal,
    )
    for (const object of page.objects) if (wanted.has(object.key)) found.set(object.key, object)
    token = page.next
    const lastKey = page.objects.at(-1)?.key ?? ''
    isOver = token === undefined || found.size === wanted.size || lastKey > (keys.at(-1) ?? '')
  }
  return found
}

/** A listing that starts a little before the first key, which may be the prefix itself. */
function startBefore(first: string | undefined, prefix: string): { startAfter?: string } {
  if (first === undefined || first.length <= prefix.length) return {}
  return { startAfter: first.slice(0, -1) }
}
