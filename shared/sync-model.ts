/**
 * The state of all work between this computer and the buckets, as it crosses process boundaries.
 *
 * Keeps: every list is bounded by a named limit and comes with its total.
 */
import { z } from 'zod'
import { ERROR_CODES } from './errors.ts'
import { FileState, FolderState, NextTry } from './sync-states.ts'

/** Entries of each list that a status carries; the calls give more. */
export const STATUS_ENTRIES_MAX = 20
/** Entries of one answer to `queue/list`, `attention/list` and `conflicts/list`. */
export const LIST_ENTRIES_MAX = 500
/** Paths of one `files/state`. */
export const STATE_PATHS_MAX = 1_000
/** Examples that a group of needs-attention entries carries. */
export const GROUP_ENTRIES_MAX = 5

const Count = z.number().int().min(0)

export const QUEUE_OPS = ['put', 'marker', 'attributes', 'move', 'delete', 'fetch'] as const

export const QueueEntry = z.object({
  /** Journal row; absent for what is fetched. */
  seq: z.number().int().optional(),
  bucket: z.string(),
  /** Path of names below the bucket. */
  path: z.string(),
  op: z.enum(QUEUE_OPS),
  direction: z.enum(['up', 'down']),
  state: z.enum(['running', 'waiting', 'failed']),
  sizeBytes: z.number(),
  doneBytes: z.number(),
  bytesPerSecond: z.number(),
  part: z.object({ done: Count, total: Count }).optional(),
  /** How often it was tried before. */
  attempts: Count,
  nextTry: NextTry.optional(),
  reason: z.string().optional(),
  /** The program that saved it, by the name of its process. */
  program: z.string().optional(),
})
export type QueueEntry = z.infer<typeof QueueEntry>

export const AttentionEntry = z.object({
  seq: z.number().int(),
  bucket: z.string(),
  path: z.string(),
  /** Where programs see it, when that is elsewhere: a rename of it waits. */
  pathNow: z.string().optional(),
  atMs: z.number(),
  attempts: Count,
  /** What the server said, for who looks after it. */
  detail: z.string(),
  serverCode: z.string().optional(),
  requestId: z.string().optional(),
  httpStatus: z.number().int().optional(),
})
export type AttentionEntry = z.infer<typeof AttentionEntry>

/** Everything that waits for a person for one cause. */
export const AttentionGroup = z.object({
  cause: z.enum(ERROR_CODES),
  sentence: z.string(),
  total: Count,
  entries: z.array(AttentionEntry).max(GROUP_ENTRIES_MAX),
})
export type AttentionGroup = z.infer<typeof AttentionGroup>

const ConflictSide = z.object({
  path: z.string(),
  sizeBytes: z.number(),
  modifiedMs: z.number(),
  etag: z.string().optional(),
})

export const ConflictView = z.object({
  id: z.number().int(),
  bucket: z.string(),
  /** The bucket's version, under the name of the file. */
  theirs: ConflictSide,
  /** This computer's version, under the name of the conflict copy. */
  ours: ConflictSide.extend({ host: z.string(), isUploaded: z.boolean() }),
  atMs: z.number(),
})
export type ConflictView = z.infer<typeof ConflictView>

export const RecentView = z.object({
  id: z.number().int(),
  atMs: z.number(),
  kind: z.string(),
  origin: z.enum(['local', 'remote']),
  bucket: z.string(),
  path: z.string(),
  count: Count,
  sizeBytes: z.number(),
  program: z.string().optional(),
  /** What happened, for a person. */
  sentence: z.string(),
})
export type RecentView = z.infer<typeof RecentView>

export const VERDICTS = ['done', 'working', 'paused', 'offline', 'attention'] as const
export const VerdictView = z.object({ kind: z.enum(VERDICTS), sentence: z.string() })
export type VerdictView = z.infer<typeof VerdictView>

/** Of what is pending, what is no file: new folders; renames, deletions and attributes. Absent: none. */
export const PendingOther = z.object({ folders: Count, changes: Count })

export const SyncCounts = z.object({
  /** Everything that waits, whatever it is. */
  pendingFiles: Count,
  pendingBytes: z.number(),
  pendingOther: PendingOther.optional(),
  uploading: Count,
  downloading: Count,
  failed: Count,
  /** Of the failed, deletions that a person is asked about. Absent: none. */
  heldDeletes: Count.optional(),
  conflicts: Count,
})
export type SyncCounts = z.infer<typeof SyncCounts>

const listOf = <T extends z.ZodType>(entry: T) =>
  z.object({ total: Count, entries: z.array(entry).max(LIST_ENTRIES_MAX) })

export const QueueList = listOf(QueueEntry)
export const ConflictList = listOf(ConflictView)
export const AttentionList = listOf(AttentionGroup)
export const RecentList = listOf(RecentView)

export const SyncView = z.object({
  verdict: VerdictView,
  counts: SyncCounts,
  isPaused: z.boolean(),
  isWorkingOffline: z.boolean(),
  upBytesPerSecond: z.number(),
  queue: QueueList,
  attention: AttentionList,
  conflicts: ConflictList,
  recent: RecentList,
})
export type SyncView = z.infer<typeof SyncView>

/** One file or folder that was asked for. */
export const PathState = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('file'),
    path: z.string(),
    name: z.string(),
    key: z.string(),
    etag: z.string().optional(),
    sizeBytes: z.number(),
    conflictId: z.number().int().optional(),
    state: FileState,
  }),
  z.object({
    kind: z.literal('folder'),
    path: z.string(),
    name: z.string(),
    key: z.string(),
    state: FolderState,
  }),
  /** Not below a folder of Pail, or not there. */
  z.object({ kind: z.literal('unknown'), path: z.string(), code: z.enum(ERROR_CODES) }),
])
export type PathState = z.infer<typeof PathState>
