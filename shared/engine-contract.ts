/**
 * The engine's API: main talks it over a message port, the CLI over a local socket.
 * Both ends are derived from these tables.
 */
import { z } from 'zod'
import { archiveCalls, archiveEvents } from './archive.ts'
import { cacheCalls } from './cache-contract.ts'
import { ERROR_CODES, type WireError } from './errors.ts'
import { folderCalls, folderEvents } from './folder-roles.ts'
import { hintCalls, hintEvents } from './hints.ts'
import { junkCalls } from './junk.ts'
import { keepingCalls, keepingEvents } from './keeping-contract.ts'
import { KEY_BYTES_MAX, LONG_KEY_BYTES_MAX } from './key-bytes.ts'
import { BucketView, Credentials, Endpoint, MountView, StatusView } from './model.ts'
import {
  AttentionList,
  ConflictList,
  LIST_ENTRIES_MAX,
  PathState,
  PendingOther,
  QueueList,
  RecentList,
  STATE_PATHS_MAX,
  SyncCounts,
} from './sync-model.ts'

/** Absolute, inside a mounted folder or the folder itself. */
const LocalPath = z.string().min(1).max(4096)
const ListMax = z.number().int().min(1).max(LIST_ENTRIES_MAX).default(100)
/** A week is longer than any script waits. */
const WAIT_MS_MAX = 7 * 24 * 3600 * 1000

import { HoldersView } from './unmounting.ts'

const Access = { endpoint: Endpoint, credentials: Credentials }

/** A multipart upload that another program began and did not end. */
export const ForeignUpload = z.object({
  key: z.string(),
  uploadId: z.string(),
  startedMs: z.number(),
  sizeBytes: z.number(),
})
export type ForeignUpload = z.infer<typeof ForeignUpload>

