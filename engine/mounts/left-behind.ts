/**
 * What an engine that is not there any more left behind: for a command that asks and starts none.
 *
 * Keeps: the folder is locked while its database is open, so that no engine starts in between.
 * Never: changes anything, touches a path inside a mount.
 */
import { existsSync } from 'node:fs'
import { PailError } from '../../shared/errors.ts'
import type { Clock } from '../base/clock.ts'
import { lockFile } from '../base/file-lock.ts'
import { Database } from '../store/database.ts'
import { Journal } from '../store/journal.ts'
import { MountPoints } from '../store/mount-points.ts'
import { type Pending, pendingFigures } from '../store/pending.ts'
import { layoutOf } from './data-dir.ts'
import { isPail } from './mount-info.ts'
import { RealMountPointSystem } from './mount-point-system.ts'

export type LeftBehind = ReturnType<typeof pendingFigures> & {
  /** Folders that are still mounted, and that nobody serves: programs get ENOTCONN there. */
  readonly deadDirs: readonly string[]
}

/** @returns undefined when nothing is left, or an engine has the folder by now */
export async function leftBehind(dataDir: string, clock: Clock): Promise<LeftBehind | undefined> {
  const { databaseFile, lockFile: path } = layoutOf(dataDir)
  if (!existsSync(databaseFile) || !existsSync(path)) return undefined
  const mounts = await new RealMountPointSystem(clock).mounts()
  const dirs = mounts.filter(isPail).map(({ dir }) => dir)
  const found = lookInto({ path, databaseFile, dirs }, clock)
  const isAnything = found && (found.pending.files > 0 || found.deadDirs.length > 0)
  return isAnything ? { ...pendingFigures(found.pending), deadDirs: found.deadDirs } : undefined
}

function lookInto(
  places: { readonly path: string; readonly databaseFile: string; readonly dirs: string[] },
  clock: Clock,
): { readonly pending: Pending; readonly deadDirs: string[] } | undefined {
  const lock = lockUnlessTaken(places.path)
  if (!lock) return undefined
  try {
    const database = Database.open(places.databaseFile, clock)
    try {
      const known = new MountPoints(database)
      const deadDirs = places.dirs.filter((dir) => known.find(dir) !== undefined)
      return { pending: new Journal(database).pendingInAll(), deadDirs }
    } finally {
      database.close()
    }
  } finally {
    lock.release()
  }
}

function lockUnlessTaken(path: string) {
  try {
    return lockFile(path)
  } catch (thrown) {
    if (PailError.from(thrown).code !== 'store/locked') throw thrown
    return undefined
  }
}
