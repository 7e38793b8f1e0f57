/**
 * May a bucket be mounted on this folder? One error for each reason why not.
 *
 * Facts are gathered first, without touching anything inside a mount; the decision over them is
 * pure. A mount that a crashed engine left behind is taken away before the new one is made.
 */
import { PailError } from '../../shared/errors.ts'
import { isPail, isWithin, type MountEntry, mountAt } from './mount-info.ts'
import { type FileFacts, type PathSystem, walkPath } from './path-walk.ts'

/** Names shown of a folder that is not empty. */
const NAMES_SHOWN_MAX = 3

export interface MountPointSystem extends PathSystem {
  readonly uid: number
  /** In the order of mounting. */
  mounts(): Promise<readonly MountEntry[]>
  /** At most `max` names, in any order. */
  names(dir: string, max: number): Promise<readonly string[]>
  /** Makes the folder and what is missing above it, for the owner alone. */
  makeFolder(dir: string): Promise<void>
  /**
   * Is the program behind this mount gone? Asked in another process, with a time limit, because
   * the question itself can hang.
   */
  isDead(mountPoint: string): Promise<boolean>
  unmountStale(mountPoint: string): Promise<void>
}

export type MountPointFacts = {
  readonly path: string
  readonly mount?: MountEntry
  readonly isDeadMount: boolean
  readonly folder?: FileFacts
  readonly names: readonly string[]
  readonly uid: number
}

export type MountPointVerdict =
  | { readonly kind: 'use' }
  | { readonly kind: 'make' }
  | { readonly kind: 'clean-stale'; readonly mountPoint: string }
  | { readonly kind: 'refuse'; readonly error: PailError }

const refuse = (error: PailError): MountPointVerdict => ({ kind: 'refuse', error })

export function judgeMountPoint(
  facts: MountPointFacts,
  options: { readonly createDir: boolean },
): MountPointVerdict {
  if (facts.mount) return judgeMounted(facts, facts.mount)
  const where = { dir: facts.path }
  if (!facts.folder) {
    if (options.createDir) return { kind: 'make' }
    return refuse(new PailError('mount/folder-missing', `${facts.path} is missing`, where))
  }
  if (facts.folder.kind !== 'directory') {
    return refuse(new PailError('mount/not-a-folder', `${facts.path} is a file`, where))
  }
  if (facts.uid !== 0 && facts.folder.uid !== facts.uid) {
    const detail = 'the folder belongs to another user'
    return refuse(new PailError('mount/refused', detail, { ...where, uid: facts.folder.uid }))
  }
  if (facts.names.length === 0) return { kind: 'use' }
  return refuse(notEmpty(facts))
}

/** A dead mount of ours is cleaned even when the wanted folder lies below it. */
function judgeMounted(facts: MountPointFacts, mount: MountEntry): MountPointVerdict {
  const mountPoint = mount.dir
  if (isPail(mount) && facts.isDeadMount) return { kind: 'clean-stale', mountPoint }
  const where = { dir: facts.path, mountPoint, source: mount.source }
  if (facts.path !== mountPoint && isWithin(mountPoint, facts.path)) {
    return refuse(new PailError('mount/inside-mount', `inside ${mountPoint}`, where))
  }
  return refuse(new PailError('mount/already-mounted', `${mount.source} is mounted here`, where))
}

function notEmpty(facts: MountPointFacts): PailError {
  const shown = facts.names.slice(0, NAMES_SHOWN_MAX).join(', ')
  const names = facts.names.length > NAMES_SHOWN_MAX ? `${shown}, …` : shown
  return new PailError('mount/folder-not-empty', `${facts.path} holds ${names}`, {
    dir: facts.path,
    names,
  })
}

/**
 * Checks the folder and makes it ready to be mounted on.
 *
 * @param dir absolute, as a person wrote it
 * @returns its real path
 * @throws PailError `mount/already-mounted`, `mount/inside-mount`, `mount/folder-missing`,
 *         `mount/not-a-folder`, `mount/folder-not-empty`, `mount/refused`
 */
export async function prepareMountPoint(
  dir: string,
  options: { readonly createDir: boolean },
  system: MountPointSystem,
): Promise<{ readonly dir: string; readonly wasMade: boolean }> {
  // Twice, because a stale mount may hide a second one; a third is not ours to guess about.
  for (let cleaned = 0; cleaned <= 2; cleaned++) {
    const facts = await gatherFacts(dir, system)
    const verdict = judgeMountPoint(facts, options)
    if (verdict.kind === 'refuse') throw verdict.error
    if (verdict.kind === 'use') return { dir: facts.path, wasMade: false }
    if (verdict.kind === 'make') {
      await system.makeFolder(facts.path)
      return { dir: facts.path, wasMade: true }
    }
    await system.unmountStale(verdict.mountPoint)
  }
  throw new PailError('mount/already-mounted', 'a dead mount comes back', { dir })
}

async function gatherFacts(dir: string, system: MountPointSystem): Promise<MountPointFacts> {
  const mounts = await system.mounts()
  const walk = await walkPath(dir, mounts, system)
  // A disk or another folder mounted exactly here is "already mounted" to a person as well.
  const mount = walk.mount ?? mountAt(mounts, walk.path)
  const isFolder = !mount && walk.facts?.kind === 'directory'
  return {
    path: walk.path,
    ...(mount ? { mount } : {}),
    isDeadMount: mount !== undefined && isPail(mount) && (await system.isDead(mount.dir)),
    ...(walk.facts ? { folder: walk.facts } : {}),
    names: isFolder ? await system.names(walk.path, NAMES_SHOWN_MAX + 1) : [],
    uid: system.uid,
  }
}

/**
 * The real path of a folder that is or was mounted, found without asking any mount.
 * `mounts/stop` and `uploads/flush` compare it with what `prepareMountPoint` returned.
 */
export async function realMountPath(dir: string, system: MountPointSystem): Promise<string> {
  const mounts = await system.mounts()
  return (await walkPath(dir, mounts, system)).path
}

/**
 * Takes away what a crashed engine left on `dir`.
 * @returns false when nothing of Pail is mounted there, or when its engine is alive
 */
export async function cleanStaleMount(dir: string, system: MountPointSystem): Promise<boolean> {
  const { mount, isDeadMount } = await gatherFacts(dir, system)
  if (!mount || !isDeadMount) return false
  await system.unmountStale(mount.dir)
  return true
}

/** Mount points of Pail whose engine is gone, of any engine of this user. */
export async function findStaleMounts(system: MountPointSystem): Promise<readonly string[]> {
  const points = (await system.mounts()).filter(isPail)
  const dead: string[] = []
  for (const { dir } of points) {
    if (await system.isDead(dir)) dead.push(dir)
  }
  return dead
}
