/**
 * How long a change waits before it goes to the bucket: what follows at once takes its place. Pure.
 */
import { SINGLE_PUT_BYTES_MAX } from './upload-plan.ts'

export const QUIET_MS = {
  put: 800,
  /** An empty file is most often about to be written, or to be renamed over. */
  putEmpty: 3000,
  /** A large file that the bucket does not have yet is most often a finished copy. */
  putNewLarge: 250,
  marker: 800,
  attributes: 1000,
  move: 500,
  delete: 500,
} as const

/** @param isNew  neither the bucket nor the journal has anything of the file yet */
export function putQuietMs({ sizeBytes, isNew }: { sizeBytes: number; isNew: boolean }): number {
  if (sizeBytes === 0) return QUIET_MS.putEmpty
  return isNew && sizeBytes > SINGLE_PUT_BYTES_MAX ? QUIET_MS.putNewLarge : QUIET_MS.put
}
