/**
 * Fetches the next small files of a directory while a program reads them one after another.
 *
 * Keeps: only files that were read to the end count, so that previews download nothing.
 */
import type { Etag } from '../s3/object-store.ts'
import type { NodeRow } from '../store/nodes.ts'
import type { ObjectVersion } from './content.ts'
import type { Fetcher } from './fetcher.ts'
import {
  SIBLING_BUDGET_BYTES,
  SIBLING_FILE_BYTES_MAX,
  SiblingPattern,
} from './prefetch-siblings.ts'
import type { Tree } from './tree.ts'

export class SiblingReads {
  readonly #tree: Tree
  readonly #fetcher: Pick<Fetcher, 'prefetch'>
  readonly #signal: AbortSignal
  readonly #pattern = new SiblingPattern()

  constructor(tree: Tree, fetcher: Pick<Fetcher, 'prefetch'>, signal: AbortSignal) {
    this.#tree = tree
    this.#fetcher = fetcher
    this.#signal = signal
  }

  /** A file was read from its start to its end. Returns at once. */
  noteRead(id: number): void {
    const row = this.#tree.nodes.byId(id)
    if (!row || row.parent === null || row.size > SIBLING_FILE_BYTES_MAX) return
    // Entries get their ids in the order of the listing: the id is the position.
    const run = this.#pattern.noteRead(row.parent, row.id)
    if (!run) return
    const end = run.first + run.count
    const next = this.#tree.nodes
      .children(row.parent, run.first - 1, run.count)
      .filter((sibling) => sibling.id < end)
      .flatMap(versionOf)
    if (next.length === 0) return
    this.#fetcher.prefetch(next, SIBLING_BUDGET_BYTES, this.#signal).catch(() => {
      // What could not be fetched ahead is fetched when it is read, and fails there if it must.
    })
  }
}

function versionOf(row: NodeRow): ObjectVersion[] {
  const isSmall = row.kind === 'file' && row.size > 0 && row.size <= SIBLING_FILE_BYTES_MAX
  if (!isSmall || row.etag === null || row.remoteKey === null || row.staged !== null) return []
  const etag = row.etag as Etag
  return [{ volume: row.volume, key: row.remoteKey, etag, sizeBytes: row.remoteSize }]
}
