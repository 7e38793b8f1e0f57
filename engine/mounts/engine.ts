/**
 * The engine behind its API: all mounts of one data folder.
 *
 * Owns:  the stores, the volumes and the mounts, and the order in which they close.
 * Runs in: engine process. Never: keeps a secret longer than the volume that needs it.
 */
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { EngineHandlers, EngineNews, EngineParsed } from '../../shared/engine-contract.ts'
import { PailError } from '../../shared/errors.ts'
import type { MountView, StatusView } from '../../shared/model.ts'
import type { SyncView } from '../../shared/sync-model.ts'
import { type HoldersView, holdersSentence } from '../../shared/unmounting.ts'
import { present } from '../base/assert.ts'
import { RealDisk } from '../base/disk.ts'
import { normalizeSubpath } from '../s3/keys.ts'
import { BlockCache } from '../store/block-cache.ts'
import { storedCacheLimitBytes } from '../store/cache-limit.ts'
import { Conflicts } from '../store/conflicts.ts'
import { Database } from '../store/database.ts'
import { FolderRoles } from '../store/folder-roles.ts'
import { Journal } from '../store/journal.ts'
import { MountPoints } from '../store/mount-points.ts'
import { Nodes } from '../store/nodes.ts'
import { type Pending, pendingFigures, sumOfPending } from '../store/pending.ts'
import { Recent } from '../store/recent.ts'
import { StagingArea } from '../store/staging.ts'
import { Fetcher } from '../sync/fetcher.ts'
import { JunkList } from '../sync/junk-list.ts'
import { learn } from '../sync/learn.ts'
import { RequestLedgers } from '../sync/request-ledger.ts'
import { UploadBuffers } from '../sync/upload-buffers.ts'
import { isSameBootAsBefore } from './boot.ts'
import { cacheHandlers } from './cache-calls.ts'
import type { Engine, EngineOptions } from './engine-api.ts'
import { findHolders } from './holders.ts'
import { hygieneHandlers } from './hygiene-handlers.ts'
import { junkHandlers } from './junk-calls.ts'
import { Keeping } from './keeping.ts'
import { MountFolders } from './mount-folders.ts'
import { cleanStaleMount, realMountPath } from './mount-point.ts'
import { RealMountPointSystem } from './mount-point-system.ts'
import { MountSession } from './mount-session.ts'
import { MountedPaths } from './mounted-paths.ts'
import { PauseSwitch } from './pause-switch.ts'
import { RoleHandlers } from './role-handlers.ts'
import { StatusFeed } from './status-feed.ts'
import { SyncCalls } from './sync-calls.ts'
import { checkAndRecover, watchTrust } from './trust-check.ts'
import { type Stores, Volume } from './volume.ts'
import { networkAddresses, WakeWatch } from './wake-watch.ts'
import { withService } from './with-service.ts'

/** Mounts of one engine at once. */
const MOUNTS_MAX = 64
/** `mounts/start` of one folder at a time. */
type Starting = Map<string, Promise<MountView>>

