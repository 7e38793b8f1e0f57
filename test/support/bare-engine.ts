/**
 * The engine without kernel, network and real disk time: a tree, its uploads and one mount's file
 * system over an in-memory bucket, on an injected clock. For models and simulated crashes.
 */
import { cpSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Random } from '../../engine/base/clock.ts'
import { silentLog } from '../../engine/base/log.ts'
import { findRoot } from '../../engine/mounts/mount-root.ts'
import { SyncLists } from '../../engine/mounts/sync-lists.ts'
import { checkAndRecover } from '../../engine/mounts/trust-check.ts'
import { type Stores, Volume } from '../../engine/mounts/volume.ts'
import type { ObjectFacts, ObjectStore } from '../../engine/s3/object-store.ts'
import { BlockCache } from '../../engine/store/block-cache.ts'
import { Conflicts } from '../../engine/store/conflicts.ts'
import { Database } from '../../engine/store/database.ts'
import { FolderRoles } from '../../engine/store/folder-roles.ts'
import { Journal } from '../../engine/store/journal.ts'
import { Nodes } from '../../engine/store/nodes.ts'
import { Recent } from '../../engine/store/recent.ts'
import { StagingArea } from '../../engine/store/staging.ts'
import type { ObjectVersion } from '../../engine/sync/content.ts'
import { Fetcher } from '../../engine/sync/fetcher.ts'
import { JunkList } from '../../engine/sync/junk-list.ts'
import { learn } from '../../engine/sync/learn.ts'
import type { Received } from '../../engine/sync/receive-folders.ts'
import { RequestLedgers } from '../../engine/sync/request-ledger.ts'
import { UploadBuffers } from '../../engine/sync/upload-buffers.ts'
import { MountVfs } from '../../engine/vfs/mount-vfs.ts'
import type { Context } from '../../engine/vfs/vfs.ts'
import { cutDatabase } from './cut-database.ts'
import type { FakeClock } from './fake-clock.ts'
import { MemoryDisk } from './memory-disk.ts'

export type BareOptions = {
  readonly store: ObjectStore
  readonly clock: FakeClock
  readonly random: Random
  readonly prefix?: string
  readonly asksBeforeMassDeletion?: boolean
  readonly log?: Stores['log']
  /** Names this computer in conflict copies; `host` when absent. */
  readonly host?: string
  readonly onDidReceive?: (received: Received) => void
  readonly owner?: Stores['owner']
  readonly attributes?: 'listing' | 'all'
}

/** What a stopped engine leaves behind: its database, its disk, and how much of the WAL is safe. */
export type Remains = {
  readonly folder: string
  readonly disk: MemoryDisk
  readonly walSyncedBytes: number
  /** false: the computer was off in between, and what the page cache held is gone. */
  readonly isSameBoot?: boolean
}

const DATABASE = 'pail.db'
/** Low, so that histories of short files also have files that grow out of the database. */
const INLINE_BYTES_MAX = 1000

export class BareEngine {
  readonly vfs: MountVfs
  readonly volume: Volume
  readonly disk: MemoryDisk
  readonly #options: BareOptions
  readonly #stores: Stores
  readonly #folder: string
  readonly #wal: SyncedWal

  private constructor(
    options: BareOptions,
    { folder, disk }: Remains,
    parts: { stores: Stores; volume: Volume; root: number; wal: SyncedWal },
  ) {
    const { stores, volume, root, wal } = parts
    this.#options = options
    this.#folder = folder
    this.disk = disk
    this.#stores = stores
    this.volume = volume
    this.#wal = wal
    this.vfs = new MountVfs({
      tree: volume.tree,
      listings: volume.listings,
      contents: volume.contents,
      clock: options.clock,
      root,
      isReadOnly: false,
      asksBeforeMassDeletion: options.asksBeforeMassDeletion === true,
      origin: 'test',
      epoch: 1n,
      // So that histories of small files have copies inside the bucket as well.
      lentBytesMin: 4096,
      isOnline: () => volume.connectivity.isOnline,
      space: () => stores.staging.space(),
      attributes: volume.attributes,
      wantsAllAttributes: options.attributes === 'all',
      mayWrite: () => !stores.database.trust.isEnded,
    })
  }

  static start(options: BareOptions): Promise<BareEngine> {
    const folder = mkdtempSync(join(tmpdir(), 'pail-bare-'))
    return BareEngine.resume(options, { folder, disk: new MemoryDisk(), walSyncedBytes: 0 })
  }

