/**
 * The mounts a person wants: remembered, handed to the engine, brought back after its restart.
 *
 * Keeps: a mount that was asked for is in the settings before the engine hears of it; one that the
 *        engine refused the first time is taken out again.
 * Never: touches a path inside a mount, or keeps a secret longer than one call.
 */
import type { Clock } from '../engine/base/clock.ts'
import { PailError } from '../shared/errors.ts'
import type { MountView } from '../shared/model.ts'
import type { HoldersView } from '../shared/unmounting.ts'
import type { WindowParsed } from '../shared/window-contract.ts'
import type { Connections } from './connections.ts'
import type { EngineCaller } from './engine-link.ts'
import type { Folders } from './folders.ts'
import type { Settings, WantedMount } from './settings.ts'
import { restartDelayMs } from './supervisor.ts'

const WANTED_MOUNTS_MAX = 100

export type MountKeeperParts = {
  readonly settings: Settings
  readonly connections: Connections
  readonly engine: EngineCaller
  readonly folders: Folders
  readonly clock: Clock
  readonly onDidChange: () => void
}

export class MountKeeper {
  /** Why a wanted mount is not there, by its folder. */
  readonly faults = new Map<string, PailError>()
  readonly #parts: MountKeeperParts
  #restoring = new AbortController()

  constructor(parts: MountKeeperParts) {
    this.#parts = parts
  }

  async start(input: WindowParsed<'mounts/start'>): Promise<MountView> {
    const before = this.#find(input.dir)
    if (before === undefined) this.#parts.folders.assertPersonChose(input.dir)
    this.#remember({ ...input, isActive: true })
    this.#parts.connections.rememberBucket(input.connectionId, input.bucket)
    try {
      return await this.#mount({ ...input, isActive: true })
    } catch (thrown) {
      const error = PailError.from(thrown)
      if (before === undefined) this.#forget(input.dir)
      else this.faults.set(input.dir, error)
      throw error
    } finally {
      this.#parts.onDidChange()
    }
  }

  /** Unmounts; the row stays, and what is not yet uploaded stays with the engine. */
  async stop(input: WindowParsed<'mounts/stop'>): Promise<MountView> {
    const view = await this.#parts.engine.call('mounts/stop', input)
    const wanted = this.#find(input.dir)
    if (wanted !== undefined) this.#remember({ ...wanted, isActive: false })
    this.faults.delete(input.dir)
    this.#parts.onDidChange()
    return view
  }

  /** What stands in the way of unmounting. */
  holders(dir: string): Promise<HoldersView> {
    return this.#parts.engine.call('mounts/holders', { dir })
  }

  /** Takes a folder off the list; unmounts it first when it is mounted. */
  async remove(dir: string): Promise<void> {
    try {
      await this.#parts.engine.call('mounts/stop', { dir, force: false })
    } catch (thrown) {
      if (PailError.from(thrown).code !== 'mount/not-mounted') throw thrown
    }
    this.#forget(dir)
    this.#parts.onDidChange()
  }

  /** Asks a new engine for everything wanted; what waits for the network is asked for again. */
  async restore(): Promise<void> {
    this.#restoring.abort()
    this.#restoring = new AbortController()
    const { signal } = this.#restoring
    const active = this.#parts.settings.read().mounts.filter((mount) => mount.isActive)
    await Promise.all(active.map((mount) => this.#restoreOne(mount, signal)))
  }

  endRestoring(): void {
    this.#restoring.abort()
  }

  async #restoreOne(mount: WantedMount, signal: AbortSignal): Promise<void> {
    for (let attempt = 1; !signal.aborted && this.#find(mount.dir)?.isActive; attempt++) {
      const fault = await this.#mount(mount).then(() => undefined, PailError.from)
      // The folder of a mount that a shared engine already serves.
      if (fault === undefined || fault.code === 'mount/already-mounted') return
      if (signal.aborted || fault.code === 'engine/stopped') return
      this.faults.set(mount.dir, fault)
      this.#parts.onDidChange()
      if (fault.retry === 'never') return
      await this.#parts.clock.sleep(restartDelayMs(attempt), signal).catch(() => undefined)
    }
  }

  async #mount(mount: WantedMount): Promise<MountView> {
    const access = await this.#parts.connections.accessOf(mount.connectionId)
    const { bucket, subpath, dir, readOnly } = mount
    const createDir = this.#parts.folders.isDefaultPlace(dir)
    const asked = { ...access, bucket, subpath, dir, readOnly, createDir }
    const view = await this.#parts.engine.call('mounts/start', asked)
    this.faults.delete(dir)
    this.#parts.onDidChange()
    return view
  }

  #find(dir: string): WantedMount | undefined {
    return this.#parts.settings.read().mounts.find((mount) => mount.dir === dir)
  }

  #remember(wanted: WantedMount): void {
    const data = this.#parts.settings.read()
    const isKnown = data.mounts.some((mount) => mount.dir === wanted.dir)
    if (!isKnown && data.mounts.length >= WANTED_MOUNTS_MAX) {
      throw new PailError('input/invalid', `more than ${WANTED_MOUNTS_MAX} folders`)
    }
    const mounts = isKnown
      ? data.mounts.map((mount) => (mount.dir === wanted.dir ? wanted : mount))
      : [...data.mounts, wanted]
    this.#parts.settings.write({ ...data, mounts })
  }

  #forget(dir: string): void {
    const data = this.#parts.settings.read()
    this.faults.delete(dir)
    this.#parts.settings.write({ ...data, mounts: data.mounts.filter((m) => m.dir !== dir) })
  }
}
