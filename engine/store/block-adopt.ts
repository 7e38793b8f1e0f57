/**
 * Turns a staged file into the cache file of the version it was uploaded as.
 *
 * Keeps: the row is there before the rename (a kill in between leaves a row without a file, which
 *        the next start forgets); checksums are of the bytes as they are on disk.
 * Never: copies the bytes.
 */
import { PailError } from '../../shared/errors.ts'
import type { Disk } from '../base/disk.ts'
import type { Log } from '../base/log.ts'
import {
  allocatedFor,
  BLOCK_SIZE_BYTES,
  type ByteExtent,
  blockOf,
  type CachedObject,
  checksumsOf,
  containedPieces,
} from './block-layout.ts'
import type { Reservation } from './block-space.ts'
import type { LiveFile } from './block-table.ts'

export type AdoptParts = {
  readonly disk: Disk
  readonly log: Log
  readonly reserve: (bytes: number) => Promise<Reservation>
  /** Makes the row and the folder. */
  readonly place: (blockCount: number) => Promise<[LiveFile, string]>
  readonly record: (
    file: LiveFile,
    block: number,
    crcs: ReadonlyMap<number, number>,
    room: Reservation,
  ) => void
  readonly forget: (file: LiveFile) => Promise<void>
  /** Keeps the file from being removed while `work` runs. */
  readonly using: <T>(file: LiveFile, work: () => Promise<T>) => Promise<T>
}

export async function adoptFile(
  object: CachedObject,
  path: string,
  extents: readonly ByteExtent[],
  parts: AdoptParts,
): Promise<boolean> {
  const whole = wholePieces(object, extents)
  if (whole.length === 0) {
    await parts.disk.remove(path)
    return false
  }
  let room: Reservation | undefined
  try {
    room = await parts.reserve(roomFor(whole))
    await moveIntoCache(object, path, whole, room, parts)
    return true
  } catch (thrown) {
    parts.log.write('warn', 'cache/not-adopted', { error: PailError.from(thrown).message })
    await parts.disk.remove(path)
    return false
  } finally {
    room?.release()
  }
}

async function moveIntoCache(
  object: CachedObject,
  path: string,
  extents: readonly ByteExtent[],
  room: Reservation,
  parts: AdoptParts,
): Promise<void> {
  const [file, target] = await parts.place(Math.ceil(object.sizeBytes / BLOCK_SIZE_BYTES))
  await parts.using(file, async () => {
    try {
      await parts.disk.rename(path, target)
      for (const extent of extents) await adoptExtent(object, file, target, extent, room, parts)
    } catch (thrown) {
      await parts.forget(file)
      throw thrown
    }
  })
}

async function adoptExtent(
  object: CachedObject,
  file: LiveFile,
  path: string,
  extent: ByteExtent,
  room: Reservation,
  parts: AdoptParts,
): Promise<void> {
  const open = await parts.disk.open(path, 'read')
  try {
    for (let at = extent.start; at < extent.end; ) {
      const next = Math.min(extent.end, (blockOf(at) + 1) * BLOCK_SIZE_BYTES)
      const bytes = Buffer.allocUnsafe(next - at)
      if ((await open.read(bytes, at)) < bytes.length) {
        throw new PailError('store/io', 'a staged file is shorter than what it holds')
      }
      for (const [block, crcs] of checksumsOf(object, at, bytes)) {
        parts.record(file, block, crcs, room)
      }
      at = next
    }
  } finally {
    await open.close()
  }
}

export type AdoptBytesParts = Pick<AdoptParts, 'log' | 'reserve'> & {
  readonly put: (offset: number, bytes: Uint8Array, room: Reservation) => Promise<void>
}

export async function adoptBytes(
  object: CachedObject,
  bytes: Uint8Array,
  extents: readonly ByteExtent[],
  parts: AdoptBytesParts,
): Promise<boolean> {
  const whole = wholePieces(object, extents)
  if (whole.length === 0) return false
  let room: Reservation | undefined
  try {
    room = await parts.reserve(roomFor(whole))
    for (const { start, end } of whole) await parts.put(start, bytes.subarray(start, end), room)
    return true
  } catch (thrown) {
    parts.log.write('warn', 'cache/not-adopted', { error: PailError.from(thrown).message })
    return false
  } finally {
    room?.release()
  }
}

function wholePieces(object: CachedObject, extents: readonly ByteExtent[]): ByteExtent[] {
  return extents
    .map((extent) => containedPieces(extent, object.sizeBytes))
    .filter((extent) => extent.end > extent.start)
}

function roomFor(extents: readonly ByteExtent[]): number {
  return extents.reduce((sum, each) => sum + allocatedFor(each.end - each.start), 0)
}
