/**
 * Folders of this computer before and after something is mounted on them: checked, made, emptied of
 * what programs left there, locked while they are covered.
 *
 * Keeps: the mode of a folder is on record before it is locked. A wanted unmount gives it back. At the
 *        end of the engine a folder that Pail made stays locked, because it is mounted again at the
 *        next start, and a folder that a person made is given back.
 */
import type { EngineParsed } from '../../shared/engine-contract.ts'
import { PailError } from '../../shared/errors.ts'
import type { FoundFiles } from '../../shared/model.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { MountPoints } from '../store/mount-points.ts'
import { CoveredFolder, unlockFolder } from './covered-folder.ts'
import { moveFoundFiles } from './found-files.ts'
import { prepareMountPoint } from './mount-point.ts'
import type { RealMountPointSystem } from './mount-point-system.ts'

type Request = Pick<EngineParsed<'mounts/start'>, 'dir' | 'createDir'>

export type MountFoldersParts = {
  readonly system: RealMountPointSystem
  readonly mountPoints: MountPoints
  readonly clock: Clock
  readonly log: Log
}

export type PreparedFolder = {
  /** Real path, checked and empty. */
  readonly dir: string
  readonly wasMade: boolean
  /** What was in it, and where that is now. */
  readonly found?: FoundFiles
}

/** The folder of one mount. */
export interface MountFolder {
  /** The mount is there. */
  mounted(): Promise<void>
  /** The mount failed. */
  failed(): Promise<void>
  /** The mount is gone. */
  unmounted(because: { readonly isEngineEnding: boolean }): Promise<void>
}

export class MountFolders {
  readonly #parts: MountFoldersParts

  constructor(parts: MountFoldersParts) {
    this.#parts = parts
  }

  /** What programs wrote into the bare folder of an earlier mount must not keep it away. */
  async prepare({ dir, createDir }: Request): Promise<PreparedFolder> {
    const { system, mountPoints, clock, log } = this.#parts
    try {
      return await prepareMountPoint(dir, { createDir }, system)
    } catch (thrown) {
      const error = PailError.from(thrown)
      const path = String(error.where.dir)
      const known = mountPoints.find(path)
      if (error.code !== 'mount/folder-not-empty' || !known) throw error
      await unlockFolder(path, known.mode)
      const found = await moveFoundFiles(path, clock.nowMs(), system)
      log.write('warn', 'mount/files-found', { dir: path, movedTo: found.dir, count: found.count })
      return { ...(await prepareMountPoint(path, { createDir }, system)), found }
    }
  }

  /** Immediately before the mount. */
  async cover({ dir, wasMade }: PreparedFolder): Promise<MountFolder> {
    const { mountPoints, clock, log } = this.#parts
    const known = mountPoints.find(dir)
    const folder = await CoveredFolder.open(dir, known?.mode)
    if (!folder) log.write('info', 'mount/folder-not-locked', { dir })
    const isMade = wasMade || known?.isMade === true
    let locked = Promise.resolve()
    return {
      mounted: async () => {
        const mode = folder ? { mode: folder.mode } : {}
        mountPoints.note(dir, { mountedMs: clock.nowMs(), isMade, ...mode })
        if (folder) locked = folder.lock()
        await locked
      },
      failed: async () => folder?.abandon(),
      unmounted: async ({ isEngineEnding }) => {
        await locked
        if (!isEngineEnding || !isMade) await folder?.giveBack()
      },
    }
  }
}
