/** What one mount's file system is made of. */
import type { Clock } from '../base/clock.ts'
import type { FileContents } from '../sync/file-contents.ts'
import type { Listings } from '../sync/listing.ts'
import type { Tree } from '../sync/tree.ts'
import type { NodeId } from './vfs.ts'

export type MountVfsParts = {
  readonly tree: Tree
  readonly listings: Listings
  readonly contents: FileContents
  readonly clock: Clock
  /** The directory that this mount shows as its root. */
  readonly root: NodeId
  readonly isReadOnly: boolean
  /** Tells this mount's own changes from those of other mounts of the same bucket. */
  readonly origin: string
  readonly epoch: bigint
  readonly space: () => Promise<{ freeBytes: number; totalBytes: number }>
  /** A program read a file from its start to its end: its siblings may be next. */
  readonly onDidReadWhole?: (id: NodeId) => void
}
