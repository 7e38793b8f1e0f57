/**
 * Compares objects that came in several ranges with their MD5, once they are whole in the cache.
 *
 * Runs in: engine process, in the background: one object at a time, about a quarter of the event
 *        loop while it works, nothing at all for objects whose ETag is no MD5.
 * Keeps: an object that differs from its ETag is dropped from the cache, logged, and fetched again
 *        by the next read.
 * Never: delays a read. What programs read before the comparison they have already got.
 */
import { createHash } from 'node:crypto'
import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import { PailError } from '../../shared/errors.ts'
import type { Clock } from '../base/clock.ts'
import { Limiter } from '../base/limiter.ts'
import type { Log } from '../base/log.ts'
import type { BlockCache } from '../store/block-cache.ts'
import type { Extent, ObjectVersion } from './content.ts'
import { versionKey } from './fetcher-loose.ts'
import { etagOfMd5, hasMd5Form, isSameEtag } from './upload-proof.ts'

/** The largest object that one PUT makes: what is larger has the ETag of parts. */
const OBJECT_BYTES_MAX = 5 * 1024 ** 3
/** About two milliseconds of reading and MD5... */
const SLICE_BYTES = 1024 * 1024
/** ...and the pause behind it. */
const SLICE_PAUSE_MS = 6
/** What is looked for in the cache in one turn of the loop. */
const LOOK_BYTES = 64 * 1024 * 1024
/** Versions remembered of each kind; the oldest is forgotten first. */
const VERSIONS_MAX = 1_024
const WAITING_MAX = 256

export type CheckParts = {
  readonly cache: BlockCache
  readonly clock: Clock
  readonly log: Log
  /** What programs read of the version, and the kernel keeps, may be wrong. */
  readonly onDamaged?: (version: ObjectVersion) => void
}

export class WholeChecks {
  readonly #parts: CheckParts
  /** Stored in part since they were compared last. */
  readonly #stored = new Map<string, true>()
  /** Their ETags, whatever their form, are no digests. */
  readonly #opaque = new Map<string, true>()
  readonly #turn = new Limiter({ concurrencyMax: 1, waitingMax: WAITING_MAX })
  readonly #running = new Set<Promise<void>>()

  constructor(parts: CheckParts) {
    this.#parts = parts
  }

  /** Of a range that is not the whole object: that one is compared when it arrives. */
  noteStored(version: ObjectVersion, { start, end }: Extent): void {
    const { sizeBytes, etag } = version
    if (end - start === sizeBytes || sizeBytes > OBJECT_BYTES_MAX || !hasMd5Form(etag)) return
    remember(this.#stored, versionKey(version), true)
  }

  noteOpaque(version: ObjectVersion): void {
    remember(this.#opaque, versionKey(version), true)
  }

  /** Nobody reads it any more: compares it if it is whole and something of it is new. */
  consider(version: ObjectVersion): void {
    const key = versionKey(version)
    if (!this.#stored.has(key) || this.#opaque.has(key)) return
    const done = this.#turn
      .run(() => this.#compare(version))
      .catch((thrown) => {
        this.#parts.log.write('debug', 'fetch/not-compared', { error: PailError.from(thrown).code })
      })
      .finally(() => this.#running.delete(done))
    this.#running.add(done)
  }

  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  async #compare(version: ObjectVersion): Promise<void> {
    const { cache, log, onDamaged } = this.#parts
    const key = versionKey(version)
    if (!this.#stored.has(key) || !(await this.#isComplete(version))) return
    const md5 = await this.#md5Of(version)
    if (md5 === undefined) return
    this.#stored.delete(key)
    if (isSameEtag(etagOfMd5(md5), version.etag)) return
    await cache.drop(version)
    log.write('warn', 'fetch/damaged', { key: version.key, etag: version.etag, md5 })
    onDamaged?.(version)
  }

  async #isComplete(version: ObjectVersion): Promise<boolean> {
    const { sizeBytes } = version
    for (let start = 0; start < sizeBytes; start += LOOK_BYTES) {
      if (start > 0) await turnOfTheLoop()
      const end = Math.min(sizeBytes, start + LOOK_BYTES)
      if (!this.#parts.cache.has(version, { start, end })) return false
    }
    return true
  }

  /** @returns undefined when it is not whole any more */
  async #md5Of(version: ObjectVersion): Promise<string | undefined> {
    const { cache, clock } = this.#parts
    const { sizeBytes } = version
    const md5 = createHash('md5')
    const slice = Buffer.allocUnsafe(Math.min(sizeBytes, SLICE_BYTES))
    for (let at = 0; at < sizeBytes; at += SLICE_BYTES) {
      if (at > 0) await clock.sleep(SLICE_PAUSE_MS)
      const into = slice.subarray(0, Math.min(SLICE_BYTES, sizeBytes - at))
      if (!(await cache.read(version, at, into))) return undefined
      md5.update(into)
    }
    return md5.digest('hex')
  }
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= VERSIONS_MAX) return
  const oldest = map.keys().next().value
  if (oldest !== undefined) map.delete(oldest)
}
