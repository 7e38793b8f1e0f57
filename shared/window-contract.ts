/**
 * What the window may ask of main: the one list of names that the preload bridge lets through.
 */
import { z } from 'zod'
import { BucketView, ConnectionView, MountView, StatusView } from './model.ts'

export const windowCalls = {
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
  'connections/remove': { input: z.object({ id: z.uuid() }), output: z.object({}) },
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
  'mounts/remove': { input: z.object({ dir: z.string() }), output: z.object({}) },
  'status/get': { input: z.object({}), output: StatusView },
  /** Asks the person for a folder by the system's own dialog. */
  'folders/choose': { input: z.object({}), output: z.object({ dir: z.string().nullable() }) },
  'folders/suggest': {
    input: z.object({ bucket: z.string() }),
    output: z.object({ dir: z.string() }),
  },
  /** Opens a mounted folder in the file manager. */
  'folders/open': { input: z.object({ dir: z.string() }), output: z.object({}) },
} as const

export const windowEvents = { 'status/changed': StatusView } as const

export type WindowCall = keyof typeof windowCalls
export type WindowInput<C extends WindowCall> = z.input<(typeof windowCalls)[C]['input']>
export type WindowParsed<C extends WindowCall> = z.output<(typeof windowCalls)[C]['input']>
export type WindowOutput<C extends WindowCall> = z.output<(typeof windowCalls)[C]['output']>
export type WindowEvent = keyof typeof windowEvents

/** A missing handler does not compile. */
export type WindowHandlers = {
  [C in WindowCall]: (input: WindowParsed<C>) => Promise<WindowOutput<C>>
}
