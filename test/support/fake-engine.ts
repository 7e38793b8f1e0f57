/**
 * An engine without a bucket or a kernel, for tests of everything around it.
 *
 * The bucket's name says what happens: `missing` is unknown, `slow` has two files to upload for a
 * second after the start, `stuck` has one for ever, `defect` throws where nobody catches.
 * A mount disappears, as if by `umount`, when a file `gone` appears in the data folder.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Engine, EngineOptions } from '../../engine/mounts/engine-api.ts'
import type { CacheView } from '../../shared/cache-contract.ts'
import type { EngineHandlers, EngineParsed } from '../../shared/engine-contract.ts'
import { PailError } from '../../shared/errors.ts'
import { folderCalls } from '../../shared/folder-roles.ts'
import type { JunkView } from '../../shared/junk.ts'
import { keepingCalls } from '../../shared/keeping-contract.ts'
import type { MountView, StatusView } from '../../shared/model.ts'
import { syncView } from './sync-view.ts'

const NONE = { total: 0, entries: [] }
const UPLOAD_MS = 1_000
const WATCH_MS = 50

type FakeMount = { view: MountView; uploadedMs: number }

const ROOM: CacheView = {
  ...{ cachedBytes: 3_000_000, limitBytes: 20_000_000_000, pinnedBytes: 0, pendingBytes: 0 },
  disk: { freeBytes: 90_000_000_000, totalBytes: 500_000_000_000, floorBytes: 50_000_000_000 },
}

export class FakeEngine implements Engine {
  readonly handlers: EngineHandlers
  readonly #options: EngineOptions
  readonly #mounts = new Map<string, FakeMount>()
  readonly #listeners = new Set<(status: StatusView) => void>()
  readonly #startedMs: number
  #junk: JunkView = { patterns: ['.DS_Store'], defaults: ['.DS_Store'], localItems: 0 }
  #isClosed = false

  constructor(options: EngineOptions) {
    this.#options = options
    this.#startedMs = options.clock.nowMs()
    this.handlers = {
      ...refusedCalls(),
      'engine/status': async () => this.#status(),
      'mounts/start': (input) => this.#start(input),
      'mounts/holders': async () => ({ holders: [], isComplete: true, ...this.#pending() }),
      'uploads/foreign': async () => ({ uploads: [], count: 0 }),
      'uploads/abort': async () => ({ aborted: 0 }),
      'junk/get': async () => this.#junk,
      'junk/set': async ({ patterns }) => {
        this.#junk = { ...this.#junk, patterns }
        return this.#junk
      },
      'cache/get': async () => ROOM,
      'cache/set': async ({ limitBytes }) => ({ ...ROOM, limitBytes }),
      'cache/free': async () => ({ ...ROOM, cachedBytes: 0 }),
      'archive/restore': async ({ paths }) => ({
        ...{ asked: paths.length, restoring: 0, readable: 0 },
        wait: 'up to 12 h',
      }),
      'archive/list': async () => [],
      'hints/dismiss': async () => ({}),
      'deletes/answer': async () => ({ count: 0 }),
      'connections/renew': async () => ({ buckets: 0 }),
      'mounts/stop': async ({ dir }) => this.#stop(dir),
      'uploads/flush': (input) => this.#flush(input.timeoutMs),
      'files/state': async ({ paths }) => ({
        states: paths.map((path) => ({ kind: 'unknown', path, code: 'vfs/not-found' })),
      }),
      'queue/list': async () => NONE,
      'attention/list': async () => NONE,
      'conflicts/list': async () => NONE,
      'conflicts/resolve': async () => ({}),
      'recent/list': async () => NONE,
      'uploads/retry': async () => syncView().counts,
      'uploads/pause': async () => ({}),
      'uploads/resume': async () => ({}),
      'engine/check': async () => ({ problems: [] }),
      'wait/glob': async () => ({ matches: [], requests: 0 }),
      'buckets/list': async () => [{ name: 'demo' }],
      'buckets/probe': async () => ({ canList: true }),
      'engine/shutdown': async () => ({ pendingFiles: 0 }),
    }
    this.#watch()
  }

  onDidChangeStatus(listener: (status: StatusView) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  onDidTell(): () => void {
    return () => {}
  }

  async close(): Promise<{ pendingFiles: number }> {
    this.#isClosed = true
    this.#options.log.write('info', 'fake/closed', {})
    return { pendingFiles: this.#pending().pendingFiles }
  }

  async #start(input: EngineParsed<'mounts/start'>): Promise<MountView> {
    this.#options.log.write('info', 'fake/start', { input })
    if (input.bucket === 'missing') {
      throw new PailError('s3/no-bucket', 'unknown', { bucket: input.bucket })
    }
    if (input.bucket === 'defect') setImmediate(() => this.#fail(input.credentials.secretAccessKey))
    if (this.#mounts.has(input.dir)) {
      throw new PailError('mount/already-mounted', 'twice', { dir: input.dir })
    }
    const view: MountView = {
      dir: input.dir,
      bucket: input.bucket,
      prefix: input.subpath === '' ? '' : `${input.subpath}/`,
      endpointUrl: input.endpoint.url,
      readOnly: input.readOnly,
      state: 'mounted',
      pendingFiles: 0,
      pendingBytes: 0,
      renamedItems: 0,
      errors: [],
    }
    const uploadedMs = this.#options.clock.monotonicMs() + UPLOAD_MS
    this.#mounts.set(input.dir, { view, uploadedMs })
    this.#tell()
    return this.#view(input.dir)
  }

  #stop(dir: string): MountView {
    const mount = this.#mounts.get(dir)
    if (!mount || mount.view.state === 'stopped') {
      throw new PailError('mount/not-mounted', 'not mounted', { dir })
    }
    mount.view = { ...mount.view, state: 'stopped' }
    const view = this.#view(dir)
    if (view.pendingFiles === 0) this.#mounts.delete(dir)
    this.#tell()
    return view
  }

  async #flush(timeoutMs = Number.POSITIVE_INFINITY) {
    const { clock } = this.#options
    const startMs = clock.monotonicMs()
    while (this.#pending().pendingFiles > 0 && clock.monotonicMs() - startMs < timeoutMs) {
      await clock.sleep(WATCH_MS)
    }
    return this.#pending()
  }

  #watch(): void {
    if (this.#isClosed) return
    this.#options.clock.after(WATCH_MS, () => this.#watch())
    if (!existsSync(join(this.#options.dataDir, 'gone'))) return
    for (const mount of this.#mounts.values()) mount.view = { ...mount.view, state: 'stopped' }
    this.#tell()
  }

  #view(dir: string): MountView {
    const mount = this.#mounts.get(dir)
    if (!mount) throw new PailError('mount/not-mounted', 'not mounted', { dir })
    const { bucket } = mount.view
    const isUploading = bucket === 'slow' && this.#options.clock.monotonicMs() < mount.uploadedMs
    if (isUploading) return { ...mount.view, pendingFiles: 2, pendingBytes: 3_000_000 }
    if (bucket === 'stuck') return { ...mount.view, pendingFiles: 1, pendingBytes: 10 }
    return mount.view
  }

  #pending() {
    const views = [...this.#mounts.keys()].map((dir) => this.#view(dir))
    return {
      pendingFiles: views.reduce((sum, view) => sum + view.pendingFiles, 0),
      pendingBytes: views.reduce((sum, view) => sum + view.pendingBytes, 0),
    }
  }

  #status(): StatusView {
    return {
      engine: {
        pid: process.pid,
        version: this.#options.version,
        startedMs: this.#startedMs,
        dataDir: this.#options.dataDir,
        residentBytes: process.memoryUsage().rss,
      },
      mounts: [...this.#mounts.keys()]
        .map((dir) => this.#view(dir))
        .filter((view) => view.state !== 'stopped' || view.pendingFiles > 0),
      sync: syncView(),
    }
  }

  #tell(): void {
    for (const listener of this.#listeners) listener(this.#status())
  }

  #fail(secret: string): never {
    throw new Error(`defect while signing with ${secret}`)
  }
}

export async function createEngine(options: EngineOptions): Promise<Engine> {
  return new FakeEngine(options)
}

/** Calls that need a tree, which this engine has not. */
function refusedCalls() {
  const refuse = async (): Promise<never> => {
    throw new PailError('input/invalid', 'the fake engine keeps nothing')
  }
  const calls = { ...folderCalls, ...keepingCalls }
  const names = Object.keys(calls) as Array<keyof typeof calls>
  return Object.fromEntries(names.map((name) => [name, refuse])) as Record<
    keyof typeof calls,
    typeof refuse
  >
}
