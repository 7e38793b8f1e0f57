/**
 * Open files and directories of one mount.
 *
 * Owns:  handle numbers. Keeps: a limit, and numbers that are not reused while the mount lives.
 */
import { PailError } from '../../shared/errors.ts'
import type { FileContent } from '../sync/file-content.ts'
import type { ReadSession } from '../sync/read-session.ts'
import type { HandleId } from './vfs.ts'

/** Descriptors open at once in one mount. */
export const HANDLES_MAX = 65_536

export type OpenFile = {
  readonly kind: 'file'
  readonly content: FileContent
  readonly session: ReadSession
  readonly canRead: boolean
  readonly canWrite: boolean
  readonly isAppend: boolean
}

export type OpenDirectory = { readonly kind: 'directory'; readonly id: number }

export class Handles {
  readonly #open = new Map<HandleId, OpenFile | OpenDirectory>()
  #last = 0

  get count(): number {
    return this.#open.size
  }

  add(open: OpenFile | OpenDirectory): HandleId {
    if (this.#open.size >= HANDLES_MAX) {
      throw new PailError('vfs/busy', `${HANDLES_MAX} descriptors are open already`)
    }
    const handle = ++this.#last
    this.#open.set(handle, open)
    return handle
  }

  /** @throws PailError `vfs/bad-handle` */
  file(handle: HandleId): OpenFile {
    const open = this.#open.get(handle)
    if (open?.kind !== 'file') throw new PailError('vfs/bad-handle', `handle ${handle}`)
    return open
  }

  take(handle: HandleId): OpenFile | OpenDirectory | undefined {
    const open = this.#open.get(handle)
    this.#open.delete(handle)
    return open
  }

  all(): HandleId[] {
    return [...this.#open.keys()]
  }
}
