/** What one mount's file system is made of. */
import type { ErrorCode } from '../../shared/errors.ts'
import type { Clock } from '../base/clock.ts'
import type { NodeRow } from '../store/nodes.ts'
import type { AttributeRequests } from '../sync/attribute-requests.ts'
import type { FileContents } from '../sync/file-contents.ts'
import type { FolderUse } from '../sync/folder-watch.ts'
import type { Listings } from '../sync/listing.ts'
import type { Tree } from '../sync/tree.ts'
import type { NodeId } from './vfs.ts'

/** Attributes `user.pail.*`, which say what Pail knows of a file. Programs cannot change them. */
export type VirtualXattrs = {
  /**
   * The names that a listing shows. What is listed, `cp -a` copies, and cannot set on another file
   * of a Pail folder: names left out can still be read.
   */
  list(row: NodeRow): readonly string[]
  get(row: NodeRow, name: string): string | undefined
}

export type MountVfsParts = {
  readonly tree: Tree
  readonly listings: Listings
  readonly contents: FileContents
  readonly clock: Clock
  /** The directory that this mount shows as its root. */
  readonly root: NodeId
  readonly isReadOnly: boolean
  /** May the keys write here, as far as is known? Asked before each change. */
  readonly mayWrite?: () => boolean
  /** Is a person asked before the bucket loses much of it at once? */
  readonly asksBeforeMassDeletion?: boolean
  /** Tells this mount's own changes from those of other mounts of the same bucket. */
  readonly origin: string
  readonly epoch: bigint
  readonly space: () => Promise<{ readonly freeBytes: number }>
  readonly attributes: AttributeRequests
  /** Are attributes asked for that no listing tells? */
  readonly wantsAllAttributes: boolean
  /** Longest key of what is made or renamed here. Absent: as long as S3's. */
  readonly keyBytesMax?: number
  readonly virtualXattrs?: VirtualXattrs
  /** False: what is copied must come from this disk. Absent: always. */
  readonly isOnline?: () => boolean
  /** Objects of at least this size are copied by the server. */
  readonly lentBytesMin?: number
  /** Told of each use of a folder, so that it stays fresh while it is used. */
  readonly folders?: FolderUse
  /** A program could not have bytes of this file: for want of network, or because it is archived. */
  readonly onDidMiss?: (id: NodeId, code: ErrorCode) => void
  /** Bytes were asked of the bucket for what a program reads. */
  readonly onDidFetch?: (id: NodeId, pid: number, bytes: number) => void
  /** Can the bucket neither hand out its bytes nor copy them, until it is restored? */
  readonly isOutOfReach?: (row: NodeRow) => boolean
  /** The name of a process, for people; undefined when it cannot be told. */
  readonly programOf?: (pid: number) => string | undefined
  /** A program read a file from its start to its end: its siblings may be next. */
  readonly onDidReadWhole?: (id: NodeId) => void
}
