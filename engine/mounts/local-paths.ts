/**
 * What a path on this computer means in a mounted bucket, without asking the kernel.
 */
import { PailError } from '../../shared/errors.ts'
import type { NodeRow } from '../store/nodes.ts'
import type { Volume } from './volume.ts'

/** A mount, as far as paths go. */
export type ShownFolder = {
  readonly dir: string
  readonly life: string
  readonly volume: Volume
  /** The directory that it shows. */
  readonly root: number
}

export type Place<S extends ShownFolder = ShownFolder> = {
  readonly session: S
  readonly names: readonly string[]
}

/** @throws PailError `mount/not-mounted` when the path is in no mounted folder */
export function placeOf<S extends ShownFolder>(sessions: Iterable<S>, path: string): Place<S> {
  let found: S | undefined
  for (const session of sessions) {
    if (session.life !== 'mounted' || !isInside(session.dir, path)) continue
    if (!found || session.dir.length > found.dir.length) found = session
  }
  if (!found) throw new PailError('mount/not-mounted', path, { dir: path })
  const names = path.slice(found.dir.length).split('/')
  return { session: found, names: names.filter((name) => name !== '' && name !== '.') }
}

/**
 * The entry at that place, looked up in the bucket where it is not known.
 * @throws PailError `vfs/not-found`
 */
export async function nodeAt({ session, names }: Place, signal: AbortSignal): Promise<NodeRow> {
  const { tree, listings } = session.volume
  let row = tree.node(session.root)
  for (const name of names) {
    if (row.kind !== 'directory') throw new PailError('vfs/not-a-directory', row.name)
    let child = tree.nodes.child(row.id, name)
    if (!child) {
      await listings.ensureName(row.id, name, signal)
      child = tree.nodes.child(row.id, name)
    }
    if (!child) throw new PailError('vfs/not-found', name)
    row = child
  }
  return row
}

/** Where a file of the volume is on this computer; undefined when the mount does not show it. */
export function localPathOf(session: ShownFolder, row: NodeRow): string | undefined {
  const { tree } = session.volume
  const names: string[] = []
  let at: NodeRow | undefined = row
  while (at && at.id !== session.root) {
    names.unshift(at.name)
    at = at.parent === null ? undefined : tree.nodes.byId(at.parent)
  }
  return at && [session.dir, ...names].join('/')
}

function isInside(dir: string, path: string): boolean {
  return path === dir || path.startsWith(`${dir}/`)
}
