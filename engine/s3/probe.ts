/**
 * Finds out what an endpoint honours, by trying it on a scratch key.
 *
 * Keeps: leaves no object and no upload behind, whatever happens.
 * Never: takes a refusal or a failure for a capability: in doubt the answer is no.
 */
import { PailError } from '../../shared/errors.ts'
import type { Right } from '../../shared/model.ts'
import type { Random } from '../base/clock.ts'
import { SCRATCH_NAME } from '../base/scratch-name.ts'
import type { Capabilities, Etag, ObjectStore } from './object-store.ts'

/** No object has it: the MD5 of nothing that anyone stores. */
const BOGUS_ETAG = '"00000000000000000000000000000000"' as Etag
const NOTHING = new Uint8Array(0)
const ONE_BYTE = new Uint8Array(1)
const ONE_BYTE_MD5 = '"93b885adfe0da089cdf634904fd59f71"'
const CLEAN_UP_MS = 8_000

export function scratchKey(prefix: string, random: Pick<Random, 'hex'>): string {
  return `${prefix}${SCRATCH_NAME}${random.hex(8)}`
}

export function isScratchKey(key: string): boolean {
  return key.slice(key.lastIndexOf('/') + 1).startsWith(SCRATCH_NAME)
}

/** Aborts uploads to a scratch key whose ids were lost with a reply or in a crash. */
export async function abortScratchUploads(
  store: ObjectStore,
  key: string,
  signal?: AbortSignal,
): Promise<void> {
  for (const upload of await store.listMultipart(key, signal)) {
    if (upload.key === key) await store.abortMultipart(key, upload.uploadId, signal)
  }
}

/**
 * @param scratchKey a key that nothing else uses; it does not exist before nor afterwards
 * @throws PailError when the endpoint cannot be reached: then nothing is known, and the probe is
 *         to be repeated; the signal's reason when it aborts
 */
export async function probeCapabilities(
  store: ObjectStore,
  scratchKey: string,
  signal?: AbortSignal,
): Promise<Capabilities> {
  const scratch = new Scratch(store, scratchKey, signal)
  try {
    return await scratch.probe()
  } finally {
    await scratch.cleanUp()
  }
}

/** May something be stored there? Unknown when not even listing is allowed just now. */
export async function probeWriting(
  store: ObjectStore,
  scratchKey: string,
  signal?: AbortSignal,
): Promise<Right> {
  try {
    await store.put({ key: scratchKey, body: NOTHING }, signal)
  } catch (thrown) {
    if (!(thrown instanceof PailError) || thrown.code !== 'auth/denied') throw thrown
    const prefix = scratchKey.slice(0, scratchKey.lastIndexOf('/') + 1)
    await store.list({ prefix, keysMax: 1 }, signal)
    return 'no'
  }
  await store.delete(scratchKey, signal)
  return 'yes'
}

type Outcome = 'done' | 'condition' | 'refused'

class Scratch {
  readonly #store: ObjectStore
  readonly #key: string
  readonly #signal: AbortSignal | undefined
  readonly #uploadIds: string[] = []
  #mayExist = false
  #unansweredUploads = 0

  constructor(store: ObjectStore, key: string, signal?: AbortSignal) {
    this.#store = store
    this.#key = key
    this.#signal = signal
  }

  async probe(): Promise<Capabilities> {
    const conditionalPut = await this.#probePut()
    const etag = await this.#putPlain()
    if (etag === undefined) {
      return { conditionalPut, conditionalComplete: false, uploadPartCopy: false }
    }
    const uploadPartCopy = await this.#probePartCopy(etag)
    const conditionalComplete = await this.#probeComplete()
    const etagIsMd5 = etag.toLowerCase() === ONE_BYTE_MD5
    return { conditionalPut, conditionalComplete, uploadPartCopy, etagIsMd5 }
  }

  /** Both conditions must hold back a PUT; the first is tried where ignoring it harms nothing. */
  async #probePut(): Promise<boolean> {
    const onAbsent = await this.#try(() => this.#put({ ifMatch: BOGUS_ETAG }))
    if (onAbsent !== 'condition') return false
    const create = await this.#try(() => this.#put({ ifAbsent: true }))
    if (create !== 'done') return false
    const again = await this.#try(() => this.#put({ ifAbsent: true }))
    if (again !== 'condition') return false
    return (await this.#try(() => this.#put({ ifMatch: BOGUS_ETAG }))) === 'condition'
  }

