/**
 * The questions about mount points, asked of the real system, each with a time limit.
 *
 * Never: asks a FUSE mount anything from this process. It may be one this process serves.
 */
import * as fs from 'node:fs/promises'
import { PailError } from '../../shared/errors.ts'
import type { Clock } from '../base/clock.ts'
import { readMountTable } from '../fuse/mount-table.ts'
import { isStale, unmountStale } from '../fuse/stale-mounts.ts'
import type { FoundFilesSystem } from './found-files.ts'
import type { MountEntry } from './mount-info.ts'
import type { MountPointSystem } from './mount-point.ts'
import type { FileFacts } from './path-walk.ts'

/** A local disk that needs longer than this does not work. */
const LOCAL_ANSWER_MS = 5_000
/** Longer than the child that asks a mount may take. */
const MOUNT_ANSWER_MS = 5_000

export class RealMountPointSystem implements MountPointSystem, FoundFilesSystem {
  readonly uid = process.getuid?.() ?? 0
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  mounts(): Promise<readonly MountEntry[]> {
    return readMountTable().catch((thrown: unknown) => {
      // Only Linux has it; elsewhere the system's own mount call is the judge.
      if (errnoOf(thrown) === 'ENOENT') return []
      throw thrown
    })
  }

  lstat(path: string): Promise<FileFacts | undefined> {
    return this.#ask(path, async () => {
      try {
        const stats = await fs.lstat(path)
        const kind = stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'link' : 'other'
        return { kind, uid: stats.uid, mode: stats.mode }
      } catch (thrown) {
        if (errnoOf(thrown) === 'ENOENT') return undefined
        throw thrown
      }
    })
  }

  readlink(path: string): Promise<string> {
    return this.#ask(path, () => fs.readlink(path))
  }

  names(dir: string, max: number): Promise<readonly string[]> {
    return this.#ask(dir, async () => {
      const names: string[] = []
      const folder = await fs.opendir(dir)
      for await (const entry of folder) {
        names.push(entry.name)
        if (names.length >= max) break
      }
      return names.sort()
    })
  }

  makeFolder(dir: string): Promise<void> {
    return this.#ask(dir, async () => {
      await fs.mkdir(dir, { recursive: true, mode: 0o700 })
    })
  }

  makeNewFolder(dir: string): Promise<boolean> {
    return this.#ask(dir, async () => {
      try {
        await fs.mkdir(dir, { mode: 0o700 })
        return true
      } catch (thrown) {
        if (errnoOf(thrown) === 'EEXIST') return false
        throw thrown
      }
    })
  }

  rename(from: string, to: string): Promise<void> {
    return this.#ask(from, () => fs.rename(from, to))
  }

  isDead(mountPoint: string): Promise<boolean> {
    // A mount that is silent for so long is not dead: its engine may be stopped for a while.
    const dead = isStale(mountPoint, this.#clock)
    return withTimeLimit(dead, MOUNT_ANSWER_MS, this.#clock, () => false)
  }

  async unmountStale(mountPoint: string): Promise<void> {
    await unmountStale(mountPoint, this.#clock)
  }

  async #ask<T>(path: string, work: () => Promise<T>): Promise<T> {
    try {
      return await withTimeLimit(work(), LOCAL_ANSWER_MS, this.#clock, () => {
        throw new PailError('mount/refused', 'the folder does not answer', { dir: path })
      })
    } catch (thrown) {
      if (thrown instanceof PailError) throw thrown
      const errno = errnoOf(thrown) ?? 'unknown'
      throw new PailError('mount/refused', `${errno} on ${path}`, { dir: path, errno }, thrown)
    }
  }
}

function errnoOf(thrown: unknown): string | undefined {
  return (thrown as NodeJS.ErrnoException | undefined)?.code
}

/** The work itself cannot be stopped; nobody waits for it any more. */
async function withTimeLimit<T>(
  work: Promise<T>,
  limitMs: number,
  clock: Clock,
  onLate: () => T,
): Promise<T> {
  const done = new AbortController()
  const late = clock.sleep(limitMs, done.signal).then(onLate)
  // The sleep is cut short when the work wins; that rejection is of no interest.
  late.catch(() => {})
  try {
    return await Promise.race([work, late])
  } finally {
    done.abort()
  }
}
