/** The sealed content of one file, as the uploader reads it. */
import { addExtent, type Extent } from '../base/extents.ts'
import { holesOf, type StagedShape } from '../store/staging.ts'
import type { ObjectVersion } from './content.ts'

/** Held until `release`. */
export type UploadSource = {
  readonly sizeBytes: number
  /** What does not equal the base at the same offset: written, punched out, or beyond the base. */
  readonly extents: readonly Extent[]
  readonly base?: ObjectVersion
  read(offset: number, into: Uint8Array, signal: AbortSignal): Promise<void>
  release(): Promise<void>
}

/** What of the content is not the base's at the same offset. */
export function localExtents(record: StagedShape): Extent[] {
  const local = addExtent(record.extents, { start: record.baseBytes, end: record.sizeBytes })
  return holesOf(record).reduce<Extent[]>((all, hole) => addExtent(all, hole), local)
}
