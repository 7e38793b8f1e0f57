/**
 * Lists objects with what the server offers: version 2 or 1, URL-encoded keys or plain ones.
 *
 * Keeps: what the server refused is not asked of it again.
 */
import { PailError } from '../../shared/errors.ts'
import { type ListWay, listRequest } from './direct-requests.ts'
import type { ListPage, ListRequest } from './object-store.ts'
import { printable, type Where } from './reply.ts'
import type { S3Caller } from './s3-caller.ts'
import { listPageOf } from './s3-listings.ts'
import { xmlOf } from './s3-replies.ts'

/** Server codes that refuse a way of asking, as opposed to what is asked for. */
const REFUSES_WAY = new Set([
  'NotImplemented',
  'InvalidArgument',
  'InvalidRequest',
  'InvalidParameter',
  'UnsupportedArgument',
  'UnsupportedParameter',
  'MethodNotAllowed',
  'BadRequest',
  'MalformedXML',
])

export class ObjectLister {
  readonly #caller: S3Caller
  readonly #bucket: string
  #version: 1 | 2 = 2
  #isEncoded = true

  constructor(caller: S3Caller, bucket: string) {
    this.#caller = caller
    this.#bucket = bucket
  }

  async list(request: ListRequest, signal?: AbortSignal): Promise<ListPage> {
    // A token belongs to the version that gave it.
    const version = request.token?.startsWith('1:') ? 1 : this.#version
    const isEncoded = this.#isEncoded
    try {
      return await this.#page(request, { version, isEncoded }, signal)
    } catch (thrown) {
      if (!refusesWay(thrown) || !this.#step({ version, isEncoded }, request)) throw thrown
      return await this.list(request, signal)
    }
  }

  /** Gives up one wish; false when none is left. */
  #step(used: ListWay, request: ListRequest): boolean {
    if (used.isEncoded) this.#isEncoded = false
    else if (used.version === 2 && request.token === undefined) this.#version = 1
    else return false
    this.#caller.log.write('info', 's3/list-way-changed', {
      version: this.#version,
      isEncoded: this.#isEncoded,
    })
    return true
  }

  async #page(request: ListRequest, way: ListWay, signal?: AbortSignal): Promise<ListPage> {
    const operation = way.version === 2 ? 'ListObjectsV2' : 'ListObjects'
    const reply = await this.#caller.call(
      {
        operation,
        bucket: this.#bucket,
        isSafeToRepeat: true,
        // A token begins with the version that it belongs to.
        direct: () => listRequest(request, way, request.token?.slice(2)),
      },
      signal,
    )
    const where: Where = { operation, host: this.#caller.host, bucket: this.#bucket }
    return listPageOf(xmlOf(reply, 'ListBucketResult', where), {
      request,
      bucket: this.#bucket,
      version: way.version,
      where,
      onDropped: (reason, key) =>
        this.#caller.log.write('warn', 's3/entry-dropped', { reason, key: printable(key) }),
    })
  }
}

function refusesWay(thrown: unknown): boolean {
  if (!(thrown instanceof PailError)) return false
  const { status, serverCode } = thrown.where
  if (status === 501) return true
  return status === 400 && typeof serverCode === 'string' && REFUSES_WAY.has(serverCode)
}
