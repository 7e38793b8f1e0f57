/**
 * What lost power leaves of a SQLite database in WAL mode.
 *
 * The database file itself changes at checkpoints alone, which sync what they need; the histories
 * here are too short for one. Of the WAL, everything up to the last sync is there; after it any
 * part, in sectors, in any order. SQLite cuts the tail at the first frame whose checksum fails.
 * @see https://www.sqlite.org/walformat.html
 */
import { closeSync, existsSync, ftruncateSync, openSync, statSync, writeSync } from 'node:fs'
import type { Random } from '../../engine/base/clock.ts'

const SECTOR_BYTES = 512

/**
 * @param syncedBytes length of the WAL when it was synced last
 * @returns length of the WAL that is left
 */
export function cutDatabase(path: string, syncedBytes: number, random: Random): number {
  const wal = `${path}-wal`
  if (!existsSync(wal)) return 0
  const lengthBytes = statSync(wal).size
  const keptBytes = syncedBytes + Math.floor(random.next() * (lengthBytes - syncedBytes + 1))
  const file = openSync(wal, 'r+')
  try {
    ftruncateSync(file, keptBytes)
    // Mostly a clean cut: with too many torn sectors nothing after the sync would ever survive.
    if (random.next() < 0.5) tear(file, { fromBytes: syncedBytes, toBytes: keptBytes }, random)
  } finally {
    closeSync(file)
  }
  return keptBytes
}

/** Sectors whose turn had not come read as zeros. */
function tear(file: number, range: { fromBytes: number; toBytes: number }, random: Random): void {
  const zeros = new Uint8Array(SECTOR_BYTES)
  const lostShare = random.next() * 0.2
  for (let at = range.fromBytes; at < range.toBytes; ) {
    const end = Math.min(range.toBytes, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES)
    if (random.next() < lostShare) writeSync(file, zeros, 0, end - at, at)
    at = end
  }
}
