/** The window over a main that says what a test tells it to. */
import { notifications } from '@mantine/notifications'
import { cleanup, render } from '@testing-library/react'
import { App } from '../../../renderer/app.tsx'
import { createWindowClient } from '../../../renderer/client.ts'
import { Providers } from '../../../renderer/providers.tsx'
import type { CacheView } from '../../../shared/cache-contract.ts'
import type { ForeignUpload } from '../../../shared/engine-contract.ts'
import type { PailError } from '../../../shared/errors.ts'
import type { JunkView } from '../../../shared/junk.ts'
import type {
  ConnectionRequestsView,
  PinCheckView,
  PinView,
} from '../../../shared/keeping-contract.ts'
import type {
  AttentionGroup,
  ConflictView,
  QueueEntry,
  RecentView,
} from '../../../shared/sync-model.ts'
import type { HoldersView } from '../../../shared/unmounting.ts'
import type { WindowStatus } from '../../../shared/window-contract.ts'
import type { WindowBridge } from '../../../shared/window-names.ts'
import { CONNECTION_ID, mountRow, statusOf } from './rows.ts'

const CONNECTION = {
  id: CONNECTION_ID,
  name: 'Lab',
  endpointUrl: 'https://s3.example.org',
  region: 'eu-de',
  accessKeyId: 'AK',
}

function listOf(entries: readonly unknown[]) {
  return { total: entries.length, entries }
}

function pinTotal() {
  return { percent: 100, files: 3, bytes: 5e6, readyFiles: 3, readyBytes: 5e6 }
}

/** Main as the window sees it. */
export class FakeBridge implements WindowBridge {
  status: WindowStatus = statusOf()
  connections: unknown[] = [CONNECTION]
  holders: HoldersView = { holders: [], isComplete: true, pendingFiles: 0, pendingBytes: 0 }
  pins: PinView[] = []
  check: PinCheckView = {
    ...pinTotal(),
    isReady: true,
    isListed: true,
    repairedFiles: 0,
    missingCount: 0,
    missing: [],
  }
  queue: readonly QueueEntry[] = []
  attention: readonly AttentionGroup[] = []
  conflicts: readonly ConflictView[] = []
  recent: readonly RecentView[] = []
  roles: unknown[] = []
  foreign: readonly ForeignUpload[] = []
  requests: ConnectionRequestsView = {
    endpointUrl: CONNECTION.endpointUrl,
    accessKeyId: CONNECTION.accessKeyId,
    day: { list: 14, write: 3, read: 40, delete: 0 },
    month: { list: 214, write: 30, read: 1204, delete: 2 },
    listsPerMonth: 2_000,
    listsLeft: 180,
    polling: 'normal',
    watching: { folders: 1, everyMs: 10_000, why: 'in-use', pages: 1 },
  }
  room: CacheView = {
    ...{ cachedBytes: 3_400_000_000, limitBytes: 20_000_000_000 },
    ...{ pinnedBytes: 1_200_000_000, pendingBytes: 12_000_000 },
    disk: { freeBytes: 90_000_000_000, totalBytes: 500_000_000_000, floorBytes: 50_000_000_000 },
  }
  junk: JunkView = { patterns: ['.DS_Store', '._*'], defaults: ['.DS_Store', '._*'], localItems: 3 }
  readonly failures = new Map<string, PailError>()
  readonly calls: Array<{ readonly name: string; readonly input: unknown }> = []
  #listeners: Array<(value: unknown) => void> = []

  invoke: WindowBridge['invoke'] = async (name, input) => {
    this.calls.push({ name, input })
    const failure = this.failures.get(name)
    if (failure !== undefined) return { ok: false, error: failure.toWire() }
    return { ok: true, value: this.#answer(name) }
  }

  subscribe: WindowBridge['subscribe'] = (name, listener) => {
    if (name === 'status/changed') this.#listeners.push(listener)
    return () => {}
  }

  tell(status: WindowStatus): void {
    for (const listener of this.#listeners) listener(status)
  }

  inputsOf(name: string): unknown[] {
    return this.calls.filter((call) => call.name === name).map(({ input }) => input)
  }

  #answer(name: string): unknown {
    if (name === 'status/get') return this.status
    if (name === 'connections/list') return this.connections
    if (name === 'connections/add') return CONNECTION
    if (name === 'buckets/list') return [{ name: 'data' }]
    if (name === 'pins/list') return { pins: this.pins, total: pinTotal() }
    if (name === 'pins/check') return this.check
    if (name === 'queue/list') return listOf(this.queue)
    if (name === 'attention/list') return listOf(this.attention)
    if (name === 'conflicts/list') return listOf(this.conflicts)
    if (name === 'recent/list') return listOf(this.recent)
    if (name === 'uploads/retry') return this.status.sync?.counts
    if (name === 'archive/restore') {
      return { asked: 1, restoring: 0, readable: 0, wait: 'up to 12 h' }
    }
    if (name === 'deletes/answer') return { count: 1 }
    if (name.startsWith('junk/')) return this.junk
    if (name.startsWith('cache/')) return this.room
    if (name === 'connections/requests' || name === 'connections/set-budget') return this.requests
    if (name === 'uploads/foreign') return { uploads: this.foreign, count: this.foreign.length }
    if (name === 'uploads/abort') return { aborted: 1 }
    if (name === 'folders/roles') return this.roles
    if (name === 'folders/refresh') return { changes: 2 }
    if (name === 'connections/renew') return CONNECTION
    if (name === 'mounts/holders') return this.holders
    if (name === 'mounts/stop') return mountRow({ state: 'stopped' })
    if (name === 'folders/suggest') return { dir: '/home/ana/Pail/data' }
    return {}
  }
}

/** What happy-dom does not have and the components ask for. */
export function prepareWindow(): void {
  // It lays nothing out: without a height, a list shows no row.
  Object.defineProperties(HTMLElement.prototype, {
    clientHeight: { configurable: true, get: () => 600 },
    clientWidth: { configurable: true, get: () => 800 },
  })
  window.matchMedia = (media) =>
    Object.assign(new EventTarget(), {
      matches: false,
      media,
      onchange: null,
      addListener: () => {},
      removeListener: () => {},
    })
  globalThis.ResizeObserver = class {
    observe() {}
    unobserve() {}
    disconnect() {}
  }
}

export function forgetWindow(): void {
  cleanup()
  notifications.clean()
}

export function open(bridge: FakeBridge): void {
  render(
    <Providers client={createWindowClient(bridge)} getStyleNonce={() => 'n'}>
      <App />
    </Providers>,
  )
}
