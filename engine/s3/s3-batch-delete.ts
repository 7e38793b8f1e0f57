/**
 * Deletes up to 1,000 keys with one request, and one by one where that cannot be done.
 *
 * Never: takes silence for success: a key that the answer leaves out counts as still there.
 */
import { DeleteObjectsCommand } from '@aws-sdk/client-s3'
import { PailError } from '../../shared/errors.ts'
import { KEY_BYTES_MAX } from '../../shared/key-bytes.ts'
import { Limiter } from '../base/limiter.ts'
import { withContentMd5 } from './command-edits.ts'
import { keyBytes } from './keys.ts'
import type { S3Caller } from './s3-caller.ts'
import { type KeptKey, keptKeysOf } from './s3-listings.ts'
import { xmlOf } from './s3-replies.ts'

export const BATCH_KEYS_MAX = 1000
/** Of the keys in one request: as much as 1,000 of the longest ones that S3 has. */
const BATCH_BYTES_MAX = BATCH_KEYS_MAX * KEY_BYTES_MAX
const SINGLE_DELETES_MAX = 8

type DeleteOne = (key: string, signal?: AbortSignal) => Promise<void>

export class BatchDeleter {
  readonly #caller: S3Caller
  readonly #bucket: string
  readonly #deleteOne: DeleteOne
  /** MD5 works everywhere but on servers that want one of the newer checksums. */
  #isMd5Accepted = true
  #isBatchOffered = true

  constructor(caller: S3Caller, bucket: string, deleteOne: DeleteOne) {
    this.#caller = caller
    this.#bucket = bucket
    this.#deleteOne = deleteOne
  }

  async delete(keys: readonly string[], signal?: AbortSignal): Promise<readonly KeptKey[]> {
    if (keys.length > BATCH_KEYS_MAX) {
      throw new PailError('internal/bug', `a batch of ${keys.length} keys`)
    }
    const batched = [...new Set(keys)].filter((key) => this.#isBatchOffered && isSafeInXml(key))
    const single = keys.filter((key) => !this.#isBatchOffered || !isSafeInXml(key))
    const kept: KeptKey[] = []
    for (const some of inBatches(batched)) kept.push(...(await this.#deleteBatched(some, signal)))
    return [...kept, ...(await this.#deleteSingly(single, signal))]
  }

  async #deleteBatched(keys: readonly string[], signal?: AbortSignal): Promise<KeptKey[]> {
    try {
      return await this.#request(keys, this.#isMd5Accepted, signal)
    } catch (thrown) {
      if (!(thrown instanceof PailError)) throw thrown
      if (thrown.code === 's3/unsupported') {
        this.#isBatchOffered = false
        return await this.#deleteSingly(keys, signal)
      }
      if (!this.#isMd5Accepted || !wantsOtherChecksum(thrown)) throw thrown
    }
    this.#isMd5Accepted = false
    return await this.#request(keys, false, signal)
  }

  async #request(
    keys: readonly string[],
    isMd5: boolean,
    signal?: AbortSignal,
  ): Promise<KeptKey[]> {
    const input = {
      Bucket: this.#bucket,
      Delete: { Objects: keys.map((key) => ({ Key: key })), Quiet: false },
    }
    const operation = 'DeleteObjects'
    const reply = await this.#caller.call(
      {
        operation,
        bucket: this.#bucket,
        isServerWork: true,
        send: (client, options) => {
          const command = new DeleteObjectsCommand(input)
          return client.send(isMd5 ? withContentMd5(command) : command, options)
        },
      },
      signal,
    )
    const where = { operation, host: this.#caller.host, bucket: this.#bucket }
    return keptKeysOf(xmlOf(reply, 'DeleteResult', where), keys, where)
  }

  async #deleteSingly(keys: readonly string[], signal?: AbortSignal): Promise<KeptKey[]> {
    const limiter = new Limiter({
      concurrencyMax: SINGLE_DELETES_MAX,
      waitingMax: BATCH_KEYS_MAX,
    })
    const kept = await Promise.all(
      keys.map((key) => limiter.run(() => this.#keptAfterDelete(key, signal), signal)),
    )
    return kept.flat()
  }

  async #keptAfterDelete(key: string, signal?: AbortSignal): Promise<KeptKey[]> {
    try {
      await this.#deleteOne(key, signal)
      return []
    } catch (thrown) {
      if (!(thrown instanceof PailError)) throw thrown
      const { serverCode } = thrown.where
      const code = typeof serverCode === 'string' ? serverCode : thrown.code
      return [{ key, code, message: thrown.detail }]
    }
  }
}

function inBatches(keys: readonly string[]): string[][] {
  const batches: string[][] = []
  let bytes = BATCH_BYTES_MAX
  for (const key of keys) {
    bytes += keyBytes(key)
    if (bytes > BATCH_BYTES_MAX) {
      batches.push([])
      bytes = keyBytes(key)
    }
    batches.at(-1)?.push(key)
  }
  return batches
}

/** XML 1.0 cannot carry most control characters, and parsers change a carriage return. */
function isSafeInXml(key: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones meant
  return !/[\u0000-\u001f\u007f-\u009f\ufffe\uffff]|^\s|\s$/.test(key)
}

function wantsOtherChecksum({ where, detail }: PailError): boolean {
  return where.status === 400 && /checksum|md5|digest/i.test(detail)
}