export async function createEngine(options: EngineOptions): Promise<Engine> {
  const { dataDir, clock, log, random } = options
  const disk = new RealDisk()
  const database = Database.open(join(dataDir, 'pail.db'), clock)
  const nodes = new Nodes(database)
  const journal = new Journal(database)
  const folder = join(dataDir, 'staging')
  let cache: BlockCache | undefined
  const makeRoom = (bytes: number) => makeRoomIn(cache, bytes)
  const staging = await StagingArea.open({ disk, folder, database, random, log, makeRoom })
  const isSameBoot = await isSameBootAsBefore(database)
  await checkAndRecover({ database, nodes, journal, staging, clock, log, isSameBoot })
  const opened = await BlockCache.open({
    disk,
    database,
    folder: join(dataDir, 'cache'),
    clock,
    log,
    limits: { cacheBytesMax: storedCacheLimitBytes(database) },
  })
  cache = opened
  const volumes = new Map<number, Volume>()
  const volumeOf = (id: number) => present(volumes.get(id), `volume ${id}`)
  const fetcher = new Fetcher({
    cache: opened,
    storeOf: (id) => volumeOf(id).store,
    requestsOf: (id) => volumeOf(id).requests,
    onDamaged: (version) => volumes.get(version.volume)?.tree.noteDamaged(version),
    onFacts: (version, facts) => learn(volumeOf(version.volume).tree, version, facts),
    clock,
    log,
  })
  const stores: Stores = {
    database,
    nodes,
    journal,
    roles: new FolderRoles(database),
    conflicts: new Conflicts(database),
    recent: new Recent(database),
    junk: new JunkList(database),
    staging,
    cache: opened,
    fetcher,
    buffers: new UploadBuffers(),
    ledgers: new RequestLedgers(database, clock),
    clock,
    random,
    log,
    host: hostname().split('.')[0] ?? 'computer',
    owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
  }
  return new MountEngine(options, stores, volumes)
}

/** Cached blocks give way to what programs write. Whether the disk has room is staging's to check. */
async function makeRoomIn(cache: BlockCache | undefined, bytes: number): Promise<void> {
  try {
    const room = await cache?.reserve(bytes, 'staging')
    room?.release()
  } catch (thrown) {
    if (PailError.from(thrown).code !== 'store/cache-full') throw thrown
  }
}

class MountEngine implements Engine {
  readonly handlers: EngineHandlers
  readonly #options: EngineOptions
  readonly #stores: Stores
  readonly #volumes: Map<number, Volume>
  readonly #sessions = new Map<string, MountSession>()
  readonly #starting: Starting = new Map()
  readonly #system: RealMountPointSystem
  readonly #folders: MountFolders
  readonly #feed: StatusFeed
  readonly #pauseSwitch: PauseSwitch
  readonly #sync: SyncCalls
  readonly #closing = new AbortController()
  #lastSync: SyncView | undefined
  readonly #startedMs: number
  readonly #epoch: bigint
  readonly #keeping: Keeping
  readonly #roles: RoleHandlers
  readonly #wakeWatch: WakeWatch
  readonly #news = new Set<(news: EngineNews) => void>()
  #originCount = 0
  #isClosing = false

