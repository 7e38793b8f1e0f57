/**
 * The files that pins mean, and how much of them is here.
 *
 * Keeps: the event loop free: a turn of it between two pages of rows and two stretches of a file.
 */
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { LONG_KEY_BYTES_MAX } from '../../shared/key-bytes.ts'
import type { Etag } from '../s3/object-store.ts'
import type { BlockCache } from '../store/block-cache.ts'
import type { NodeRow } from '../store/nodes.ts'
import type { PinTable } from '../store/pin-table.ts'
import type { Extent, ObjectVersion } from './content.ts'
import type { Tree } from './tree.ts'

const PAGE_ROWS = 200
/** What of a file is looked for in one turn of the loop. */
const LOOK_BYTES = 64 * 1024 * 1024
const VERIFY_BYTES = 1024 * 1024
/** No key has more parts. */
const DEPTH_MAX = LONG_KEY_BYTES_MAX / 2

/** Files kept by the pin of `root`, without those that a nearer pin excludes. */
export async function* pinnedFiles(
  tree: Tree,
  pins: PinTable,
  root: NodeRow,
): AsyncGenerator<NodeRow> {
  if (root.kind === 'file') {
    yield root
    return
  }
  const folders: Array<{ id: number; depth: number }> = [{ id: root.id, depth: 0 }]
  for (let folder = folders.pop(); folder; folder = folders.pop()) {
    let after = 0
    for (;;) {
      const rows = tree.nodes.children(folder.id, after, PAGE_ROWS)
      for (const row of rows) {
        if (pins.modeOf(row.id) === 'excluded') continue
        if (row.kind === 'file') yield row
        if (row.kind === 'directory' && folder.depth < DEPTH_MAX) {
          folders.push({ id: row.id, depth: folder.depth + 1 })
        }
      }
      const last = rows.at(-1)
      if (!last) break
      after = last.id
      await turnOfTheLoop()
    }
  }
}

/** The version that the bucket has; undefined while the newest content is staged here anyway. */
export function versionToKeep(row: NodeRow): ObjectVersion | undefined {
  if (row.staged !== null || row.etag === null || row.remoteKey === null) return undefined
  // The row's ETag came from the store; the brand is lost on the way through the database.
  const etag = row.etag as Etag
  return { volume: row.volume, key: row.remoteKey, etag, sizeBytes: row.remoteSize }
}

export async function missingBytes(cache: BlockCache, version: ObjectVersion): Promise<number> {
  let missing = 0
  for (let start = 0; start < version.sizeBytes; start += LOOK_BYTES) {
    if (start > 0) await turnOfTheLoop()
    const end = Math.min(version.sizeBytes, start + LOOK_BYTES)
    for (const part of cache.missing(version, { start, end })) missing += part.end - part.start
  }
  return missing
}

/** Stretches of the file of which something is missing, each small enough to be fetched at once. */
export function stretches(version: ObjectVersion, lengthBytes: number): Extent[] {
  const all: Extent[] = []
  for (let start = 0; start < version.sizeBytes; start += lengthBytes) {
    all.push({ start, end: Math.min(version.sizeBytes, start + lengthBytes) })
  }
  return all
}

/**
 * Compares every piece on this disk with its checksum; damaged ones are forgotten, so that they
 * count as missing.
 * @returns whether all that the cache said to have is good
 */
export async function verifyKept(
  cache: BlockCache,
  version: ObjectVersion,
  signal: AbortSignal,
): Promise<boolean> {
  const into = Buffer.allocUnsafe(Math.min(version.sizeBytes, VERIFY_BYTES))
  let isGood = true
  for (const { start, end } of stretches(version, VERIFY_BYTES)) {
    if (signal.aborted) throw signal.reason
    if (!cache.has(version, { start, end })) continue
    isGood = (await cache.read(version, start, into.subarray(0, end - start))) && isGood
  }
  return isGood
}
