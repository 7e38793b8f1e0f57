/**
 * Finds the directory of a bucket that a mount shows as its root.
 */
import { PailError } from '../../shared/errors.ts'
import type { ListPage } from '../s3/object-store.ts'
import type { NodeRow } from '../store/nodes.ts'
import { finishListing, mergePage } from '../sync/tree-merge.ts'
import { blankDirectory, isAbsence, type Stores, type Volume } from './volume.ts'

/** How long a start waits for the bucket before it says that nothing answers. */
const START_WAIT_MS = 15_000
/** A folder that was seen before is shown as it was when nothing answers within this time. */
const KNOWN_START_WAIT_MS = 2_000

/**
 * Lists the prefix once: keys, bucket and prefix are right, or the mount fails here. Without
 * network, a folder that was seen before is shown as it was.
 *
 * @param prefix empty, or ending in `/`
 * @returns the id of its node
 * @throws PailError `mount/bad-prefix` when nothing in the bucket begins with it
 */
export async function findRoot(stores: Stores, volume: Volume, prefix: string): Promise<number> {
  const { tree, store, requests } = volume
  const startedMs = tree.clock.nowMs()
  const waiting = new AbortController()
  const wasListed = (tree.findByKey(prefix)?.listedMs ?? 0) > 0
  const waitMs = wasListed ? KNOWN_START_WAIT_MS : START_WAIT_MS
  const cancel = tree.clock.after(waitMs, () => {
    const error = noAnswer(volume)
    volume.connectivity.noteFailure(error)
    waiting.abort(error)
  })
  try {
    const page = await requests.run(
      'interactive',
      (attempt) => store.list({ prefix, delimiter: '/' }, attempt),
      waiting.signal,
    )
    const known = tree.findByKey(prefix)
    if (prefix !== '' && isEmpty(page)) {
      if (known) return known.id
      throw noSuchPrefix(volume, prefix)
    }
    const root = known ?? (await makeRoot(stores, volume, prefix))
    if (root.remoteKey !== prefix) return root.id
    await mergePage(tree, root.id, prefix, page, startedMs)
    if (page.next === undefined) await finishListing(tree, root.id, prefix, startedMs)
    return root.id
  } catch (thrown) {
    const error = PailError.from(thrown)
    const known = tree.findByKey(prefix)
    if (!isAbsence(error) || !known || known.listedMs === 0) throw await volume.explain(error)
    return known.id
  } finally {
    cancel()
  }
}

function isEmpty(page: ListPage): boolean {
  return page.objects.length === 0 && page.prefixes.length === 0
}

function noSuchPrefix(volume: Volume, prefix: string): PailError {
  const detail = `nothing in ${volume.bucket} begins with ${prefix}`
  return new PailError('mount/bad-prefix', detail, { bucket: volume.bucket, prefix })
}

function noAnswer(volume: Volume): PailError {
  const endpoint = volume.endpointUrl
  return new PailError('net/timeout', `${endpoint} does not answer`, { endpoint })
}

/** The directory that the prefix means, made with those above it where they are not known. */
function makeRoot(stores: Stores, volume: Volume, wanted: string): Promise<NodeRow> {
  const { tree } = volume
  return tree.change(() => {
    let row = tree.node(tree.rootId)
    let prefix = ''
    for (const component of wanted.split('/').slice(0, -1)) {
      prefix += `${component}/`
      const known = tree.nodes.child(row.id, component)
      if (known?.kind === 'directory') {
        row = known
        continue
      }
      if (known) tree.nodes.update(known.id, { name: `${known.name} (object)`, component })
      const nowNs = tree.clock.nowNs()
      const place = { volume: tree.volume, parent: row.id, name: component }
      row = tree.nodes.insert(blankDirectory(stores, place, prefix, nowNs))
    }
    return row
  })
}
