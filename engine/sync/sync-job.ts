/**
 * What the syncer and each of its jobs work with.
 */
import type { PailError } from '../../shared/errors.ts'
import type { Clock, Random } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Capabilities, ObjectStore } from '../s3/object-store.ts'
import type { Conflicts } from '../store/conflicts.ts'
import type { JournalRow } from '../store/journal.ts'
import type { Recent } from '../store/recent.ts'
import type { ObjectVersion } from './content.ts'
import type { FileContents } from './file-contents.ts'
import type { Requests } from './requests.ts'
import type { SendFolders } from './send-folders.ts'
import type { Transfers } from './transfers.ts'
import type { Tree } from './tree.ts'
import type { UploadBuffers } from './upload-buffers.ts'

export type SyncerParts = {
  readonly tree: Tree
  readonly contents: FileContents
  readonly sends: SendFolders
  /** Markers of send folders below a prefix that follow when their batch is complete. */
  readonly pendingMarkers: (prefix: string) => number
  readonly store: ObjectStore
  readonly conflicts: Conflicts
  /** Told of what a person may want to read later. */
  readonly recent: Recent
  /** How far each row is that is under way. */
  readonly transfers: Transfers
  readonly requests: Requests
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly signal: AbortSignal
  /** Names this computer in a conflict copy. */
  readonly host: string
  /** What the endpoint honours: found once, remembered. */
  readonly capabilities: (signal: AbortSignal) => Promise<Capabilities>
  readonly noteCapability: (name: keyof Capabilities, isThere: boolean) => void
  /** Memory for bodies under way, shared by all volumes. */
  readonly buffers: UploadBuffers
  /** The cached bytes of a version are those of another key or ETag now. */
  readonly renameCached: (from: ObjectVersion, to: ObjectVersion) => void
  /** A failure while the endpoint is away is not the file's. */
  readonly isOnline: () => boolean
  /** Tells when the endpoint is away, and asks for it now and then. @returns stops watching */
  readonly watchForAbsence: (onAway: (error: PailError) => void) => () => void
  /** A person wants no requests now. */
  readonly isHeldBack: () => boolean
  readonly onDidChange: () => void
}

/** What a job may use: the syncer's parts, and a signal that ends it when the volume closes. */
export type Job = SyncerParts & { readonly row: JournalRow }
