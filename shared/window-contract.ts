/**
 * What the window may ask of main: the one list of names that the preload bridge lets through,
 * each with what goes in and what comes back.
 */
import { z } from 'zod'
import { archiveCalls, RestoreView } from './archive.ts'
import { cacheCalls } from './cache-contract.ts'
import { engineCalls } from './engine-contract.ts'
import { hintCalls } from './hints.ts'
import { junkCalls } from './junk.ts'
import {
  ConnectionRequestsView,
  keepingCalls,
  ListsPerMonth,
  PinTotalView,
  UnavailableView,
} from './keeping-contract.ts'
import { BucketView, ConnectionView, MountView } from './model.ts'
import { SyncView } from './sync-model.ts'
import { HoldersView } from './unmounting.ts'
import type { WindowCallName, WindowEventName } from './window-names.ts'

/** A mount as the window shows it: what the engine says, and what main remembers of it. */
export const MountRow = MountView.extend({
  /** Absent when the mount was made from the command line. */
  connectionId: z.uuid().optional(),
  connectionName: z.string().optional(),
  /** Main brings it back after a restart. */
  isWanted: z.boolean(),
  /** The engine serves the folder, also while its keys are refused. */
  isMounted: z.boolean(),
})
export type MountRow = z.infer<typeof MountRow>

export const ENGINE_STATES = ['starting', 'running', 'restarting'] as const

export const WindowStatus = z.object({
  engine: z.object({
    state: z.enum(ENGINE_STATES),
    /** One sentence while the engine is not running. */
    reason: z.string().optional(),
    /** True for an engine that the command line started: it goes on when the app quits. */
    isShared: z.boolean(),
    version: z.string().optional(),
  }),
  mounts: z.array(MountRow),
  /** A person wants no requests at all. */
  isWorkingOffline: z.boolean().optional(),
  /** What is kept on this computer; absent: nothing. */
  pins: PinTotalView.optional(),
  /** Files that programs wanted and could not have, newest first. */
  unavailable: z.array(UnavailableView).optional(),
  /** Archived files that a person asked for; absent: none. */
  restores: z.array(RestoreView).optional(),
  /** What is not yet in the buckets, as the engine has it; absent while it is away. */
  sync: SyncView.optional(),
})
export type WindowStatus = z.infer<typeof WindowStatus>

export const PAGES = ['folders', 'buckets', 'activity', 'offline', 'settings'] as const

