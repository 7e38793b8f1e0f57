/**
 * The engine without kernel, network and real disk time: a tree, its uploads and one mount's file
 * system over an in-memory bucket, on an injected clock. For models and simulated crashes.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Random } from '../../engine/base/clock.ts'
import { silentLog } from '../../engine/base/log.ts'
import { findRoot } from '../../engine/mounts/mount-root.ts'
import { recover } from '../../engine/mounts/recovery.ts'
import { type Stores, Volume } from '../../engine/mounts/volume.ts'
import type { ObjectStore } from '../../engine/s3/object-store.ts'
import { BlockCache } from '../../engine/store/block-cache.ts'
import { Database } from '../../engine/store/database.ts'
import { Journal } from '../../engine/store/journal.ts'
import { Nodes } from '../../engine/store/nodes.ts'
import { StagingArea } from '../../engine/store/staging.ts'
import { Fetcher } from '../../engine/sync/fetcher.ts'
import { UploadBuffers } from '../../engine/sync/upload-buffers.ts'
import { MountVfs } from '../../engine/vfs/mount-vfs.ts'
import type { Context } from '../../engine/vfs/vfs.ts'
import type { FakeClock } from './fake-clock.ts'
import { MemoryDisk } from './memory-disk.ts'

export type BareOptions = {
  readonly store: ObjectStore
  readonly clock: FakeClock
  readonly random: Random
  readonly prefix?: string
  readonly log?: Stores['log']
}

export class BareEngine {
  readonly vfs: MountVfs
  readonly volume: Volume
  readonly disk: MemoryDisk
  readonly #options: BareOptions
  readonly #stores: Stores
  readonly #folder: string

  private constructor(
    options: BareOptions,
    folder: string,
    disk: MemoryDisk,
    stores: Stores,
    volume: Volume,
    root: number,
  ) {
    this.#options = options
    this.#folder = folder
    this.disk = disk
    this.#stores = stores
    this.volume = volume
    this.vfs = new MountVfs({
      tree: volume.tree,
      listings: volume.listings,
      contents: volume.contents,
      clock: options.clock,
      root,
      isReadOnly: false,
      origin: 'test',
      epoch: 1n,
      space: () => stores.staging.space(),
    })
  }

  static start(options: BareOptions): Promise<BareEngine> {
    const folder = mkdtempSync(join(tmpdir(), 'pail-bare-'))
    return BareEngine.#open(options, folder, new MemoryDisk())
  }

  static async #open(options: BareOptions, folder: string, disk: MemoryDisk): Promise<BareEngine> {
    const { clock, random, store } = options
    const log = options.log ?? silentLog
    const database = Database.open(join(folder, 'pail.db'))
    const nodes = new Nodes(database)
    const journal = new Journal(database)
    const staging = await StagingArea.open({ disk, folder: '/staging', database, random, log })
    await recover({ database, nodes, journal, staging, clock, log })
    const limits = { cacheBytesMax: 1_000_000_000, freeBytesMin: 0 }
    const cache = await BlockCache.open({ disk, database, folder: '/cache', clock, log, limits })
    let volume: Volume | undefined
    const requestsOf = () => {
      if (!volume) throw new Error('no volume yet')
      return volume.requests
    }
    const fetcher = new Fetcher({ cache, storeOf: () => store, requestsOf, clock, log })
    const stores: Stores = {
      database,
      nodes,
      journal,
      staging,
      cache,
      fetcher,
      buffers: new UploadBuffers(),
      clock,
      random,
      log,
      host: 'host',
      owner: { uid: 1000, gid: 1000 },
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
      () => {},
    )
    volume = made
    const root = await clock.until(findRoot(stores, made, prefix))
    return new BareEngine(options, folder, disk, stores, made, root)
  }

  context(signal = new AbortController().signal): Context {
    return { uid: 1000, gid: 1000, pid: 1, signal, front: 'internal' }
  }

  /** Everything that was written so far goes to the bucket, or says why not. */
  flush(timeoutMs = 600_000) {
    const aborted = new AbortController()
    const cancel = this.#options.clock.after(timeoutMs, () => aborted.abort())
    return this.#options.clock.until(this.volume.syncer.flush('', aborted.signal)).finally(cancel)
  }

  /** The process is killed: what its page cache holds stays, what was only in memory is gone. */
  async killed(): Promise<BareEngine> {
    const folder = mkdtempSync(join(tmpdir(), 'pail-bare-'))
    cpSync(this.#folder, folder, { recursive: true })
    const disk = this.disk.killed()
    await this.#abandon()
    return BareEngine.#open(this.#options, folder, disk)
  }

  async close(): Promise<void> {
    await this.#abandon()
  }

  async #abandon(): Promise<void> {
    await this.#options.clock.until(this.volume.close())
    await this.#options.clock.until(this.#stores.cache.close())
    this.#stores.database.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
