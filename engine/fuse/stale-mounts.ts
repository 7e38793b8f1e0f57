/**
 * Cleans up after an engine that died: its mounts stay in the tree and answer nothing but ENOTCONN.
 *
 * Never: touches a path inside a mount from this process; a child with a time limit does.
 */
import type { Clock } from '../base/clock.ts'
import { FILE_SYSTEM_TYPE, unmountKernel } from './kernel-mount.ts'
import { mountedOn } from './mount-table.ts'
import { findProgram, runProgram } from './program.ts'

const STAT_PATHS = ['/usr/bin/stat', '/bin/stat']
/** A dead mount answers at once; one that takes longer is alive, if slow, and is left alone. */
const STAT_LIMIT_MS = 3_000
/** Mounts on top of each other on one folder. */
const STACKED_MOUNTS_MAX = 8

/**
 * Takes dead mounts of Pail off `dir` (absolute, without symbolic links above it).
 * @returns whether there were any
 * @throws PailError as `unmountKernel`
 */
export async function unmountStale(dir: string, clock: Clock): Promise<boolean> {
  const isRoot = process.getuid?.() === 0
  for (let count = 0; count < STACKED_MOUNTS_MAX; count++) {
    if (!(await isStale(dir, clock))) return count > 0
    await unmountKernel(dir, { detach: true, isRoot, clock })
  }
  return true
}

/** Whether a mount of Pail is on `dir` whose process is gone. */
export async function isStale(dir: string, clock: Clock): Promise<boolean> {
  if ((await mountedOn(dir))?.type !== `fuse.${FILE_SYSTEM_TYPE}`) return false
  const stat = findProgram(STAT_PATHS)
  if (!stat) return false
  const { status, message } = await runProgram(stat, {
    // Facts of the file system: unlike attributes, the kernel never answers them from its cache.
    args: ['--file-system', '--', dir],
    clock,
    limitMs: STAT_LIMIT_MS,
  })
  return status !== 0 && /not connected|connection abort/i.test(message)
}
