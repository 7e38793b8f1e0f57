/**
 * All file contents of one volume that are in use: opened by programs, or being uploaded.
 *
 * Owns:  the map from node to content. At most one content per node, so that two programs, two
 *        mounts and the uploader see the same bytes.
 */
import { PailError } from '../../shared/errors.ts'
import { assert, present } from '../base/assert.ts'
import type { NodeRow } from '../store/nodes.ts'
import { type ContentsParts, FileContent, remoteVersionOf } from './file-content.ts'
import { OpenWriters } from './open-writers.ts'
import { forgetOrphan } from './tree-edit.ts'

/** Files open or uploading at once, all programs together. */
export const CONTENTS_MAX = 16_384
/** What `readSmall` takes into memory. */
export const SMALL_BYTES_MAX = 4096

export class FileContents {
  readonly #parts: ContentsParts
  readonly #contents = new Map<number, FileContent>()
  /** Who has which of them open for writing. */
  readonly writers = new OpenWriters()
  readonly #opening = new Map<number, Promise<FileContent>>()

  constructor(parts: ContentsParts) {
    this.#parts = parts
    parts.tree.isOpen = (id) => (this.#contents.get(id)?.users ?? 0) > 0
    parts.tree.isWriting = (id) => (this.#contents.get(id)?.writers ?? 0) > 0
    parts.tree.watch((changes) => {
      for (const change of changes) {
        if (change.origin !== 'remote') continue
        if (change.type === 'data') this.#contents.get(change.id)?.noteReplaced()
      }
    })
  }

  /** The content if someone uses it. */
  peek(id: number): FileContent | undefined {
    return this.#contents.get(id)
  }

  /** Does a program hold it open for writing? Its upload then waits for the close, or for quiet. */
  isOpenForWriting(id: number): boolean {
    return (this.#contents.get(id)?.writers ?? 0) > 0
  }

  /** Files with writes that no program has closed or synced yet. */
  dirtyCount(): number {
    let count = 0
    for (const content of this.#contents.values()) if (content.isDirty) count++
    return count
  }

  /** Files that a program may still write to, or has written to without closing them. */
  writtenNow(): number[] {
    return [...this.#contents.values()]
      .filter((content) => content.writers > 0 || content.isDirty)
      .map((content) => content.id)
  }

  /** The content for use; every acquire is paired with a release. */
  async acquire(id: number): Promise<FileContent> {
    const content = this.#contents.get(id) ?? (await this.#open(id))
    content.users++
    return content
  }

  /** All bytes of the small version that the bucket has of a node. */
  async readSmall(row: NodeRow, signal: AbortSignal): Promise<Uint8Array> {
    assert(row.remoteSize <= SMALL_BYTES_MAX, `node ${row.id} is small`)
    const bytes = new Uint8Array(row.remoteSize)
    const reader = this.#parts.openReader(
      present(remoteVersionOf(row), `a version of node ${row.id}`),
    )
    try {
      await reader.read(0, bytes, signal)
    } finally {
      reader.close()
    }
    return bytes
  }

  async release(content: FileContent, origin: string): Promise<void> {
    const placed = this.#parts.tree.nodes.byId(content.id)
    const isPlaced = placed !== undefined && placed.parent !== null
    if (content.users === 1 && content.isDirty && isPlaced) await content.sealLeft(origin)
    content.users--
    if (content.users > 0 || this.#contents.get(content.id) !== content) return
    this.#contents.delete(content.id)
    this.writers.closed(content.id)
    const row = this.#parts.tree.nodes.byId(content.id)
    if (row && row.parent !== null) {
      await content.close()
      return
    }
    await content.discard()
    await forgetOrphan(this.#parts.tree, content.id)
  }

  async #open(id: number): Promise<FileContent> {
    const opening = this.#opening.get(id)
    if (opening) return opening
    if (this.#contents.size >= CONTENTS_MAX) {
      throw new PailError('vfs/busy', `${CONTENTS_MAX} files are open already`)
    }
    const opened = this.#load(this.#parts.tree.node(id)).finally(() => this.#opening.delete(id))
    this.#opening.set(id, opened)
    return opened
  }

  async #load(row: NodeRow): Promise<FileContent> {
    const { staging } = this.#parts.tree
    const staged = row.staged === null ? undefined : await staging.load(row.staged)
    const content = new FileContent(this.#parts, row, staged)
    this.#contents.set(row.id, content)
    return content
  }
}
