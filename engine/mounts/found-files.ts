/**
 * Files that programs wrote into the bare folder under a mount point while nothing was mounted.
 *
 * They are moved to a folder beside it, and the person is told. Not imported: the bucket may have
 * other files of these names, and what a program wrote without knowing of the bucket is for a
 * person to look at. Not covered by the mount, where nobody would find them; and no reason to
 * refuse, since a folder that is mounted at login would stay away for ever.
 *
 * Keeps: only a folder on which this Pail has mounted before, empty then, is treated so. Entries
 *        are renamed one by one, within one disk: a crash leaves each in one of the two places.
 */
import { basename, dirname, join } from 'node:path'
import { PailError } from '../../shared/errors.ts'
import type { FoundFiles } from '../../shared/model.ts'

const NAMES_TRIED_MAX = 100
/** More entries than programs leave behind by mistake. */
const ENTRIES_MAX = 100_000

export interface FoundFilesSystem {
  names(dir: string, max: number): Promise<readonly string[]>
  /** Makes one folder that must not be there yet. @returns false when something of the name is */
  makeNewFolder(dir: string): Promise<boolean>
  rename(from: string, to: string): Promise<void>
}

/** `results` -> `results (found 2026-11-21 0931)`; UTC. Pure. */
export function foundName(name: string, nowMs: number, count: number): string {
  const at = new Date(nowMs).toISOString()
  const stamp = `${at.slice(0, 10)} ${at.slice(11, 13)}${at.slice(14, 16)}`
  return `${name} (found ${stamp}${count > 1 ? ` ${count}` : ''})`
}

/** Empties the folder. @returns where its entries are now */
export async function moveFoundFiles(
  dir: string,
  nowMs: number,
  system: FoundFilesSystem,
): Promise<FoundFiles> {
  const names = await system.names(dir, ENTRIES_MAX)
  const target = await newFolderBeside(dir, nowMs, system)
  for (const name of names) await system.rename(join(dir, name), join(target, name))
  return { dir: target, count: names.length }
}

async function newFolderBeside(
  dir: string,
  nowMs: number,
  system: FoundFilesSystem,
): Promise<string> {
  for (let count = 1; count <= NAMES_TRIED_MAX; count++) {
    const target = join(dirname(dir), foundName(basename(dir), nowMs, count))
    if (await system.makeNewFolder(target)) return target
  }
  throw new PailError('mount/folder-not-empty', 'no free name beside the folder', { dir })
}
