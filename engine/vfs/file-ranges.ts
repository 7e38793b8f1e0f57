/**
 * Ranges of open files: allocated, punched out, searched for holes, copied.
 *
 * Never: knows the kernel's flags.
 */
import { PailError } from '../../shared/errors.ts'
import type { FileContent } from '../sync/file-content.ts'
import type { OpenFile } from './handles.ts'
import type { Range, RangeEdit } from './vfs.ts'

/** One request copies no more: a program that gives up is heard, others are served. */
export const COPY_BYTES_MAX = 16 * 1024 * 1024
const COPY_CHUNK_BYTES = 1024 * 1024

export async function editRange(
  content: FileContent,
  { offset, lengthBytes }: Range,
  edit: RangeEdit,
): Promise<void> {
  const range = { start: offset, end: offset + lengthBytes }
  const inside = { start: offset, end: Math.min(range.end, content.sizeBytes) }
  switch (edit) {
    case 'punch':
      if (inside.start < inside.end) await content.zero(inside)
      return
    case 'zero':
      return content.zero(range)
    case 'reserve':
      return content.reserve(range)
    case 'extend':
      await content.reserve(range)
      if (range.end > content.sizeBytes) await content.truncate(range.end)
  }
}

/**
 * A program with the file open for writing may have it mapped, and the kernel shows pages of a map
 * only once they are written back: with other writers than the asking one, all counts as data.
 */
export function seekIn(open: OpenFile, offset: number, what: 'data' | 'hole'): number {
  const { content } = open
  if (offset >= content.sizeBytes) throw new PailError('vfs/no-data', `offset ${offset}`)
  const others = content.writers - (open.canWrite ? 1 : 0)
  if (others > 0) return what === 'data' ? offset : content.sizeBytes
  const next = content.dataExtents().find(({ end }) => end > offset)
  if (what === 'hole') return next && next.start <= offset ? next.end : offset
  if (!next) throw new PailError('vfs/no-data', `offset ${offset}`)
  return Math.max(offset, next.start)
}

/** Smaller ones are one small GET and one small PUT; servers copy no parts of them either. */
export const LENT_BYTES_MIN = 5 * 1024 * 1024

/**
 * Where a whole object becomes a whole new file, the server can copy it: until the program closes
 * the file, it only shows the other object's bytes.
 *
 * @returns bytes that count as copied; undefined: they have to be copied one by one
 */
export async function lendBytes(
  from: { readonly open: OpenFile; readonly offset: number },
  to: { readonly open: OpenFile; readonly offset: number },
  lengthBytes: number,
  lentBytesMin: number,
): Promise<number | undefined> {
  if (from.offset !== to.offset || from.open.content === to.open.content) return undefined
  const source = from.open.content.unchangedVersion(from.open.session)
  if (!source || source.sizeBytes < lentBytesMin) return undefined
  const range = {
    start: from.offset,
    end: Math.min(from.offset + lengthBytes, source.sizeBytes),
  }
  if (range.start >= range.end) return undefined
  return (await to.open.content.borrow(source, range)) ? range.end - range.start : undefined
}

/** @returns bytes copied; what was copied before a failure counts */
export async function copyBytes(
  from: { readonly open: OpenFile; readonly offset: number },
  to: { readonly open: OpenFile; readonly offset: number },
  lengthBytes: number,
  signal: AbortSignal,
): Promise<number> {
  const wanted = Math.min(lengthBytes, COPY_BYTES_MAX)
  const chunk = new Uint8Array(Math.min(wanted, COPY_CHUNK_BYTES))
  let done = 0
  while (done < wanted) {
    const into = chunk.subarray(0, Math.min(chunk.length, wanted - done))
    try {
      const count = await from.open.content.read(
        from.open.session,
        from.offset + done,
        into,
        signal,
      )
      if (count === 0) break
      const at = to.offset + done
      done += await to.open.content.write(to.open.session, at, into.subarray(0, count))
    } catch (thrown) {
      if (done > 0) break
      throw thrown
    }
  }
  return done
}
