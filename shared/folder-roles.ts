/**
 * Folders that send batches of files, or receive them: what a person chooses, and what is
 * shown of it, a failure that holds a marker included.
 */
import { z } from 'zod'
import { WireErrorSchema } from './model.ts'

export const FOLDER_ROLES = ['send', 'receive'] as const
export type FolderRole = (typeof FOLDER_ROLES)[number]

/** `ready`: one small object. `manifest`: names every file of the batch with its digests. */
export const MARKERS = ['ready', 'manifest'] as const
export type Marker = (typeof MARKERS)[number]

export const MARKER_NAMES: Readonly<Record<Marker, string>> = {
  ready: '_READY',
  manifest: '_MANIFEST.json',
}

export const QUIET_MS_DEFAULT = 10_000
/** An hour: longer pauses end by `pail send --now`. */
export const QUIET_MS_MAX = 3_600_000

export const FolderOptions = z.object({
  marker: z.enum(MARKERS).default('ready'),
  /** A batch ends when nothing was written for so long. */
  quietMs: z.number().int().min(0).max(QUIET_MS_MAX).default(QUIET_MS_DEFAULT),
})
export type FolderOptions = z.infer<typeof FolderOptions>

/**
 * idle: nothing since the last batch. open: files are written or uploaded. quiet: everything is in
 * the bucket, and the marker follows when the quiet time is over. marking: the marker is on its way.
 * held: the marker waits for something that a person has to mend.
 */
export const BATCH_STATES = ['idle', 'open', 'quiet', 'marking', 'held'] as const
export type BatchState = (typeof BATCH_STATES)[number]

export const FolderRoleView = z.object({
  /** The folder on this computer. */
  dir: z.string(),
  bucket: z.string(),
  /** Ends with `/`; empty for the whole bucket. */
  prefix: z.string(),
  role: z.enum(FOLDER_ROLES),
  options: FolderOptions,
  state: z.enum(BATCH_STATES),
  /** Of the open batch: in the bucket already, and not yet. Receive: arrived and on the way. */
  files: z.number().int(),
  bytes: z.number().int(),
  waitingFiles: z.number().int(),
  /** quiet: when the batch ends unless something else is written. */
  endsMs: z.number().optional(),
  /** held: the file that holds it, and why. */
  held: z.object({ path: z.string(), error: WireErrorSchema, sentence: z.string() }).optional(),
  /** The last complete batch; absent: none yet. */
  last: z.object({ batch: z.number().int(), files: z.number().int(), atMs: z.number() }).optional(),
})
export type FolderRoleView = z.infer<typeof FolderRoleView>

/** Absolute, in a mounted folder; nothing resolves it on the disk. */
const LocalPath = z.string().min(1).max(8192)

/** The part of the engine's API about folders with a role. */
export const folderCalls = {
  'folders/set-role': {
    input: z.object({ dir: LocalPath, role: z.enum(FOLDER_ROLES), options: FolderOptions }),
    output: FolderRoleView,
  },
  /** What is in the bucket stays there, the newest marker too. */
  'folders/clear-role': { input: z.object({ dir: LocalPath }), output: z.object({}) },
  /** Of everything that is mounted. */
  'folders/roles': { input: z.object({}), output: z.array(FolderRoleView) },
  /**
   * Ends the open batch of a send folder without its quiet time. Answers when the marker is in the
   * bucket, when something holds it, or when the time is over.
   */
  'folders/close-batch': {
    input: z.object({ dir: LocalPath, timeoutMs: z.number().int().positive().optional() }),
    output: FolderRoleView,
  },
} as const

/** Paths that one event names. */
export const RECEIVED_PATHS_MAX = 100

export const FoldersReceived = z.object({
  dir: z.string(),
  files: z.number().int(),
  bytes: z.number().int(),
  /** Absolute, the newest first, at most RECEIVED_PATHS_MAX. */
  paths: z.array(z.string()),
})
export type FoldersReceived = z.infer<typeof FoldersReceived>

export const folderEvents = {
  /** Once for each batch of files that others stored, when they are on this computer. */
  'folders/received': FoldersReceived,
} as const
