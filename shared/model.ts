/**
 * What crosses a process boundary, as schemas: both ends parse with the same definition.
 *
 * Never: a field that could hold a secret in anything that is sent back or shown.
 */
import { z } from 'zod'
import { RestoreView } from './archive.ts'
import { ERROR_CODES } from './errors.ts'
import { HintView } from './hints.ts'
import { ConnectionRequestsView, PinTotalView, UnavailableView } from './keeping-contract.ts'
import { PendingOther, SyncView } from './sync-model.ts'

export const WireErrorSchema = z.object({
  code: z.enum(ERROR_CODES),
  detail: z.string(),
  where: z.record(z.string(), z.union([z.string(), z.number()])),
})

/** A secret on its way to the engine. Goes one way: no reply contains it. */
export const Credentials = z.object({
  accessKeyId: z.string().min(1).max(256),
  secretAccessKey: z.string().min(1).max(512),
})
export type Credentials = z.infer<typeof Credentials>

export const Endpoint = z.object({
  /** http or https; path-style addressing unless `virtualHosted`. */
  url: z.url({ protocol: /^https?$/ }).max(2048),
  region: z.string().min(1).max(64),
  virtualHosted: z.boolean().default(false),
})
export type Endpoint = z.infer<typeof Endpoint>

export const MOUNT_STATES = [
  'starting',
  'mounted',
  'offline',
  'needs-sign-in',
  'read-only-fault',
  'stopping',
  'stopped',
  'failed',
] as const

/** Files that programs wrote into the bare folder while nothing was mounted, and where they are now. */
export const FoundFiles = z.object({ dir: z.string(), count: z.number().int() })
export type FoundFiles = z.infer<typeof FoundFiles>

export const Right = z.enum(['yes', 'no', 'unknown'])
export type Right = z.infer<typeof Right>

/** What the keys may do, as far as requests have shown it. */
export const Rights = z.object({ list: Right, read: Right, write: Right, delete: Right })
export type Rights = z.infer<typeof Rights>
export const CONNECTIVITIES = [
  'online',
  'offline',
  'captive-portal',
  'needs-sign-in',
  'clock-skewed',
  'work-offline',
] as const

export const MountView = z.object({
  dir: z.string(),
  bucket: z.string(),
  /** Empty, or ending with `/`. */
  prefix: z.string(),
  endpointUrl: z.string(),
  /** By choice, because the keys may not write, or because the records here are not believed. */
  readOnly: z.boolean(),
  rights: Rights.optional(),
  state: z.enum(MOUNT_STATES),
  /** One sentence when the state is not `mounted`, or when the keys may not write. */
  reason: z.string().optional(),
  /** Found when it was mounted, and moved beside the folder. */
  found: FoundFiles.optional(),
  /** Everything that waits, whatever it is. */
  pendingFiles: z.number().int(),
  pendingBytes: z.number().int(),
  pendingOther: PendingOther.optional(),
  /** Objects that programs removed in great number, and that the bucket keeps until a person answers. */
  heldDeletes: z
    .object({
      count: z.number().int(),
      sinceMs: z.number(),
      /** Paths of some of them, below the folder. */
      examples: z.array(z.string()).optional(),
    })
    .optional(),
  /** Entries seen so far whose keys cannot be names here: they have another one, and act as themselves. */
  renamedItems: z.number().int(),
  /** Entries of the bucket seen so far that cannot be shown under any name; absent: none. */
  unshownItems: z.number().int().optional(),
  /** How the endpoint can be used, and since when. */
  connectivity: z.object({ state: z.enum(CONNECTIVITIES), sinceMs: z.number() }).optional(),
  /** When the folder's top was listed; absent: never. */
  listedMs: z.number().optional(),
  /** What a person is told about the folder until they dismiss it; absent: nothing. */
  hints: z.array(HintView).optional(),
  /** Uploads that wait for a person, newest first, at most 100. */
  errors: z.array(
    z.object({
      path: z.string(),
      code: z.enum(ERROR_CODES),
      sentence: z.string(),
      atMs: z.number(),
    }),
  ),
})
export type MountView = z.infer<typeof MountView>

export const StatusView = z.object({
  engine: z.object({
    pid: z.number().int(),
    version: z.string(),
    startedMs: z.number(),
    dataDir: z.string(),
    residentBytes: z.number(),
  }),
  mounts: z.array(MountView),
  /** What each connection asked of its endpoint. */
  requests: z.array(ConnectionRequestsView).optional(),
  /** What is kept on this computer; absent when nothing is. */
  pins: PinTotalView.optional(),
  /** Files that programs wanted and could not have, newest first. */
  unavailable: z.array(UnavailableView).optional(),
  /** Archived files that a person asked for; absent: none. */
  restores: z.array(RestoreView).optional(),
  /** A person switched the network off for Pail. */
  isWorkingOffline: z.boolean().optional(),
  sync: SyncView,
})
export type StatusView = z.infer<typeof StatusView>

export const BucketView = z.object({
  name: z.string(),
  createdMs: z.number().optional(),
  location: z.string().optional(),
})
export type BucketView = z.infer<typeof BucketView>

export const ConnectionView = z.object({
  id: z.uuid(),
  name: z.string(),
  endpointUrl: z.string(),
  region: z.string(),
  /** Shown so that a person can tell keys apart; the secret never leaves the keychain. */
  accessKeyId: z.string(),
})
export type ConnectionView = z.infer<typeof ConnectionView>
