/**
 * From a path on this computer to the file or folder of a mount that it means.
 *
 * Never: touches a path inside a mount: what it means stands in the tree.
 */
import { PailError } from '../../shared/errors.ts'
import type { NodeRow } from '../store/nodes.ts'
import { type Place as PlaceOf, placeOf } from './local-paths.ts'
import { realMountPath } from './mount-point.ts'
import type { RealMountPointSystem } from './mount-point-system.ts'
import type { MountSession } from './mount-session.ts'

export type Place = PlaceOf<MountSession>

export class MountedPaths {
  readonly #system: RealMountPointSystem
  readonly #sessions: () => Iterable<MountSession>

  constructor(system: RealMountPointSystem, sessions: () => Iterable<MountSession>) {
    this.#system = system
    this.#sessions = sessions
  }

  /** @throws PailError `mount/not-mounted` for a path that is in no mounted folder */
  async place(path: string): Promise<Place> {
    const real = await realMountPath(path, this.#system)
    return placeOf(this.#sessions(), real)
  }

  /**
   * What the tree knows under the names.
   * @throws PailError `vfs/not-found` when it knows nothing there
   */
  find({ session, names }: Place): NodeRow {
    const { tree } = session.volume
    let row = tree.node(session.root)
    for (const name of names) {
      const child = tree.nodes.child(row.id, name)
      if (!child) throw new PailError('vfs/not-found', names.join('/'), { path: names.join('/') })
      row = child
    }
    return row
  }

  /** The known folder that the names are in, or come closest to. */
  nearestFolder({ session, names }: Place): NodeRow {
    const { tree } = session.volume
    let row = tree.node(session.root)
    for (const name of names) {
      const child = tree.nodes.child(row.id, name)
      if (child?.kind !== 'directory') break
      row = child
    }
    return row
  }
}
