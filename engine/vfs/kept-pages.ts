/**
 * Of which files the kernel may keep pages from one open to the next.
 *
 * Keeps: bounded; a file that is not remembered loses its pages when it is opened, which costs a
 *        read and is never wrong.
 */
import type { TreeChange } from '../sync/tree.ts'
import type { NodeId } from './vfs.ts'

export const KEPT_FILES_MAX = 65_536

export class KeptPages {
  readonly #files = new Set<NodeId>()

  /** @returns may the kernel keep what it has of the file, which is being opened? */
  open(id: NodeId): boolean {
    const isKept = this.#files.delete(id)
    this.#files.add(id)
    const oldest = this.#files.values().next()
    if (this.#files.size > KEPT_FILES_MAX && !oldest.done) this.#files.delete(oldest.value)
    return isKept
  }

  /**
   * The kernel is told of every change that it did not make itself, but it may not have heard of
   * the last one yet: pages of two versions would be one file.
   *
   * @param origin of this mount's own changes
   */
  note(changes: readonly TreeChange[], origin: string): void {
    for (const change of changes) {
      const isReplaced = change.type === 'data' && change.origin !== origin
      if (isReplaced || change.type === 'removed') this.#files.delete(change.id)
    }
  }
}
