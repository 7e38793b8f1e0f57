/**
 * The part of the engine's API about what is kept on this computer and what is asked of the
 * network: refreshing, pins, working offline, sleep. Part of `engineCalls`.
 *
 * Paths are absolute paths inside a mounted folder; nothing resolves them on the disk.
 */
import { z } from 'zod'

const LocalPath = z.string().min(1).max(8192)
const Count = z.number().int().nonnegative()

export const RequestCountsView = z.object({ list: Count, write: Count, read: Count, delete: Count })

/** LIST requests a month for looking by itself; with none, folders in use are looked at seldom. */
export const ListsPerMonth = z.number().int().min(0).max(100_000_000)
/** What is billed together. */
const ConnectionKey = { endpointUrl: z.string().max(2048), accessKeyId: z.string().max(256) }

/** One connection, whatever is mounted from it: what it asked for, and may still ask by itself. */
export const ConnectionRequestsView = z.object({
  endpointUrl: z.string(),
  accessKeyId: z.string(),
  /** Since midnight and since the first of the month, UTC. */
  day: RequestCountsView,
  month: RequestCountsView,
  listsPerMonth: Count,
  /** Below zero: folders in use live on credit. */
  listsLeft: z.number().int(),
  polling: z.enum(['normal', 'credit', 'saving']),
  /** Folders that are listed by themselves now; absent: none, and in a status, which is too frequent. */
  watching: z
    .object({
      folders: Count,
      /** Of the one that is listed most often, and why it is. */
      everyMs: z.number(),
      why: z.enum(['changing', 'in-use', 'held', 'left', 'saving']),
      /** Requests that one look at it takes. */
      pages: Count,
    })
    .optional(),
})
export type ConnectionRequestsView = z.infer<typeof ConnectionRequestsView>

const PinProgress = {
  files: Count,
  bytes: Count,
  readyFiles: Count,
  readyBytes: Count,
  /** What is kept does not fit on this disk. */
  problem: z
    .object({ code: z.literal('store/disk-full'), neededBytes: Count, roomBytes: Count })
    .optional(),
}

/** One file or folder that a person keeps on this computer, or keeps out of a folder that is. */
export const PinView = z.object({
  path: z.string(),
  mode: z.enum(['pinned', 'excluded']),
  sinceMs: z.number(),
  /** Of what is to be here: 0 to 100, and 100 only when all of it is. */
  percent: z.number(),
  ...PinProgress,
})
export type PinView = z.infer<typeof PinView>

/** Everything kept here, each file once. */
export const PinTotalView = z.object({ percent: z.number(), ...PinProgress })
export type PinTotalView = z.infer<typeof PinTotalView>

export const PinCheckView = z.object({
  ...PinTotalView.shape,
  isReady: z.boolean(),
  /** False: the network was away, and what others changed meanwhile is not known. */
  isListed: z.boolean(),
  repairedFiles: Count,
  missingCount: Count,
  /** At most 100 for each mount. */
  missing: z.array(z.object({ path: z.string(), reason: z.string() })),
})
export type PinCheckView = z.infer<typeof PinCheckView>

/** A program wanted a file that is not on this computer, and could not have it. */
export const UnavailableView = z.object({
  path: z.string(),
  atMs: z.number(),
  /** `network`: it was away. `archived`: the file has to be restored first. */
  why: z.enum(['network', 'archived']).default('network'),
  /** What can be done, where something can. */
  sentence: z.string().optional(),
})
export type UnavailableView = z.infer<typeof UnavailableView>

export const keepingCalls = {
  /** `none` takes the entry's own pin away; what a folder above says counts then. */
  'pins/set': {
    input: z.object({ path: LocalPath, mode: z.enum(['pinned', 'excluded', 'none']) }),
    output: z.object({}),
  },
  /** Of folders that are mounted now, in the order in which they were set. */
  'pins/list': {
    input: z.object({}),
    output: z.object({ pins: z.array(PinView), total: PinTotalView }),
  },
  /** Ready for a flight? Lists anew, re-reads every block, fetches what is missing or damaged. */
  'pins/check': { input: z.object({}), output: PinCheckView },
  /** A person wants no requests at all, or wants them again. Kept over restarts. */
  'network/work-offline': { input: z.object({ isWanted: z.boolean() }), output: z.object({}) },
  /** The computer is about to sleep: nothing new is begun. */
  'engine/suspend': { input: z.object({}), output: z.object({}) },
  /** It woke up: every socket is dead until proven otherwise. */
  'engine/resume': { input: z.object({}), output: z.object({}) },
  /** Lists the folder anew, now. `path` is relative to `dir`; empty: the mount itself. */
  'folders/refresh': {
    input: z.object({ dir: LocalPath, path: z.string().max(8192).default('') }),
    output: z.object({ changes: Count }),
  },
  /** A window in the foreground shows exactly these; none when it hides. */
  'folders/show': { input: z.object({ paths: z.array(LocalPath).max(64) }), output: z.object({}) },
  /** Also of a connection that nothing is mounted from now. */
  'requests/get': { input: z.object(ConnectionKey), output: ConnectionRequestsView },
  'requests/set-budget': {
    input: z.object({ ...ConnectionKey, listsPerMonth: ListsPerMonth }),
    output: ConnectionRequestsView,
  },
} as const

export const keepingEvents = {
  /** Others stored files in folders that were known: new ones, or new versions. */
  'files/arrived': z.object({
    dir: z.string(),
    /** Absolute; at most 1,000 of them. */
    paths: z.array(z.string()),
    count: Count,
  }),
  /** A program could not have a file: for want of network, or because it is archived. */
  'files/unavailable': UnavailableView,
} as const
