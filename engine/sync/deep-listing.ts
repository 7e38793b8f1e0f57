/**
 * Lists a folder with everything below it: one request tells 1,000 keys of however many folders.
 */
import { PailError } from '../../shared/errors.ts'
import { finishBelow, type ListingParts } from './flat-listing.ts'
import { mergeFlatPage } from './tree-merge.ts'

/**
 * Waits behind everything else. What a crash or an abort leaves undone is begun anew next time.
 * @returns LIST requests it took; 0 when the bucket has nothing to say about the folder now
 */
export async function listDeep(
  parts: ListingParts,
  directoryId: number,
  signal: AbortSignal,
): Promise<number> {
  const { tree, store, requests, clock } = parts
  const directory = tree.directory(directoryId)
  const prefix = directory.remoteKey
  if (prefix === null || tree.isMoving(prefix)) return 0
  const startedMs = clock.nowMs()
  let token: string | undefined
  let pages = 0
  do {
    const request = { prefix, ...(token === undefined ? {} : { token }) }
    const page = await requests.run('idle', (attempt) => store.list(request, attempt), signal)
    if (signal.aborted) throw PailError.from(signal.reason)
    await mergeFlatPage(tree, directoryId, prefix, page, startedMs)
    pages++
    token = page.next
  } while (token !== undefined)
  await finishBelow(tree, directory, prefix, startedMs)
  return pages
}
