/**
 * Copies inside the bucket, with a row of the journal for a copy in parts.
 *
 * Keeps: what a crash, or a lost answer, leaves of a copy is taken away later, be it an open upload or
 *        the copy itself: its record is in the journal, as that of an upload whose file is gone, until
 *        somebody notes the copy as an object of a file (`settleAttempts`).
 */
import type { Etag } from '../s3/object-store.ts'
import { serverCopy } from './server-copy.ts'
import type { ServerCopy } from './server-copy-check.ts'
import type { SyncerParts } from './sync-job.ts'
import { encodeUploadRecord, type UploadRecord } from './upload-record.ts'

/** When a copy of which nothing is known is looked after again. */
const ORPHAN_RETRY_MS = 60_000

export type JobCopy = Pick<
  ServerCopy,
  'source' | 'key' | 'replace' | 'precondition' | 'isVerifiedLater' | 'storageClass'
>

export async function copyInBucket(job: SyncerParts, copy: JobCopy): Promise<Etag> {
  const { store, requests, signal } = job
  const guard = new CopyGuard(job, copy)
  try {
    const capabilities = await job.capabilities(signal)
    const save = (record: UploadRecord | undefined) => guard.save(record)
    const { etag } = await serverCopy({ ...copy, store, requests, capabilities, save, signal })
    return etag
  } finally {
    guard.release()
  }
}

class CopyGuard {
  readonly #job: SyncerParts
  readonly #key: string
  readonly #source: string | null
  #seq: number | undefined

  constructor(job: SyncerParts, { key, source }: Pick<JobCopy, 'key' | 'source'>) {
    this.#job = job
    this.#key = key
    this.#source = source.key === key ? null : source.key
  }

  async save(record: UploadRecord | undefined): Promise<void> {
    const { tree } = this.#job
    await tree.database.write(() => this.#write(record))
    await tree.database.sync()
  }

  /** The copy ended: what it left open is for the syncer to abort. */
  release(): void {
    if (this.#seq !== undefined) this.#job.tree.running.delete(this.#seq)
    this.#seq = undefined
  }

  #write(record: UploadRecord | undefined): void {
    const { tree, clock } = this.#job
    const seq = this.#seq
    if (!record) {
      if (seq === undefined) return
      tree.journal.remove(seq)
      this.release()
    } else if (seq === undefined) {
      this.#seq = tree.journal.insert({
        ...{ volume: tree.volume, op: 'put', node: null, key: this.#key, state: 'cancelled' },
        readyMs: clock.nowMs() + ORPHAN_RETRY_MS,
        record: encodeUploadRecord(record),
        // What is only to be aborted needs nothing to be compared with.
        source: record.attempted.length > 0 ? this.#source : null,
      })
      tree.running.add(this.#seq)
    } else {
      tree.journal.setRecord(seq, encodeUploadRecord(record))
    }
  }
}
