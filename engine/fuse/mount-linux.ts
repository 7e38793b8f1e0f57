/**
 * One FUSE mount on Linux, from the kernel's INIT to its end by whatever means.
 *
 * Runs in: engine process. Never: touches a path inside the mount.
 */
import { PailError } from '../../shared/errors.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Change, Vfs } from '../vfs/vfs.ts'
import { BufferPool } from './buffer-pool.ts'
import { FuseDevice } from './device-linux.ts'
import { type DispatcherStats, FuseDispatcher } from './dispatcher.ts'
import { mountKernel, unmountKernel } from './kernel-mount.ts'
import { DescriptorPoller } from './poller.ts'
import { raiseReadAhead } from './read-ahead.ts'

export type FuseOptions = {
  readonly vfs: Vfs
  /** Absolute, exists, no symbolic links. */
  readonly dir: string
  /** Shown in the mount table, for instance `pail:bucket/subpath`. */
  readonly source: string
  readonly readOnly: boolean
  readonly log: Log
  readonly clock: Clock
  readonly allowOther?: boolean
  readonly entryTimeoutMs?: number
  readonly attrTimeoutMs?: number
  readonly negativeTimeoutMs?: number
}

export type FuseStats = DispatcherStats & FuseDevice['stats']

export interface FuseMount {
  /** The kernel and this process have agreed (INIT); from here on every request is answered. */
  readonly ready: Promise<void>
  /** Called once, after the last request and the last handle are done. Late callers too. */
  onDidEnd(callback: () => void): void
  /**
   * Without `force`: fails with `mount/busy` while programs use the mount.
   * With it: hides the mount at once and fails whatever still waits in it.
   */
  unmount(options?: { readonly force?: boolean }): Promise<void>
  /** Tells the kernel about changes beyond those that `vfs.watch` reports. Returns at once. */
  invalidate(changes: readonly Change[]): void
  stats(): FuseStats
}

/** One for the process: see poller.ts. */
const poller = new DescriptorPoller()
const buffers = new BufferPool()

/**
 * Mounts `vfs` on a folder. Resolves when the kernel knows the mount; see `ready` for more.
 *
 * @throws PailError `mount/no-fuse`, `mount/no-fusermount`, `mount/refused`, `mount/folder-missing`,
 *   `mount/not-a-folder`
 */
export async function mountFuse(options: FuseOptions): Promise<FuseMount> {
  const uid = process.getuid?.() ?? 0
  const isRoot = uid === 0
  const fd = await mountKernel(
    {
      dir: options.dir,
      source: options.source,
      readOnly: options.readOnly,
      allowOther: options.allowOther ?? false,
      uid,
      gid: process.getgid?.() ?? 0,
    },
    { poller, clock: options.clock, isRoot },
  )
  return new LinuxFuseMount(fd, isRoot, options)
}

class LinuxFuseMount implements FuseMount {
  readonly ready: Promise<void>
  readonly #options: FuseOptions
  readonly #isRoot: boolean
  readonly #dispatcher: FuseDispatcher
  readonly #device: FuseDevice
  readonly #ended: Promise<void>

  constructor(fd: number, isRoot: boolean, options: FuseOptions) {
    this.#options = options
    this.#isRoot = isRoot
    const started = { resolve: () => {}, reject: (_reason: unknown) => {} }
    const initialised = new Promise<void>((resolve, reject) => {
      started.resolve = resolve
      started.reject = reject
    })
    this.ready = initialised.then(() =>
      isRoot ? raiseReadAhead(options.dir, options.log) : undefined,
    )
    // Nobody has to wait for `ready`; a mount that ends early is reported by `onDidEnd` as well.
    this.ready.catch(() => undefined)
    const { clock, log } = options
    this.#dispatcher = new FuseDispatcher({
      ...options,
      buffers,
      notify: (message) => this.#device.notify(message),
    })
    const onDidReply = () => {
      if (this.#dispatcher.isInitialised) started.resolve()
    }
    const parts = { fd, dispatcher: this.#dispatcher, buffers, poller, clock, log, onDidReply }
    this.#device = new FuseDevice(parts)
    this.#ended = this.#end(started.reject)
  }

  onDidEnd(callback: () => void): void {
    void this.#ended.then(callback)
  }

  async unmount(options: { readonly force?: boolean } = {}): Promise<void> {
    const { dir, clock } = this.#options
    const detach = options.force === true
    await unmountKernel(dir, { detach, isRoot: this.#isRoot, clock })
    if (detach) this.#device.stop()
    await this.#ended
  }

  invalidate(changes: readonly Change[]): void {
    this.#dispatcher.invalidate(changes)
  }

  stats(): FuseStats {
    return { ...this.#dispatcher.stats(), ...this.#device.stats }
  }

  async #end(failReady: (reason: unknown) => void): Promise<void> {
    await this.#device.ended
    failReady(new PailError('mount/refused', 'the mount ended', { dir: this.#options.dir }))
    await this.#dispatcher.close()
    this.#options.log.write('info', 'fuse/ended', { dir: this.#options.dir })
  }
}
