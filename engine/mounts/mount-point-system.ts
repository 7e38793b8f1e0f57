/**
 * The questions about mount points, asked of the real system, each with a time limit.
 *
 * Never: asks a FUSE mount anything from this process. It may be one this process serves.
 */
import { execFile } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { PailError } from '../../shared/errors.ts'
import type { Clock } from '../base/clock.ts'
import type { MountPointSystem } from './mount-point.ts'
import type { FileFacts } from './path-walk.ts'

/** A local disk that needs longer than this does not work. */
const LOCAL_ANSWER_MS = 5_000
/** A living mount answers statfs(2) from memory. */
const MOUNT_ANSWER_MS = 2_000
const MOUNT_INFO = '/proc/self/mountinfo'
const STAT_PROGRAM = '/usr/bin/stat'
/** strerror(3) of ENOTCONN and ECONNABORTED: what the kernel says for a mount without a server. */
const DEAD_SENTENCES = /Transport endpoint is not connected|Software caused connection abort/

export type MountPointSystemOptions = {
  readonly clock: Clock
  readonly unmountStale: (mountPoint: string) => Promise<void>
}

export class RealMountPointSystem implements MountPointSystem {
  readonly uid = process.getuid?.() ?? 0
  readonly #clock: Clock
  readonly #unmountStale: (mountPoint: string) => Promise<void>

  constructor(options: MountPointSystemOptions) {
    this.#clock = options.clock
    this.#unmountStale = options.unmountStale
  }

  mountInfo(): Promise<string> {
    return fs.readFile(MOUNT_INFO, 'utf8').catch((thrown: unknown) => {
      // Only Linux has it; elsewhere the system's own mount call is the judge.
      if (errnoOf(thrown) === 'ENOENT') return ''
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

  async isDead(mountPoint: string): Promise<boolean> {
    // statfs(2) because, unlike stat(2), its answer is never cached by the kernel.
    const giveUp = new AbortController()
    const answer = new Promise<boolean>((resolve) => {
      const environment = { env: { LC_ALL: 'C' }, signal: giveUp.signal }
      execFile(STAT_PROGRAM, ['-f', '--', mountPoint], environment, (error, _stdout, stderr) => {
        resolve(error !== null && DEAD_SENTENCES.test(stderr))
      })
    })
    const isDead = await withTimeLimit(answer, MOUNT_ANSWER_MS, this.#clock, () => false)
    giveUp.abort()
    return isDead
  }

  unmountStale(mountPoint: string): Promise<void> {
    return this.#unmountStale(mountPoint)
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
