/** Parts for tests of the cache and the fetcher: objects whose bytes are known everywhere. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../../engine/base/clock.ts'
import { silentLog } from '../../engine/base/log.ts'
import type { Etag, ObjectStore } from '../../engine/s3/object-store.ts'
import { BlockCache } from '../../engine/store/block-cache.ts'
import type { SpaceLimits } from '../../engine/store/block-space.ts'
import { Database } from '../../engine/store/database.ts'
import type { Extent, ObjectVersion } from '../../engine/sync/content.ts'
import type { Requests } from '../../engine/sync/requests.ts'
import { PailError } from '../../shared/errors.ts'
import type { MemoryDisk } from './memory-disk.ts'

export const KIB = 1024
export const MIB = 1024 * 1024

export function versionOf(key: string, sizeBytes: number, etag = '"1"'): ObjectVersion {
  return { volume: 1, key, etag: etag as Etag, sizeBytes }
}

/** Bytes that differ at every offset, for every version; never zero. */
export function contentOf(version: ObjectVersion, start: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  let salt = 7
  for (const char of version.key + version.etag) salt = (salt * 31 + char.charCodeAt(0)) % 65_521
  for (let i = 0; i < length; i++) {
    const at = start + i
    bytes[i] = 1 + ((at ^ (at >>> 8) ^ (at >>> 16) ^ (at >>> 24) ^ salt) % 255)
  }
  return bytes
}

export type TemporaryDatabase = {
  readonly database: Database
  reopen(): Database
  copy(): TemporaryDatabase
  remove(): void
}

/** A database in a folder of its own, removed by `remove`. */
export function temporaryDatabase(from?: string): TemporaryDatabase {
  const folder = mkdtempSync(join(tmpdir(), 'pail-cache-'))
  const path = join(folder, 'pail.db')
  if (from !== undefined) copyFileSync(from, path)
  let database = Database.open(path)
  return {
    get database() {
      return database
    },
    reopen() {
      database.close()
      database = Database.open(path)
      return database
    },
    /** A second database with the same rows. */
    copy() {
      database.close()
      const other = temporaryDatabase(path)
      database = Database.open(path)
      return other
    },
    remove() {
      database.close()
      rmSync(folder, { recursive: true })
    },
  }
}

export function openCache(
  disk: MemoryDisk,
  database: Database,
  clock: Clock,
  limits: SpaceLimits = { cacheBytesMax: 1024 * MIB, freeBytesMin: 0 },
): Promise<BlockCache> {
  return BlockCache.open({ disk, database, folder: '/cache', clock, log: silentLog, limits })
}

/** Runs every request at once, without retry. */
export const directRequests: Requests = {
  run: (_urgency, work, signal) => work(signal ?? new AbortController().signal, () => {}),
}

export type AskedRange = Extent & { readonly key: string }

/**
 * A server that only knows GET, of objects made by `contentOf`. Records what was asked; can hold
 * answers back, fail them, or pretend that the object changed.
 */
export class GetOnlyStore {
  readonly asked: AskedRange[] = []
  readonly aborted: AskedRange[] = []
  readonly #etags = new Map<string, Etag>()
  readonly #failures: unknown[] = []
  #isHeld = false
  #held: Array<() => void> = []
  readonly #moving = new Set<() => void>()
  /** Answers under way at one time, at most. */
  sideBySideMax = 0
  bytesSideBySideMax = 0
  #running = 0
  #runningBytes = 0
  /** Waits this long before each answer. */
  delay: (() => Promise<void>) | undefined

  get store(): ObjectStore {
    const get: ObjectStore['get'] = (request, signal) => this.#get(request, signal)
    const others = {
      get: (_target: object, name: string) => {
        if (name === 'get') return get
        return () => {
          throw new Error(`${name} is not expected here`)
        }
      },
    }
    return new Proxy({}, others) as ObjectStore
  }

  get bytesAsked(): number {
    return this.asked.reduce((sum, range) => sum + range.end - range.start, 0)
  }

  forget(): void {
    this.asked.length = 0
  }

  /** The object has this version now; another one is answered with 412. */
  replace(key: string, etag: string): void {
    this.#etags.set(key, etag as Etag)
  }

  failNext(reason: unknown): void {
    this.#failures.push(reason)
  }

  hold(): void {
    this.#isHeld = true
  }

  /** Answers what is held: all, or the first few. */
  release(count = this.#held.length): void {
    if (count >= this.#held.length) this.#isHeld = false
    if (!this.#isHeld) this.#moving.clear()
    for (const answer of this.#held.splice(0, count)) answer()
  }

  /** Some bytes of what is held arrive, no range is whole yet. */
  drip(): void {
    for (const onProgress of this.#moving) onProgress()
  }

  async #get(request: Parameters<ObjectStore['get']>[0], signal?: AbortSignal): Promise<void> {
    const { key, offset, into, onProgress = () => {} } = request
    const range = { key, start: offset, end: offset + into.length }
    this.asked.push(range)
    this.#count(1, into.length)
    try {
      await this.#wait(range, onProgress, signal)
      const failure = this.#failures.shift()
      if (failure) throw failure
      const now = this.#etags.get(key)
      if (now !== undefined && now !== request.etag) throw new PailError('s3/precondition', '412')
      into.set(contentOf(versionOf(key, 0, request.etag), offset, into.length))
    } finally {
      this.#count(-1, -into.length)
    }
  }

  async #wait(range: AskedRange, onProgress: () => void, signal?: AbortSignal): Promise<void> {
    await this.delay?.()
    if (!this.#isHeld) return
    this.#moving.add(onProgress)
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        this.aborted.push(range)
        reject(signal?.reason)
      }
      if (signal?.aborted) return onAbort()
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#held.push(resolve)
    })
  }

  #count(requests: number, bytes: number): void {
    this.#running += requests
    this.#runningBytes += bytes
    this.sideBySideMax = Math.max(this.sideBySideMax, this.#running)
    this.bytesSideBySideMax = Math.max(this.bytesSideBySideMax, this.#runningBytes)
  }
}