  async #put(precondition: { ifMatch: Etag } | { ifAbsent: true }): Promise<void> {
    const { signal } = this.#options()
    await this.#store.put({ key: this.#key, body: NOTHING, precondition }, signal)
  }

  async #putPlain(): Promise<Etag | undefined> {
    let etag: Etag | undefined
    await this.#try(async () => {
      const { signal } = this.#options()
      etag = (await this.#store.put({ key: this.#key, body: ONE_BYTE }, signal)).etag
    })
    return etag
  }

  async #probePartCopy(sourceEtag: Etag): Promise<boolean> {
    const outcome = await this.#try(async () => {
      const upload = await this.#createUpload()
      const source = { sourceKey: this.#key, sourceEtag, offset: 0, lengthBytes: 1 }
      await this.#store.uploadPartCopy({ ...upload, partNumber: 1, ...source }, this.#signal)
    })
    return outcome === 'done'
  }

  /** The scratch object exists here: completing over it must be held back. */
  async #probeComplete(): Promise<boolean> {
    const absent = await this.#try(() => this.#completeWith({ ifAbsent: true }))
    if (absent !== 'condition') return false
    return (await this.#try(() => this.#completeWith({ ifMatch: BOGUS_ETAG }))) === 'condition'
  }

  async #completeWith(precondition: { ifMatch: Etag } | { ifAbsent: true }): Promise<void> {
    const upload = await this.#createUpload()
    const part = { ...upload, partNumber: 1 }
    const { etag } = await this.#store.uploadPart({ ...part, body: ONE_BYTE }, this.#signal)
    const parts = [{ partNumber: 1, etag }]
    const { signal } = this.#options()
    await this.#store.completeMultipart({ ...upload, parts, precondition }, signal)
  }

  async #createUpload(): Promise<{ key: string; uploadId: string }> {
    this.#unansweredUploads++
    const { uploadId } = await this.#store.createMultipart({ key: this.#key }, this.#signal)
    this.#unansweredUploads--
    this.#uploadIds.push(uploadId)
    return { key: this.#key, uploadId }
  }

  /** Call it before anything that may store the object, even when its reply is lost. */
  #options(): { signal: AbortSignal | undefined } {
    this.#mayExist = true
    return { signal: this.#signal }
  }

  async #try(work: () => Promise<void>): Promise<Outcome> {
    try {
      await work()
      return 'done'
    } catch (thrown) {
      if (!(thrown instanceof PailError)) throw thrown
      return outcomeOf(thrown)
    }
  }

  /** Uses a signal of its own: an aborted probe leaves nothing behind either. */
  async cleanUp(): Promise<void> {
    const signal = AbortSignal.timeout(CLEAN_UP_MS)
    if (this.#unansweredUploads > 0) await this.#findUploads(signal)
    const uploads = this.#uploadIds.map((uploadId) =>
      this.#store.abortMultipart(this.#key, uploadId, signal),
    )
    const object = this.#mayExist ? [this.#store.delete(this.#key, signal)] : []
    await Promise.allSettled([...uploads, ...object])
  }

  /** An upload whose reply was lost exists under an id that only a listing tells. */
  async #findUploads(signal: AbortSignal): Promise<void> {
    const found = await this.#store.listMultipart(this.#key, signal).catch(() => [])
    for (const { key, uploadId } of found) if (key === this.#key) this.#uploadIds.push(uploadId)
  }
}

/** An absent key under If-Match answers 412 on some servers and 404 on others. */
function outcomeOf(error: PailError): Outcome {
  switch (error.code) {
    case 's3/precondition':
    case 's3/no-key':
      return 'condition'
    case 's3/unsupported':
    case 's3/rejected':
    case 's3/bad-reply':
    case 's3/too-large':
    case 'auth/denied':
    case 's3/server':
      return 'refused'
    default:
      throw error
  }
}