export const engineCalls = {
  ...folderCalls,
  ...keepingCalls,
  ...junkCalls,
  ...cacheCalls,
  ...archiveCalls,
  ...hintCalls,
  'engine/status': { input: z.object({}), output: StatusView },
  /**
   * Returns when the folder answers its first request; the journal is replayed before that. For a
   * folder that shows this very bucket already, other keys take the place of its keys.
   */
  'mounts/start': {
    input: z.object({
      ...Access,
      bucket: z.string().min(1).max(255),
      /** Prefix inside the bucket, with or without slashes at its ends; empty for all of it. */
      subpath: z.string().max(1024),
      /** Absolute path of the local folder. */
      dir: z.string().min(1).max(4096),
      readOnly: z.boolean(),
      /** Let other users of this computer in, as far as mode and owner of each file allow. */
      allowOther: z.boolean().default(false),
      /**
       * `listing`: attributes as far as listings tell them, the rest when a file is opened. `all`:
       * one more request for each object, once, so that `ls -l` shows what other tools stored.
       */
      attributes: z.enum(['listing', 'all']).default('listing'),
      /** Extended attributes travel to the bucket, in the form of s3fs. */
      syncXattrs: z.boolean().default(false),
      /** Longest key of what is made here, in bytes: for servers that take longer ones than S3. */
      keyBytesMax: z
        .number()
        .int()
        .min(KEY_BYTES_MAX)
        .max(LONG_KEY_BYTES_MAX)
        .default(KEY_BYTES_MAX),
      /** Ask before the bucket loses more than 1,000 objects, or most of the folder, at once. */
      confirmDeletes: z.boolean().default(true),
      /** Make the folder when it is missing (the app's default folders). */
      createDir: z.boolean().default(false),
    }),
    output: MountView,
  },
  /** Fails with `mount/busy`, which names the programs, while some use it. */
  'mounts/stop': {
    input: z.object({
      dir: z.string(),
      /** Detach at once although programs still use the folder. */
      force: z.boolean().default(false),
    }),
    output: MountView,
  },
  /** Which programs keep the folder in use, and what of it is not in the bucket yet. */
  'mounts/holders': { input: z.object({ dir: z.string() }), output: HoldersView },
  /**
   * Newer keys take the place of those with the id `replaces`, in every bucket of this endpoint that
   * is mounted with them: nothing is unmounted. They are tried first.
   */
  'connections/renew': {
    input: z.object({ ...Access, replaces: z.string().min(1).max(256) }),
    output: z.object({ buckets: z.number().int() }),
  },
  /** Resolves when nothing is pending in `dir` (or anywhere), or when the time is over. */
  'uploads/flush': {
    input: z.object({
      dir: z.string().optional(),
      timeoutMs: z.number().int().positive().optional(),
    }),
    output: z.object({
      pendingFiles: z.number().int(),
      pendingBytes: z.number().int(),
      pendingOther: PendingOther.optional(),
    }),
  },
  /** The answer to `heldDeletes`: the bucket loses them, or they come back into the folder. */
  'deletes/answer': {
    input: z.object({ dir: z.string(), answer: z.enum(['allow', 'undo']) }),
    output: z.object({ count: z.number().int() }),
  },
  /** Uploads below a mounted folder that others began and never ended: they are billed. Oldest first. */
  'uploads/foreign': {
    input: z.object({ dir: z.string() }),
    output: z.object({ uploads: z.array(ForeignUpload), count: z.number().int() }),
  },
  /** Aborts those of them that are named; fails, and aborts none, when one is not among them. */
  'uploads/abort': {
    input: z.object({ dir: z.string(), ids: z.array(z.string().min(1)).min(1).max(200) }),
    output: z.object({ aborted: z.number().int() }),
  },
  /** Each path as it is known; nothing is asked of the network. */
  'files/state': {
    input: z.object({ paths: z.array(LocalPath).min(1).max(STATE_PATHS_MAX) }),
    output: z.object({ states: z.array(PathState) }),
  },
  /** What is under way and what waits, in the order in which it was saved. */
  'queue/list': {
    input: z.object({ dir: LocalPath.optional(), countMax: ListMax }),
    output: QueueList,
  },
  'attention/list': {
    input: z.object({ dir: LocalPath.optional(), countMax: ListMax }),
    output: AttentionList,
  },
  'conflicts/list': {
    input: z.object({ dir: LocalPath.optional(), countMax: ListMax }),
    output: ConflictList,
  },
  /**
   * mine: our bytes replace theirs, under the condition that theirs is the version that was shown.
   * theirs: the copy with our bytes goes. both: both files stay as they are.
   */
  'conflicts/resolve': {
    input: z.object({
      id: z.number().int(),
      keep: z.enum(['mine', 'theirs', 'both']),
      /** Refuses when the bucket has another version by now. */
      theirsEtag: z.string().optional(),
    }),
    output: z.object({}),
  },
  /** The last 200 events, newest first; they survive restarts. */
  'recent/list': { input: z.object({ countMax: ListMax }), output: RecentList },
  /**
   * What failed gets another try at once: below a path, one row of the journal, or what failed for
   * one cause; with none of these, everything. Deletions that a person is asked about stay.
   */
  'uploads/retry': {
    input: z.object({
      path: LocalPath.optional(),
      seq: z.number().int().optional(),
      cause: z.enum(ERROR_CODES).optional(),
    }),
    output: SyncCounts,
  },
  /** Until resumed, across restarts. Reading and listing go on. */
  'uploads/pause': { input: z.object({}), output: z.object({}) },
  'uploads/resume': { input: z.object({}), output: z.object({}) },
  /**
   * Resolves when a file that matches is in the bucket, complete, and visible in the folder.
   * `matches` is empty when the time is over.
   */
  'wait/glob': {
    input: z.object({
      /** Absolute; `*`, `?`, `[…]`, `{…}` within names, `**` across folders. */
      pattern: LocalPath,
      timeoutMs: z.number().int().positive().max(WAIT_MS_MAX),
    }),
    output: z.object({ matches: z.array(z.string()), requests: z.number().int() }),
  },
  /** Looks through the whole database for damage; takes a moment. */
  'engine/check': {
    input: z.object({}),
    output: z.object({ problems: z.array(z.string()), oldestPendingMs: z.number().optional() }),
  },
  /** Checks endpoint and keys without storing anything. */
  'buckets/list': { input: z.object(Access), output: z.array(BucketView) },
  /** For keys that may not list buckets: may this bucket be listed? */
  'buckets/probe': {
    input: z.object({ ...Access, bucket: z.string().min(1), subpath: z.string() }),
    output: z.object({ canList: z.boolean() }),
  },
  /** Unmounts everything, keeps what is pending, ends the process. */
  'engine/shutdown': { input: z.object({}), output: z.object({ pendingFiles: z.number().int() }) },
} as const

export const engineEvents = {
  /** At most ten a second. */
  'status/changed': StatusView,
  ...keepingEvents,
  ...folderEvents,
  ...archiveEvents,
  ...hintEvents,
} as const

export type EngineCall = keyof typeof engineCalls
export type EngineInput<C extends EngineCall> = z.input<(typeof engineCalls)[C]['input']>
export type EngineParsed<C extends EngineCall> = z.output<(typeof engineCalls)[C]['input']>
export type EngineOutput<C extends EngineCall> = z.output<(typeof engineCalls)[C]['output']>
export type EngineEvent = keyof typeof engineEvents
export type EventValue<E extends EngineEvent> = z.output<(typeof engineEvents)[E]>
/** One event and what it says. */
export type EngineNews = {
  [E in EngineEvent]: { readonly event: E; readonly value: EventValue<E> }
}[EngineEvent]

/** A missing handler does not compile. */
export type EngineHandlers = {
  [C in EngineCall]: (input: EngineParsed<C>) => Promise<EngineOutput<C>>
}

/** Failures travel as values. */
export type Reply<T> = { ok: true; value: T } | { ok: false; error: WireError }

/** Frames on the wire; on a socket one JSON document a line, at most 1 MiB. */
export type EngineFrame =
  | {
      readonly kind: 'call'
      readonly id: number
      readonly call: EngineCall
      readonly input: unknown
    }
  | { readonly kind: 'reply'; readonly id: number; readonly reply: Reply<unknown> }
  | { readonly kind: 'event'; readonly event: EngineEvent; readonly value: unknown }
