/**
 * Finds the real path of a folder without ever touching a path inside a mount that could hang.
 *
 * realpath(3) asks every file system on the way, so a dead or slow mount stalls it. This walk
 * stops where such a mount begins and says so.
 */
import { posix } from 'node:path'
import { PailError } from '../../shared/errors.ts'
import { isRemoteFuse, type MountEntry, mountAt } from './mount-info.ts'

/** As many as Linux follows (MAXSYMLINKS). */
const LINKS_MAX = 40

export type FileFacts = {
  readonly kind: 'directory' | 'link' | 'other'
  readonly uid: number
  readonly mode: number
}

/** The few questions asked of the local file system. */
export interface PathSystem {
  /** Undefined when there is nothing. */
  lstat(path: string): Promise<FileFacts | undefined>
  readlink(path: string): Promise<string>
}

export type WalkResult = {
  /** Without links as far as the walk went; what follows a mount or a gap is taken as written. */
  readonly path: string
  /** Set when the walk stopped: something is mounted there that must not be asked. */
  readonly mount?: MountEntry
  /** Undefined when nothing is there, or when the walk stopped at a mount. */
  readonly facts?: FileFacts
  /** The deepest folder that exists. */
  readonly existing: string
}

/**
 * @param path absolute
 * @throws PailError `input/invalid` for a loop of links, `mount/not-a-folder` when the way to
 *         the folder leads through a file
 */
export async function walkPath(
  path: string,
  mounts: readonly MountEntry[],
  system: PathSystem,
): Promise<WalkResult> {
  let names = namesOf(path)
  let current = '/'
  let facts: FileFacts | undefined = await system.lstat('/')
  for (let links = 0; names.length > 0; ) {
    const [name = '', ...rest] = names
    const next = posix.join(current, name)
    const mount = mountAt(mounts, next)
    if (mount && isRemoteFuse(mount)) {
      return { path: posix.join(next, ...rest), mount, existing: current }
    }
    facts = await system.lstat(next)
    if (!facts) return { path: posix.join(next, ...rest), existing: current }
    if (facts.kind === 'link') {
      if (++links > LINKS_MAX) throw new PailError('input/invalid', 'too many links', { path })
      const target = posix.resolve(current, await system.readlink(next))
      names = [...namesOf(target), ...rest]
      current = '/'
      continue
    }
    if (facts.kind === 'other' && rest.length > 0) {
      throw new PailError('mount/not-a-folder', `${next} is a file`, { dir: next })
    }
    current = next
    names = rest
  }
  return { path: current, existing: current, ...(facts ? { facts } : {}) }
}

function namesOf(path: string): string[] {
  return posix
    .resolve('/', path)
    .split('/')
    .filter((name) => name !== '')
}
