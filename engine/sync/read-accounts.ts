/**
 * Tells which program caused how much to be fetched: indexers, thumbnailers and virus scanners read
 * whatever they find, and nobody else can tell a person where the traffic comes from.
 *
 * Owns:  what each program fetched lately. Runs in: engine process.
 * Keeps: one event for each program when it is quiet, or after BATCH_MS_MAX; what is small is not
 *        told. Bounded: of many programs at once, the one that fetched last is told first.
 */
import type { Clock } from '../base/clock.ts'

export const BATCH_QUIET_MS = 5_000
export const BATCH_MS_MAX = 60_000
/** Less than this is a person who looks at a file. */
export const TOLD_BYTES_MIN = 1024 * 1024
export const PROGRAMS_MAX = 64
/** Names kept to count files; beyond, reads of further files count for one each. */
export const KEYS_MAX = 10_000

export type Fetched = { readonly program: string; readonly key: string; readonly bytes: number }
/** `key`: of the only file, or of the folder that all of them are in. */
export type FetchedFiles = Fetched & { readonly count: number }

type Batch = {
  readonly sinceMs: number
  readonly keys: Set<string>
  folder: string
  unnamed: number
  bytes: number
  cancel: () => void
}

export class ReadAccounts {
  readonly #clock: Clock
  readonly #onTell: (fetched: FetchedFiles) => void
  readonly #batches = new Map<string, Batch>()

  constructor(clock: Clock, onTell: (fetched: FetchedFiles) => void) {
    this.#clock = clock
    this.#onTell = onTell
  }

  /** @param fetched bytes asked of the bucket for a program's reads, read-ahead included */
  note({ program, key, bytes }: Fetched): void {
    const nowMs = this.#clock.monotonicMs()
    const batch = this.#batches.get(program) ?? this.#begin(program, key, nowMs)
    batch.bytes += bytes
    if (batch.keys.size < KEYS_MAX || batch.keys.has(key)) batch.keys.add(key)
    else batch.unnamed++
    batch.folder = commonFolder(batch.folder, key)
    batch.cancel()
    const leftMs = batch.sinceMs + BATCH_MS_MAX - nowMs
    const waitMs = Math.max(0, Math.min(BATCH_QUIET_MS, leftMs))
    batch.cancel = this.#clock.after(waitMs, () => this.#tell(program))
  }

  close(): void {
    for (const program of [...this.#batches.keys()]) this.#tell(program)
  }

  #begin(program: string, key: string, sinceMs: number): Batch {
    if (this.#batches.size >= PROGRAMS_MAX) {
      const oldest = this.#batches.keys().next()
      if (!oldest.done) this.#tell(oldest.value)
    }
    const folder = key.slice(0, key.lastIndexOf('/') + 1)
    const batch = { sinceMs, keys: new Set<string>(), folder, unnamed: 0, bytes: 0, cancel() {} }
    this.#batches.set(program, batch)
    return batch
  }

  #tell(program: string): void {
    const batch = this.#batches.get(program)
    if (!batch) return
    this.#batches.delete(program)
    batch.cancel()
    if (batch.bytes < TOLD_BYTES_MIN) return
    const [only = ''] = batch.keys
    const count = batch.keys.size + batch.unnamed
    const key = count === 1 ? only : batch.folder
    this.#onTell({ program, key, count, bytes: batch.bytes })
  }
}

/** The longest folder that both are in. */
function commonFolder(folder: string, key: string): string {
  let common = folder
  while (!key.startsWith(common))
    common = common.slice(0, common.lastIndexOf('/', common.length - 2) + 1)
  return common
}