export const windowCalls = {
  'app/info': {
    input: z.object({}),
    output: z.object({ version: z.string(), runtime: z.string(), dataDir: z.string() }),
  },
  'connections/list': { input: z.object({}), output: z.array(ConnectionView) },
  /** Probes with the keys in memory; refused: nothing is stored. Accepted: secret to the keychain first. */
  'connections/add': {
    input: z.object({
      name: z.string().trim().min(1).max(100),
      endpointUrl: z.string().max(2048),
      region: z.string().max(64),
      accessKeyId: z.string().min(1).max(256),
      secretAccessKey: z.string().min(1).max(512),
      /** For keys that may not list buckets. */
      bucket: z.string().max(255).optional(),
    }),
    output: ConnectionView,
  },
  /** Newer keys, also for what is mounted with it. They are tried first; refused: nothing changes. */
  'connections/renew': {
    input: z.object({
      id: z.uuid(),
      accessKeyId: z.string().min(1).max(256),
      secretAccessKey: z.string().min(1).max(512),
    }),
    output: ConnectionView,
  },
  'connections/remove': { input: z.object({ id: z.uuid() }), output: z.object({}) },
  /** What the connection asked of its endpoint, and what it may still ask by itself. */
  'connections/requests': { input: z.object({ id: z.uuid() }), output: ConnectionRequestsView },
  'connections/set-budget': {
    input: z.object({ id: z.uuid(), listsPerMonth: ListsPerMonth }),
    output: ConnectionRequestsView,
  },
  'buckets/list': { input: z.object({ connectionId: z.uuid() }), output: z.array(BucketView) },
  'mounts/start': {
    input: z.object({
      connectionId: z.uuid(),
      bucket: z.string().min(1).max(255),
      subpath: z.string().max(1024),
      dir: z.string().min(1).max(4096),
      readOnly: z.boolean(),
    }),
    output: MountView,
  },
  'mounts/stop': { input: z.object({ dir: z.string(), force: z.boolean() }), output: MountView },
  'mounts/holders': { input: z.object({ dir: z.string() }), output: HoldersView },
  'mounts/remove': { input: z.object({ dir: z.string() }), output: z.object({}) },
  /** What is kept on this computer, and what a person wants of the network: as the engine has it. */
  'pins/list': keepingCalls['pins/list'],
  'pins/set': keepingCalls['pins/set'],
  'pins/check': keepingCalls['pins/check'],
  'network/work-offline': keepingCalls['network/work-offline'],
  'archive/restore': archiveCalls['archive/restore'],
  'hints/dismiss': hintCalls['hints/dismiss'],
  /** Names of files that are never uploaded: one list for everything. */
  'junk/get': junkCalls['junk/get'],
  'junk/set': junkCalls['junk/set'],
  /** The room on this computer: one limit for everything. */
  'cache/get': cacheCalls['cache/get'],
  'cache/set': cacheCalls['cache/set'],
  'cache/free': cacheCalls['cache/free'],
  /** What is under way, what waits and why, what happened: as the engine has it. */
  'queue/list': engineCalls['queue/list'],
  'attention/list': engineCalls['attention/list'],
  'conflicts/list': engineCalls['conflicts/list'],
  'conflicts/resolve': engineCalls['conflicts/resolve'],
  'recent/list': engineCalls['recent/list'],
  'uploads/retry': engineCalls['uploads/retry'],
  'uploads/pause': engineCalls['uploads/pause'],
  'uploads/resume': engineCalls['uploads/resume'],
  'deletes/answer': engineCalls['deletes/answer'],
  'uploads/foreign': engineCalls['uploads/foreign'],
  'uploads/abort': engineCalls['uploads/abort'],
  'status/get': { input: z.object({}), output: WindowStatus },
  /** Asks the person for a folder by the system's own dialog. */
  'folders/choose': { input: z.object({}), output: z.object({ dir: z.string().nullable() }) },
  'folders/suggest': {
    input: z.object({ bucket: z.string() }),
    output: z.object({ dir: z.string() }),
  },
  /** Opens a mounted folder in the file manager. */
  'folders/open': { input: z.object({ dir: z.string() }), output: z.object({}) },
  /** Opens the folder around a file of a mounted folder in the file manager. */
  'folders/reveal': { input: z.object({ path: z.string().max(8192) }), output: z.object({}) },
  'folders/refresh': engineCalls['folders/refresh'],
  /** Folders that send or receive batches of files. */
  'folders/roles': engineCalls['folders/roles'],
  'folders/set-role': engineCalls['folders/set-role'],
  'folders/clear-role': engineCalls['folders/clear-role'],
} as const satisfies Record<WindowCallName, { input: z.ZodType; output: z.ZodType }>

export const windowEvents = {
  'status/changed': WindowStatus,
  /** The tray or the menu asks for a page. */
  'window/show-page': z.object({ page: z.enum(PAGES) }),
} as const satisfies Record<WindowEventName, z.ZodType>

export type WindowCall = keyof typeof windowCalls
export type WindowInput<C extends WindowCall> = z.input<(typeof windowCalls)[C]['input']>
export type WindowParsed<C extends WindowCall> = z.output<(typeof windowCalls)[C]['input']>
export type WindowOutput<C extends WindowCall> = z.output<(typeof windowCalls)[C]['output']>
export type WindowEvent = keyof typeof windowEvents

/** A missing handler does not compile. */
export type WindowHandlers = {
  [C in WindowCall]: (input: WindowParsed<C>) => Promise<WindowOutput<C>>
}
