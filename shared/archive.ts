/**
 * Objects in an archive: which they are, how long it takes until they can be read again, and the
 * words for people. Pure.
 *
 * @see IBM Cloud Object Storage, "Archiving and accessing cold data"; Amazon S3, "Archive retrieval
 *      options"
 */
import { z } from 'zod'

/** Storage classes whose objects must be restored before they can be read. */
const ARCHIVE_CLASSES: ReadonlySet<string> = new Set(['GLACIER', 'DEEP_ARCHIVE', 'ACCELERATED'])

export function isArchiveClass(storageClass: string | null | undefined): boolean {
  return ARCHIVE_CLASSES.has(storageClass ?? '')
}

/** As S3 spells them. */
export const RESTORE_TIERS = ['Standard', 'Bulk', 'Expedited', 'Accelerated'] as const
export type RestoreTier = (typeof RESTORE_TIERS)[number]

/** How long the readable copy of a restored object stays: a working week, and the weekend. */
export const RESTORE_DAYS_DEFAULT = 7
export const RESTORE_DAYS_MAX = 365
/** Files of one request to restore: each is billed. */
export const RESTORE_FILES_MAX = 10_000

export type ArchiveProvider = 'ibm' | 'aws' | 'other'

export function archiveProviderOf(endpointUrl: string): ArchiveProvider {
  const host = /^https?:\/\/([^/:?#]+)/i.exec(endpointUrl)?.[1]?.toLowerCase() ?? ''
  if (/(^|\.)(cloud-object-storage\.appdomain\.cloud|objectstorage\.softlayer\.net)$/.test(host)) {
    return 'ibm'
  }
  return /(^|\.)amazonaws\.com(\.cn)?$/.test(host) ? 'aws' : 'other'
}

type Archived = {
  readonly provider: ArchiveProvider
  readonly storageClass: string | null
  readonly tier?: RestoreTier | undefined
}

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

/** What the provider says that it takes at most; undefined: it says nothing that Pail knows of. */
export function restoreWaitMs({ provider, storageClass, tier }: Archived): number | undefined {
  if (provider === 'ibm') return (storageClass === 'ACCELERATED' ? 2 : 12) * HOUR_MS
  if (provider === 'other') return undefined
  const isDeep = storageClass === 'DEEP_ARCHIVE'
  if (tier === 'Expedited') return 5 * MINUTE_MS
  if (tier === 'Bulk') return (isDeep ? 48 : 12) * HOUR_MS
  return (isDeep ? 12 : 5) * HOUR_MS
}

/** `up to 12 h` */
export function restoreWaitWords(archived: Archived): string {
  const ms = restoreWaitMs(archived)
  if (ms === undefined) return 'hours, as a rule'
  return ms < HOUR_MS ? `up to ${ms / MINUTE_MS} min` : `up to ${ms / HOUR_MS} h`
}

/**
 * Tiers that may be named for an object; the provider chooses one when none is.
 * IBM wants the one that belongs to the archive, or none.
 */
export function tiersOf({ provider, storageClass }: Archived): readonly RestoreTier[] {
  if (provider === 'other') return RESTORE_TIERS
  if (provider === 'ibm') return storageClass === 'ACCELERATED' ? ['Accelerated'] : ['Bulk']
  const deep = ['Standard', 'Bulk'] as const
  return storageClass === 'DEEP_ARCHIVE' ? deep : [...deep, 'Expedited']
}

export const RESTORE_STATES = ['asked', 'restoring', 'readable', 'refused'] as const

/** A file that a person asked to have restored. */
export const RestoreView = z.object({
  path: z.string(),
  /** `asked`: the request waits for the network. */
  state: z.enum(RESTORE_STATES),
  askedMs: z.number(),
  /** When the readable copy goes; absent: not known, or never. */
  untilMs: z.number().optional(),
  /** For a person. */
  sentence: z.string(),
})
export type RestoreView = z.infer<typeof RestoreView>

/** Restores that a status carries. */
export const RESTORES_SHOWN_MAX = 50

const LocalPath = z.string().min(1).max(8192)
const Count = z.number().int().nonnegative()

export const archiveCalls = {
  /**
   * Asks for archived files, and for all that are known below folders. On record before it answers;
   * the request goes out at once, or when the network is back, and once for each file.
   */
  'archive/restore': {
    input: z.object({
      paths: z.array(LocalPath).min(1).max(1_000),
      days: z.number().int().min(1).max(RESTORE_DAYS_MAX).default(RESTORE_DAYS_DEFAULT),
      /** Absent: what the provider does when nothing is said. */
      tier: z.enum(RESTORE_TIERS).optional(),
    }),
    output: z.object({
      /** Asked for now. */
      asked: Count,
      /** Asked for before, and under way. */
      restoring: Count,
      /** Can be read as they are. */
      readable: Count,
      /** `up to 12 h`: the longest of what was asked for. */
      wait: z.string(),
    }),
  },
  /** What was asked for and is not over, of everything that is mounted; the newest first. */
  'archive/list': { input: z.object({}), output: z.array(RestoreView) },
} as const

export const FilesRestored = z.object({
  dir: z.string(),
  /** Absolute; at most 1,000 of them. */
  paths: z.array(z.string()),
  count: Count,
})
export type FilesRestored = z.infer<typeof FilesRestored>

export const archiveEvents = {
  /** Archived files can be read now: told once. */
  'files/restored': FilesRestored,
} as const
