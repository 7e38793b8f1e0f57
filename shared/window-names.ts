/**
 * The names that cross the preload bridge.
 *
 * Apart from the schemas, so that the sandboxed preload script carries this list and nothing else.
 * `window-contract.ts` does not compile when the two disagree.
 */
export const WINDOW_CALLS = [
  'app/info',
  'connections/list',
  'connections/add',
  'connections/renew',
  'connections/remove',
  'connections/requests',
  'connections/set-budget',
  'buckets/list',
  'mounts/start',
  'mounts/stop',
  'mounts/holders',
  'mounts/remove',
  'pins/list',
  'pins/set',
  'pins/check',
  'network/work-offline',
  'archive/restore',
  'hints/dismiss',
  'junk/get',
  'junk/set',
  'cache/get',
  'cache/set',
  'cache/free',
  'queue/list',
  'attention/list',
  'conflicts/list',
  'conflicts/resolve',
  'recent/list',
  'uploads/retry',
  'uploads/pause',
  'uploads/resume',
  'deletes/answer',
  'uploads/foreign',
  'uploads/abort',
  'status/get',
  'folders/choose',
  'folders/suggest',
  'folders/open',
  'folders/reveal',
  'folders/refresh',
  'folders/roles',
  'folders/set-role',
  'folders/clear-role',
] as const

export const WINDOW_EVENTS = ['status/changed', 'window/show-page'] as const

export type WindowCallName = (typeof WINDOW_CALLS)[number]
export type WindowEventName = (typeof WINDOW_EVENTS)[number]

/** The object that preload puts on `window`. Failures travel as values. */
export type WindowBridge = {
  readonly invoke: (name: WindowCallName, input: unknown) => Promise<unknown>
  /** @returns a function that ends the subscription */
  readonly subscribe: (name: WindowEventName, listener: (value: unknown) => void) => () => void
}
