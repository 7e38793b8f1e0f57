/**
 * The bare folder that a mount covers: nobody may write to it, so that programs cannot save into it
 * while the mount is away, after a crash or before Pail is started again.
 *
 * Keeps: the mode that the folder had before; where that is not on record, its owner may write again.
 *        A folder that cannot be changed (a disk without modes) is mounted on all the same.
 * Never: changes anything but the covered folder: it is opened before the mount, and known again by
 *        its device and inode.
 */
import { constants } from 'node:fs'
import * as fs from 'node:fs/promises'

const PERMISSIONS_MASK = 0o7777
const WRITE_BITS = 0o222
const OWNER_WRITE = 0o200
const OPEN_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW

/** Nobody but root can make, rename or remove anything in it. */
export function lockedMode(mode: number): number {
  return mode & PERMISSIONS_MASK & ~WRITE_BITS
}

/**
 * The mode of a folder before it was locked. Pure.
 * @param recorded what it was when it was locked here, if that is known
 */
export function ownMode(mode: number, recorded: number | undefined): number {
  const permissions = mode & PERMISSIONS_MASK
  if (permissions !== lockedMode(permissions)) return permissions
  const isRecorded = recorded !== undefined && lockedMode(recorded) === permissions
  return (isRecorded ? recorded : permissions) | OWNER_WRITE
}

/** Makes a locked folder writable again. @returns false when it cannot be changed */
export async function unlockFolder(dir: string, recorded?: number): Promise<boolean> {
  const folder = await CoveredFolder.open(dir, recorded)
  if (!folder) return false
  await folder.close()
  return true
}

export class CoveredFolder {
  readonly dir: string
  /** As it is without Pail. */
  readonly mode: number
  readonly #identity: string
  readonly #wasLocked: boolean
  #handle: fs.FileHandle | undefined

  private constructor(
    dir: string,
    handle: fs.FileHandle,
    known: { readonly mode: number; readonly identity: string; readonly wasLocked: boolean },
  ) {
    this.dir = dir
    this.mode = known.mode
    this.#identity = known.identity
    this.#wasLocked = known.wasLocked
    this.#handle = handle
  }

  /**
   * Before the mount. A locked folder becomes writable: fusermount3 mounts on no other.
   * @returns undefined for a folder whose mode cannot be read or changed
   */
  static async open(dir: string, recorded?: number): Promise<CoveredFolder | undefined> {
    const handle = await fs.open(dir, OPEN_FLAGS).catch(() => undefined)
    if (!handle) return undefined
    try {
      const stats = await handle.stat()
      const mode = ownMode(stats.mode, recorded)
      const wasLocked = (stats.mode & PERMISSIONS_MASK) !== mode
      if (wasLocked) await handle.chmod(mode)
      return new CoveredFolder(dir, handle, { mode, identity: identityOf(stats), wasLocked })
    } catch {
      await handle.close()
      return undefined
    }
  }

  /** After the mount: the descriptor means the folder below it. */
  async lock(): Promise<void> {
    await this.#handle?.chmod(lockedMode(this.mode)).catch(() => undefined)
    await this.close()
  }

  /** Nothing was mounted: the folder is as it was before. */
  async abandon(): Promise<void> {
    if (this.#wasLocked) await this.lock()
    else await this.close()
  }

  /** After the mount is gone: the folder has its own mode again. */
  async giveBack(): Promise<void> {
    const handle = await fs.open(this.dir, OPEN_FLAGS).catch(() => undefined)
    if (!handle) return
    try {
      const stats = await handle.stat()
      const isLocked = (stats.mode & PERMISSIONS_MASK) === lockedMode(this.mode)
      if (isLocked && identityOf(stats) === this.#identity) await handle.chmod(this.mode)
    } catch {
      // A disk that went away with the mount: nothing of it is left to be changed.
    } finally {
      await handle.close()
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close()
  }
}

function identityOf(stats: { readonly dev: number; readonly ino: number }): string {
  return `${stats.dev}:${stats.ino}`
}
