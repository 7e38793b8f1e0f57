/**
 * What the kernel holds open on this mount.
 *
 * Keeps: a handle from the kernel is believed only for the node it was opened on.
 * Keeps: when the mount ends without RELEASE (abort, kill), every handle is still found here.
 */
import { PailError } from '../../shared/errors.ts'
import type { HandleId, NodeId, Target } from '../vfs/vfs.ts'

type OpenHandle = { readonly id: NodeId; readonly appends: boolean }

export class HandleTable {
  readonly #open = new Map<HandleId, OpenHandle>()

  get size(): number {
    return this.#open.size
  }

  add(handle: HandleId, opened: OpenHandle): void {
    this.#open.set(handle, opened)
  }

  /** @throws PailError `vfs/bad-handle` when it is not open, or open on another node */
  require(handle: HandleId, id: NodeId): Required<Target> & { readonly appends: boolean } {
    const opened = this.#open.get(handle)
    if (opened?.id !== id) {
      throw new PailError('vfs/bad-handle', `handle ${handle} of node ${id} is not open`)
    }
    return { id, handle, appends: opened.appends }
  }

  /** A target by handle where the kernel named one, by node otherwise. */
  target(id: NodeId, handle: HandleId | undefined): Target {
    return handle === undefined ? { id } : this.require(handle, id)
  }

  /** @throws PailError `vfs/bad-handle` when it is not open */
  remove(handle: HandleId): void {
    if (!this.#open.delete(handle)) {
      throw new PailError('vfs/bad-handle', `handle ${handle} is not open`)
    }
  }

  /** Empties the table. @returns what was still open */
  takeAll(): HandleId[] {
    const handles = [...this.#open.keys()]
    this.#open.clear()
    return handles
  }
}
