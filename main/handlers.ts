/** The window's calls, each handed to the part that owns it. */
import { PailError } from '../shared/errors.ts'
import type { WindowHandlers, WindowStatus } from '../shared/window-contract.ts'
import type { Connections } from './connections.ts'
import type { Desktop } from './desktop.ts'
import type { EngineCaller } from './engine-link.ts'
import type { Folders } from './folders.ts'
import type { MountKeeper } from './mount-keeper.ts'

export type HandlerParts = {
  readonly connections: Connections
  readonly mounts: MountKeeper
  readonly engine: EngineCaller
  readonly change: Desktop['change']
  readonly folders: Folders
  readonly status: () => WindowStatus
  readonly info: { readonly version: string; readonly runtime: string; readonly dataDir: string }
}

export function windowHandlers(parts: HandlerParts): WindowHandlers {
  const { connections, mounts, engine, change, folders, status } = parts
  const dirsInUse = () => status().mounts.map(({ dir }) => dir)
  return {
    'app/info': async () => parts.info,
    'connections/list': async () => connections.list(),
    'connections/add': (input) => connections.add(input),
    'connections/renew': (input) => connections.renew(input),
    'connections/remove': async ({ id }) => {
      await connections.remove(id)
      return {}
    },
    'connections/requests': ({ id }) => connections.requests(id),
    'connections/set-budget': ({ id, listsPerMonth }) => connections.setBudget(id, listsPerMonth),
    'buckets/list': ({ connectionId }) => connections.buckets(connectionId),
    'mounts/start': (input) => mounts.start(input),
    'mounts/stop': (input) => mounts.stop(input),
    'mounts/holders': (input) => mounts.holders(input.dir),
    'mounts/remove': async ({ dir }) => {
      await mounts.remove(dir)
      return {}
    },
    'pins/list': (input) => engine.call('pins/list', input),
    'pins/set': (input) => engine.call('pins/set', input),
    'pins/check': (input) => engine.call('pins/check', input),
    'archive/restore': (input) => change('archive/restore', input),
    'hints/dismiss': (input) => change('hints/dismiss', input),
    'network/work-offline': (input) => change('network/work-offline', input),
    'junk/get': (input) => engine.call('junk/get', input),
    'junk/set': (input) => change('junk/set', input),
    'cache/get': (input) => engine.call('cache/get', input),
    'cache/set': (input) => change('cache/set', input),
    'cache/free': (input) => change('cache/free', input),
    'queue/list': (input) => engine.call('queue/list', input),
    'attention/list': (input) => engine.call('attention/list', input),
    'conflicts/list': (input) => engine.call('conflicts/list', input),
    'conflicts/resolve': (input) => change('conflicts/resolve', input),
    'recent/list': (input) => engine.call('recent/list', input),
    'uploads/retry': (input) => change('uploads/retry', input),
    'uploads/pause': (input) => change('uploads/pause', input),
    'uploads/resume': (input) => change('uploads/resume', input),
    'deletes/answer': (input) => change('deletes/answer', input),
    'uploads/foreign': (input) => engine.call('uploads/foreign', input),
    'uploads/abort': (input) => engine.call('uploads/abort', input),
    'status/get': async () => status(),
    'folders/choose': async () => ({ dir: await folders.choose() }),
    'folders/suggest': async ({ bucket }) => ({ dir: folders.suggest(bucket, dirsInUse()) }),
    'folders/open': async ({ dir }) => {
      if (!dirsInUse().includes(dir)) throw new PailError('mount/not-mounted', 'unknown folder')
      await folders.open(dir)
      return {}
    },
    'folders/reveal': async ({ path }) => {
      await folders.reveal(path, dirsInUse())
      return {}
    },
    'folders/refresh': (input) => change('folders/refresh', input),
    'folders/roles': (input) => engine.call('folders/roles', input),
    'folders/set-role': (input) => engine.call('folders/set-role', input),
    'folders/clear-role': (input) => engine.call('folders/clear-role', input),
  }
}