  /** Starts an engine on what another one left behind; the remains are its own from then on. */
  static async resume(options: BareOptions, remains: Remains): Promise<BareEngine> {
    const { clock, random, store } = options
    const { folder, disk } = remains
    const log = options.log ?? silentLog
    const database = Database.open(join(folder, DATABASE), clock)
    // Before anything runs: jobs of the engine before sync while the root is still looked for.
    const wal = new SyncedWal(database, folder, remains.walSyncedBytes)
    database.sync = async () => wal.sync()
    const nodes = new Nodes(database)
    const journal = new Journal(database)
    const staging = await StagingArea.open({
      disk,
      folder: '/staging',
      database,
      random,
      log,
      inlineBytesMax: INLINE_BYTES_MAX,
    })
    const { isSameBoot = true } = remains
    await checkAndRecover({ database, nodes, journal, staging, clock, log, isSameBoot })
    const limits = { cacheBytesMax: 1_000_000_000, freeBytesMin: 0 }
    const cache = await BlockCache.open({ disk, database, folder: '/cache', clock, log, limits })
    let volume: Volume | undefined
    const requestsOf = () => {
      if (!volume) throw new Error('no volume yet')
      return volume.requests
    }
    const onFacts = (version: ObjectVersion, facts: ObjectFacts) => {
      if (volume) learn(volume.tree, version, facts)
    }
    const fetcher = new Fetcher({ cache, storeOf: () => store, requestsOf, onFacts, clock, log })
    const stores: Stores = {
      database,
      nodes,
      journal,
      roles: new FolderRoles(database),
      conflicts: new Conflicts(database),
      recent: new Recent(database),
      staging,
      cache,
      fetcher,
      buffers: new UploadBuffers(),
      junk: new JunkList(database),
      ledgers: new RequestLedgers(database, clock),
      clock,
      random,
      log,
      host: options.host ?? 'host',
      owner: options.owner ?? { uid: 1000, gid: 1000 },
    }
    const prefix = options.prefix ?? ''
    const made = new Volume(
      stores,
      {
        endpoint: { url: 'http://127.0.0.1:1', region: 'r', virtualHosted: false },
        credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
        bucket: 'bucket',
        prefix,
        store,
      },
      { onDidChange: () => {}, onDidReceive: options.onDidReceive ?? (() => {}) },
    )
    volume = made
    const root = await clock.until(findRoot(stores, made, prefix))
    return new BareEngine(options, remains, { stores, volume: made, root, wal })
  }

  get stores(): Stores {
    return this.#stores
  }

  context(signal = new AbortController().signal): Context {
    return { uid: 1000, gid: 1000, pid: 1, signal, front: 'internal' }
  }

  /** What a person is shown. */
  get lists(): SyncLists {
    const { volume } = this
    const volumes = new Map([[volume.id, volume]])
    return new SyncLists({ stores: this.#stores, volumes, isPaused: () => false })
  }

  /** Everything that was written so far goes to the bucket, or says why not. */
  flush(timeoutMs = 600_000) {
    const aborted = new AbortController()
    const cancel = this.#options.clock.after(timeoutMs, () => aborted.abort())
    return this.#options.clock.until(this.volume.syncer.flush('', aborted.signal)).finally(cancel)
  }

  /** The process is killed: what its page cache holds stays, what was only in memory is gone. */
  async killed(changes: Partial<BareOptions> = {}): Promise<BareEngine> {
    const remains = this.remainsOfKill()
    await this.close()
    return BareEngine.resume({ ...this.#options, ...changes }, remains)
  }

  /** Power goes: of what was not synced, any part may be left, in any order. */
  async cut(random: Random, changes: Partial<BareOptions> = {}): Promise<BareEngine> {
    const remains = this.remainsOfCut(random)
    await this.close()
    return BareEngine.resume({ ...this.#options, ...changes }, remains)
  }

  /** At this very moment, without a turn of the loop. The disk is dead for this engine from now on. */
  remainsOfKill(): Remains {
    const folder = mkdtempSync(join(tmpdir(), 'pail-bare-'))
    cpSync(this.#folder, folder, { recursive: true })
    return { folder, disk: this.disk.killed(), walSyncedBytes: this.#wal.syncedBytes }
  }

  /** As `remainsOfKill`, for lost power. */
  remainsOfCut(random: Random): Remains {
    const { folder, disk, walSyncedBytes } = this.remainsOfKill()
    const keptBytes = cutDatabase(join(folder, DATABASE), walSyncedBytes, random)
    return { folder, disk: disk.cut(random), walSyncedBytes: keptBytes, isSameBoot: false }
  }

  async close(): Promise<void> {
    await this.#options.clock.until(this.volume.close())
    await this.#options.clock.until(this.#stores.cache.close())
    this.#stores.database.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/**
 * The promise of `Database.sync` without a real disk's time, which would make histories differ:
 * what was written before the call survives lost power.
 */
class SyncedWal {
  readonly #database: Database
  readonly #folder: string
  #syncedBytes: number

  constructor(database: Database, folder: string, syncedBytes: number) {
    this.#database = database
    this.#folder = folder
    this.#syncedBytes = syncedBytes
  }

  get syncedBytes(): number {
    return this.#syncedBytes
  }

  sync(): void {
    this.#database.writeNow(() => {})
    this.#syncedBytes = statSync(join(this.#folder, `${DATABASE}-wal`)).size
  }
}