  constructor(options: EngineOptions, stores: Stores, volumes: Map<number, Volume>) {
    this.#options = options
    this.#stores = stores
    this.#volumes = volumes
    this.#system = new RealMountPointSystem(options.clock)
    this.#folders = new MountFolders({
      ...options,
      system: this.#system,
      mountPoints: new MountPoints(stores.database),
    })
    this.#startedMs = options.clock.nowMs()
    this.#epoch = BigInt(`0x${options.random.hex(8)}`)
    this.#feed = new StatusFeed(options.clock, () => this.#status())
    this.#roles = new RoleHandlers({
      roles: stores.roles,
      sessions: () => this.#sessions.values(),
      tell: (news) => this.#tell(news),
      onDidChange: () => this.#feed.change(),
    })
    this.#wakeWatch = new WakeWatch({
      clock: options.clock,
      log: options.log,
      addresses: networkAddresses,
      onDidWake: () => this.#keeping.resumed(),
    })
    this.#keeping = new Keeping({
      stores,
      sessions: () => this.#sessions.values(),
      tell: (news) => this.#tell(news),
      onDidChange: () => this.#feed.change(),
    })
    watchTrust(stores, () => this.#feed.change())
    this.#pauseSwitch = new PauseSwitch(stores.database, () => volumes.values())
    this.#sync = new SyncCalls({
      stores,
      volumes,
      paths: new MountedPaths(this.#system, () => this.#sessions.values()),
      pauseSwitch: this.#pauseSwitch,
      isWorkingOffline: () => this.#keeping.isWorkingOffline,
      onDidChange: () => this.#feed.change(),
      signal: this.#closing.signal,
    })
    this.handlers = {
      ...this.#roles.handlers,
      ...this.#keeping.handlers,
      ...hygieneHandlers((dir) => this.#session(dir)),
      ...this.#sync.handlers,
      ...junkHandlers(stores, volumes),
      ...cacheHandlers(stores, () => this.#syncView().counts.pendingBytes),
      'engine/status': async () => this.#status(),
      'mounts/start': (input) => this.#start(input),
      'connections/renew': (input) => this.#renew(input),
      'mounts/stop': (input) => this.#stop(input),
      'mounts/holders': (input) => this.#holders(input),
      'uploads/flush': (input) => this.#flush(input),
      'buckets/list': (input) => this.#listBuckets(input),
      'buckets/probe': (input) => this.#probeBucket(input),
      'engine/shutdown': async () => this.close({ force: true }),
    }
  }

  onDidChangeStatus(listener: (status: StatusView) => void): () => void {
    return this.#feed.subscribe(listener)
  }

  onDidTell(listener: (news: EngineNews) => void): () => void {
    this.#news.add(listener)
    return () => this.#news.delete(listener)
  }

  #tell(news: EngineNews): void {
    for (const listener of this.#news) listener(news)
  }

  async close(options: { readonly force: boolean }): Promise<{ readonly pendingFiles: number }> {
    for (const session of this.#sessions.values()) {
      await session.stop(options.force, { isEngineEnding: true })
    }
    const pendingFiles = this.#pendingFiles()
    if (this.#isClosing) return { pendingFiles }
    this.#lastSync = this.#sync.view()
    this.#isClosing = true
    this.#wakeWatch.close()
    this.#closing.abort(new PailError('engine/stopped', 'closing'))
    this.#feed.close()
    for (const volume of this.#volumes.values()) await volume.close()
    await this.#stores.cache.close()
    this.#stores.ledgers.save()
    this.#stores.database.close()
    return { pendingFiles }
  }

  #pendingFiles(): number {
    return this.#pendingInAll().files
  }

  #pendingInAll(): Pending {
    const { journal, roles } = this.#stores
    const journaled = journal.pendingInAll()
    return { ...journaled, files: journaled.files + roles.openBatches() }
  }

  #status(): StatusView {
    const { clock: _, ...options } = this.#options
    return {
      engine: {
        pid: process.pid,
        version: options.version,
        startedMs: this.#startedMs,
        dataDir: options.dataDir,
        residentBytes: process.memoryUsage.rss(),
      },
      mounts: this.#isClosing ? [] : this.#views(),
      ...(this.#isClosing ? {} : this.#keeping.view()),
      sync: this.#syncView(),
    }
  }

  /** With the database closed, things are as they were last. */
  #syncView(): SyncView {
    if (!this.#isClosing || !this.#lastSync) this.#lastSync = this.#sync.view()
    return this.#lastSync
  }

  /** A folder that is not mounted any more is shown while something of it waits for upload. */
  #views(): MountView[] {
    return [...this.#sessions.values()]
      .map((session) => session.view())
      .filter((view) => view.state !== 'stopped' || view.pendingFiles > 0)
  }

  #start(input: EngineParsed<'mounts/start'>): Promise<MountView> {
    const starting = this.#starting.get(input.dir)
    if (starting)
      throw new PailError('mount/already-mounted', 'is being mounted', { dir: input.dir })
    const started = this.#startOne(input).finally(() => this.#starting.delete(input.dir))
    this.#starting.set(input.dir, started)
    return started
  }

  async #startOne(input: EngineParsed<'mounts/start'>): Promise<MountView> {
    if (this.#sessions.size + this.#starting.size >= MOUNTS_MAX) {
      throw new PailError('mount/refused', `${MOUNTS_MAX} folders are mounted already`)
    }
    const prefix = normalizeSubpath(input.subpath)
    const renewed = await this.#renewMounted(input, prefix)
    if (renewed) return renewed
    const prepared = await this.#folders.prepare(input)
    const { dir, found } = prepared
    const volume = await this.#volumeFor(input, prefix)
    const folder = await this.#folders.cover(prepared)
    const session = new MountSession({
      stores: this.#stores,
      volume,
      request: input,
      dir,
      folder,
      ...(found ? { found } : {}),
      epoch: this.#epoch,
      origin: `mount-${++this.#originCount}`,
      stateOf: (row) => this.#sync.pathState(volume, row, row.name),
      onDidChange: () => this.#feed.change(),
      onDidHint: (hint) => this.#tell({ event: 'hints/raised', value: { dir, ...hint } }),
      onDidMiss: (path, missed) => this.#keeping.noteUnavailable(volume, path, missed),
    })
    try {
      await session.start()
    } catch (thrown) {
      await folder.failed()
      await this.#closeIfUnused(volume)
      throw thrown
    }
    this.#sessions.set(dir, session)
    await folder.mounted()
    session.ended.then(() => {
      this.#feed.change()
      if (session.endedByItself) this.#remount(input)
    })
    return session.view()
  }

  /**
   * The kernel's side of a mount broke off under us: programs get nothing but ENOTCONN from it until
   * it is taken away. A folder that somebody unmounted is not dead, and is left alone.
   */
  #remount(input: EngineParsed<'mounts/start'>): void {
    if (this.#isClosing) return
    const { log } = this.#options
    const again = async () => {
      if (!(await cleanStaleMount(input.dir, this.#system))) return
      log.write('warn', 'mount/was-dead', { dir: input.dir })
      await this.#start(input)
    }
    again().catch((thrown) => {
      log.write('error', 'mount/not-mounted-again', { code: PailError.from(thrown).code })
    })
  }

  /** The volume of a bucket is made once; keys given later replace those of an unused one. */
  async #volumeFor(input: EngineParsed<'mounts/start'>, prefix: string): Promise<Volume> {
    const known = [...this.#volumes.values()].find(
      (volume) => volume.bucket === input.bucket && volume.endpointUrl === input.endpoint.url,
    )
    if (known) {
      if (this.#mountsOf(known).length > 0) {
        await this.#checkKeys(input, prefix)
        if (known.hasOtherKeys(input.credentials)) known.renew(input.credentials)
        return known
      }
      await this.#closeVolume(known)
    }
    const volume = new Volume(
      this.#stores,
      { ...input, prefix },
      {
        onDidChange: () => this.#feed.change(),
        onDidReceive: (received) => this.#roles.noteReceived(volume, received),
        onDidRestore: (ids) => this.#keeping.noteRestored(volume, ids),
        onDidArrive: (arrived) => this.#keeping.noteArrived(volume, arrived),
      },
    )
    this.#pauseSwitch.apply(volume)
    this.#volumes.set(volume.id, volume)
    if (this.#keeping.isWorkingOffline) volume.connectivity.workOffline(true)
    return volume
  }

  /** The folder shows this bucket already: other keys take the place of those it was mounted with. */
  async #renewMounted(
    input: EngineParsed<'mounts/start'>,
    prefix: string,
  ): Promise<MountView | undefined> {
    const session = this.#sessions.get(input.dir)
    if (session?.life !== 'mounted' || session.prefix !== prefix) return undefined
    const { volume } = session
    const isSame = volume.bucket === input.bucket && volume.endpointUrl === input.endpoint.url
    if (!isSame || !volume.hasOtherKeys(input.credentials)) return undefined
    await this.#checkKeys(input, prefix)
    volume.renew(input.credentials)
    return session.view()
  }

  async #renew(input: EngineParsed<'connections/renew'>): Promise<{ buckets: number }> {
    const { endpoint, credentials, replaces } = input
    const meant = [...this.#volumes.values()].filter(
      (volume) => volume.endpointUrl === endpoint.url && volume.accessKeyId === replaces,
    )
    for (const { bucket, prefix } of meant) await this.#checkKeys({ ...input, bucket }, prefix)
    for (const volume of meant) volume.renew(credentials)
    return { buckets: meant.length }
  }

  /** The bucket is mounted already: keys that are given once more are refused when they are wrong. */
  async #checkKeys(
    input: EngineParsed<'buckets/list'> & { readonly bucket: string },
    prefix: string,
  ): Promise<void> {
    await withService(this.#options, input, async (service) => {
      await service.bucket(input.bucket).list({ prefix, keysMax: 1 })
    })
  }

  #mountsOf(volume: Volume): MountSession[] {
    return [...this.#sessions.values()].filter(
      (session) => session.volume === volume && session.life === 'mounted',
    )
  }

  /** Keys that were refused, and a volume that nothing is mounted from, are not kept. */
  async #closeIfUnused(volume: Volume): Promise<void> {
    const isUsed = [...this.#sessions.values()].some((session) => session.volume === volume)
    if (!isUsed) await this.#closeVolume(volume)
  }

  async #closeVolume(volume: Volume): Promise<void> {
    for (const [dir, session] of this.#sessions) {
      if (session.volume === volume) this.#sessions.delete(dir)
    }
    this.#volumes.delete(volume.id)
    await volume.close()
  }

  async #session(dir: string): Promise<MountSession> {
    const path = await realMountPath(dir, this.#system)
    const session = this.#sessions.get(path) ?? this.#sessions.get(dir)
    if (!session) throw new PailError('mount/not-mounted', dir, { dir })
    return session
  }

  async #stop(input: EngineParsed<'mounts/stop'>): Promise<MountView> {
    const session = await this.#session(input.dir)
    if (session.life !== 'mounted') throw new PailError('mount/not-mounted', input.dir)
    await session.stop(input.force).catch((thrown) => this.#nameHolders(session.dir, thrown))
    this.#feed.change()
    return session.view()
  }

  async #nameHolders(dir: string, thrown: unknown): Promise<never> {
    const error = PailError.from(thrown)
    if (error.code !== 'mount/busy') throw error
    const { holders } = await findHolders(dir, this.#options)
    if (holders.length === 0) throw error
    const programs = holdersSentence(holders)
    throw new PailError('mount/busy', programs, { dir, programs }, error)
  }

  async #holders(input: EngineParsed<'mounts/holders'>): Promise<HoldersView> {
    const session = await this.#session(input.dir)
    const { pendingFiles, pendingBytes } = session.view()
    const found = await findHolders(session.dir, this.#options)
    return { holders: [...found.holders], isComplete: found.isComplete, pendingFiles, pendingBytes }
  }

  async #flush(input: EngineParsed<'uploads/flush'>) {
    const signal =
      input.timeoutMs === undefined
        ? new AbortController().signal
        : AbortSignal.timeout(input.timeoutMs)
    const targets =
      input.dir === undefined
        ? [...this.#volumes.values()].map((volume) => ({ volume, prefix: '' }))
        : [await this.#session(input.dir)]
    // A person waits: whether the network is back is looked up now, not at the next probe.
    for (const { volume } of targets) {
      if (!volume.connectivity.isOnline) volume.connectivity.resumed()
    }
    const left = await Promise.all(
      targets.map(({ volume, prefix }) => volume.syncer.flush(prefix, signal)),
    )
    // Without a folder everything counts, also of buckets that nothing is mounted from now.
    const total = input.dir === undefined ? [this.#pendingInAll()] : left
    return pendingFigures(sumOfPending(total))
  }

  async #listBuckets(input: EngineParsed<'buckets/list'>) {
    return withService(this.#options, input, async (service) => [...(await service.listBuckets())])
  }

  async #probeBucket(input: EngineParsed<'buckets/probe'>) {
    const prefix = normalizeSubpath(input.subpath)
    return withService(this.#options, input, async (service) => {
      await service.bucket(input.bucket).list({ prefix, keysMax: 1 })
      return { canList: true }
    })
  }
}
