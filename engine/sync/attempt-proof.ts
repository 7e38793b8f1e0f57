/**
 * Whether what stands in the bucket was left by a request of ours whose answer was lost.
 *
 * Keeps: where ETags are digests they tell, and nothing is asked for. Where they are not (encryption
 *        with managed keys), the bytes tell, and beyond what is read for that the metadata, if it has
 *        a time that only one save can have. What cannot be told is somebody else's: it stays.
 */
import { createHash } from 'node:crypto'
import type { ObjectHead, ObjectInfo, ObjectStore, UserMetadata } from '../s3/object-store.ts'
import { readSeconds } from './object-attributes.ts'
import type { Requests, RequestUrgency } from './requests.ts'
import type { Tree } from './tree.ts'
import { isCode } from './upload-job.ts'
import { etagOfMd5, hasMd5Form, isSameEtag, metadataDigest } from './upload-proof.ts'
import type { Attempt } from './upload-record.ts'

/** What is read at most of an object to tell whose it is. */
export const PROOF_BYTES_MAX = 64 * 1024 * 1024
const READ_BYTES = 4 * 1024 * 1024
const NS_PER_MS = 1_000_000n
const UNTOLD = ['s3/no-key', 's3/precondition', 's3/archived', 'auth/denied'] as const

export type ProofParts = {
  readonly store: ObjectStore
  /** The server's ETags are known not to be digests. */
  readonly hasOpaqueEtags: boolean
  /** Runs one request. */
  readonly request: <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>
}

/** As a listing, or a HEAD, tells of it. */
export type Seen = ObjectInfo & Partial<Pick<ObjectHead, 'metadata' | 'hasOpaqueEtag'>>

export type AttemptVerdict = 'ours' | 'other' | 'unclear'

/** What can be told without a request. Pure. */
export function judgeAttempt(
  attempt: Attempt,
  seen: Pick<Seen, 'etag' | 'sizeBytes' | 'hasOpaqueEtag'>,
  hasOpaqueEtags: boolean,
): AttemptVerdict {
  if (attempt.etag !== undefined && isSameEtag(attempt.etag, seen.etag)) return 'ours'
  if (attempt.sizeBytes !== seen.sizeBytes) return 'other'
  if (seen.sizeBytes === 0) return 'ours'
  return hasOpaqueEtags || seen.hasOpaqueEtag ? 'unclear' : 'other'
}

type Worker = {
  readonly tree: Tree
  readonly store: ObjectStore
  readonly requests: Requests
  readonly signal: AbortSignal
}

export function proofParts(
  { tree, store, requests, signal }: Worker,
  urgency: RequestUrgency = 'background',
): ProofParts {
  const { hasOpaqueEtags } = tree
  return { store, hasOpaqueEtags, request: (work) => requests.run(urgency, work, signal) }
}

/** @returns false also when it cannot be told */
export async function isLeftByUs(
  parts: ProofParts,
  attempts: readonly Attempt[],
  seen: Seen,
): Promise<boolean> {
  const unclear: Attempt[] = []
  for (const attempt of attempts) {
    const verdict = judgeAttempt(attempt, seen, parts.hasOpaqueEtags)
    if (verdict === 'ours') return true
    if (verdict === 'unclear') unclear.push(attempt)
  }
  if (unclear.length === 0) return false
  const proof = new Proof(parts, seen)
  for (const attempt of unclear) if (await proof.of(attempt)) return true
  return false
}

type Version = Pick<ObjectInfo, 'key' | 'etag' | 'sizeBytes'>

/** Asks for what is needed once. */
class Proof {
  readonly #parts: ProofParts
  readonly #seen: Seen
  #md5: Promise<string | undefined> | undefined
  #metadata: Promise<UserMetadata | undefined> | undefined

  constructor(parts: ProofParts, seen: Seen) {
    this.#parts = parts
    this.#seen = seen
  }

  async of(attempt: Attempt): Promise<boolean> {
    const { etag, source } = attempt
    const { key, sizeBytes } = this.#seen
    if (sizeBytes > PROOF_BYTES_MAX || source === key) return this.#byMetadata(attempt)
    if (source !== undefined && etag !== undefined) {
      const [made, copied] = [await this.#content(), { key: source, etag, sizeBytes }]
      return made !== undefined && made === (await this.#md5Of(copied))
    }
    if (etag === undefined || !hasMd5Form(etag)) return this.#byMetadata(attempt)
    const md5 = await this.#content()
    return md5 !== undefined && isSameEtag(etag, etagOfMd5(md5))
  }

  async #byMetadata({ metadata, source, etag }: Attempt): Promise<boolean> {
    this.#metadata ??= this.#metadataOf(this.#seen)
    const found = await this.#metadata
    if (!found) return false
    // It took the place of what it was made from, with metadata that somebody asked for here.
    if (source === this.#seen.key) return metadata === metadataDigest(found)
    if (!hasOwnTime(found)) return false
    if (metadata !== undefined) return metadata === metadataDigest(found)
    if (source === undefined || etag === undefined) return false
    const copied = await this.#metadataOf({ ...this.#seen, key: source, etag }, true)
    return copied !== undefined && metadataDigest(copied) === metadataDigest(found)
  }

  #content(): Promise<string | undefined> {
    this.#md5 ??= this.#md5Of(this.#seen)
    return this.#md5
  }

  async #metadataOf(version: Seen, isAnother = false): Promise<UserMetadata | undefined> {
    if (version.metadata && !isAnother) return version.metadata
    return this.#ifThere(async () => {
      const head = await this.#parts.request((signal) =>
        this.#parts.store.head(version.key, signal),
      )
      return isSameEtag(head.etag, version.etag) ? head.metadata : undefined
    })
  }

  #md5Of({ key, etag, sizeBytes }: Version): Promise<string | undefined> {
    return this.#ifThere(async () => {
      const md5 = createHash('md5')
      for (let offset = 0; offset < sizeBytes; offset += READ_BYTES) {
        const into = new Uint8Array(Math.min(READ_BYTES, sizeBytes - offset))
        const read = { key, etag, offset, into }
        await this.#parts.request((signal) => this.#parts.store.get(read, signal))
        md5.update(into)
      }
      return md5.digest('hex')
    })
  }

  /** undefined: it is gone, another version by now, or cannot be read, which nobody waits for. */
  async #ifThere<T>(look: () => Promise<T>): Promise<T | undefined> {
    try {
      return await look()
    } catch (thrown) {
      if (UNTOLD.some((code) => isCode(thrown, code))) return undefined
      throw thrown
    }
  }
}

/** A time as a program's write leaves it. Archives and copies set whole seconds, or milliseconds. */
function hasOwnTime({ mtime }: UserMetadata): boolean {
  const stamp = readSeconds(mtime)
  return stamp !== undefined && stamp % NS_PER_MS !== 0n
}
