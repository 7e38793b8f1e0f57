/**
 * What the table of mounts means for a path. Pure.
 *
 * Reading that table never waits for a file system, so every decision about a path starts here.
 */
import type { MountedFileSystem } from '../fuse/mount-table.ts'

export type MountEntry = Pick<MountedFileSystem, 'dir' | 'type' | 'source'>

/** What is mounted exactly on `path`: the newest of several, which hides the others. */
export function mountAt(entries: readonly MountEntry[], path: string): MountEntry | undefined {
  return entries.findLast((entry) => entry.dir === path)
}

/** The mount that serves `path` itself or whatever is above it. */
export function mountCovering(
  entries: readonly MountEntry[],
  path: string,
): MountEntry | undefined {
  let best: MountEntry | undefined
  for (const entry of entries) {
    if (!isWithin(entry.dir, path)) continue
    if (!best || entry.dir.length >= best.dir.length) best = entry
  }
  return best
}

/** Is `path` the folder itself, or below it? Both are absolute and normal. */
export function isWithin(folder: string, path: string): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`)
}

/** Named here too, because the command line reads the table without loading the kernel's calls. */
export const PAIL_TYPE = 'fuse.pail'

export function isPail(entry: MountEntry): boolean {
  return entry.type === PAIL_TYPE
}

/** FUSE file systems that stack on the local disk: a folder on them is as good as any other. */
const LOCAL_FUSE: ReadonlySet<string> = new Set([
  'fuse.bindfs',
  'fuse.cryfs',
  'fuse.encfs',
  'fuse.fuse-overlayfs',
  'fuse.gocryptfs',
  'fuse.mergerfs',
  'fuse.securefs',
  'fuse.unionfs',
])

/**
 * Served by a program that may be gone or wait for a network: a path below it can hang whoever
 * touches it. A root file system served by FUSE (some containers) is where everything lives.
 */
export function isRemoteFuse(entry: MountEntry): boolean {
  if (isPail(entry)) return true
  if (entry.dir === '/' || LOCAL_FUSE.has(entry.type)) return false
  return entry.type === 'fuse' || entry.type.startsWith('fuse.')
}
