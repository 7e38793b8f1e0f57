/**
 * The archive of the object store in memory: what is in it, and which copies can be read.
 *
 * Keeps: a restore takes until `finish`, as one at a provider takes hours.
 */
import { isArchiveClass } from '../../shared/archive.ts'
import { PailError } from '../../shared/errors.ts'
import type { Clock } from '../base/clock.ts'
import type { ArchiveStatus, Etag, RestoreRequest } from './object-store.ts'

type Stored = { readonly etag: Etag; readonly storageClass?: string }
type Copy = { readonly etag: Etag; readonly days: number; readonly untilMs?: number }

const DAY_MS = 24 * 3_600_000

export class MemoryArchive {
  readonly #clock: Clock
  readonly #copies = new Map<string, Copy>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  statusOf(key: string, { etag, storageClass }: Stored): { archive?: ArchiveStatus } {
    if (!isArchiveClass(storageClass)) return {}
    const copy = this.#copies.get(key)
    if (copy?.etag !== etag) return { archive: { state: 'archived' } }
    const { untilMs } = copy
    if (untilMs === undefined) return { archive: { state: 'restoring' } }
    const isOver = untilMs <= this.#clock.nowMs()
    return { archive: isOver ? { state: 'archived' } : { state: 'restored', untilMs } }
  }

  /** @throws PailError `s3/archived` for what cannot be read or copied now */
  check(key: string, object: Stored): void {
    const { archive } = this.statusOf(key, object)
    if (archive && archive.state !== 'restored') throw refused(key, 'the object is archived')
  }

  restore({ key, days = 1 }: RestoreRequest, object: Stored): 'begun' | 'ongoing' | 'readable' {
    const { archive } = this.statusOf(key, object)
    if (!archive) throw refused(key, 'the object is in no archive')
    if (archive.state === 'restoring') return 'ongoing'
    const copy = { etag: object.etag, days }
    this.#copies.set(key, copy)
    if (archive.state === 'archived') return 'begun'
    this.#copies.set(key, { ...copy, untilMs: this.#clock.nowMs() + days * DAY_MS })
    return 'readable'
  }

  forget(key: string): void {
    this.#copies.delete(key)
  }

  /** What the provider does hours later. */
  finish(key: string): void {
    const copy = this.#copies.get(key)
    if (!copy) return
    this.#copies.set(key, { ...copy, untilMs: this.#clock.nowMs() + copy.days * DAY_MS })
  }
}

function refused(key: string, detail: string): PailError {
  return new PailError('s3/archived', detail, { key, status: 403 })
}
