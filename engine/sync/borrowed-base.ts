/**
 * The bytes of another object that a file shows, as long as nobody has copied or fetched them.
 *
 * Keeps: never outlives a seal: what a program closed does not depend on somebody else's object.
 */
import { addExtent, cutByExtents, type Extent } from '../base/extents.ts'
import { holesOf, type StagedFile } from '../store/staging.ts'
import type { ObjectVersion } from './content.ts'
import type { Reader } from './fetcher.ts'

const FETCH_BYTES = 1024 * 1024

export class BorrowedBase {
  readonly source: ObjectVersion
  readonly #staged: StagedFile

  constructor(source: ObjectVersion, staged: StagedFile) {
    this.source = source
    this.#staged = staged
  }

  /** The file is a copy of the object from start to end. */
  get isWhole(): boolean {
    return this.isUnchanged(this.source, this.source.sizeBytes)
  }

  /** So many bytes of `source` are shown, and nothing else is in the file. */
  isUnchanged(source: ObjectVersion, sizeBytes: number): boolean {
    const { record } = this.#staged
    const isSame = source.key === this.source.key && source.etag === this.source.etag
    const isBare = record.extents.length === 0 && holesOf(record).length === 0
    return isSame && isBare && record.sizeBytes === sizeBytes && record.baseBytes === sizeBytes
  }

  /** Writes what still shows into the staging file, which then stands for itself. */
  async fetch(reader: Reader, signal: AbortSignal): Promise<void> {
    const chunk = new Uint8Array(FETCH_BYTES)
    try {
      for (const { start, end } of this.#shown()) {
        for (let at = start; at < end; at += FETCH_BYTES) {
          const into = chunk.subarray(0, Math.min(FETCH_BYTES, end - at))
          await reader.read(at, into, signal)
          await this.#staged.write(into, at)
        }
      }
      this.#staged.hideBase()
    } finally {
      reader.close()
    }
  }

  #shown(): Extent[] {
    const { record } = this.#staged
    const own = holesOf(record).reduce<Extent[]>(
      (all, hole) => addExtent(all, hole),
      [...record.extents],
    )
    const range = { start: 0, end: record.baseBytes }
    return cutByExtents(own, range).filter(({ isCovered }) => !isCovered)
  }
}
