/**
 * One bucket at one endpoint: what every request to it has in common.
 */
import { PailError } from '../../shared/errors.ts'
import { digestOf, fitsEtag } from './digest.ts'
import { type BodyDigests, type DirectRequest, encodeKey } from './direct-requests.ts'
import type { Etag, Precondition, PutRequest } from './object-store.ts'
import { hasS3Headers, type Reply, type Where } from './reply.ts'
import type { CallFacts, S3Caller, Sending } from './s3-caller.ts'
import { badReply, etagOf, refuseForeign, xmlOf } from './s3-replies.ts'
import { childText } from './xml.ts'

type BucketFacts = Omit<CallFacts, 'bucket'>

export type BucketCall = BucketFacts & Sending

/** A request with a body, which `isPlain` servers take without an MD5 beside it. */
export type BodyCall = BucketFacts & { readonly direct: (isPlain: boolean) => DirectRequest }

export class S3Bucket {
  readonly caller: S3Caller
  readonly name: string

  constructor(caller: S3Caller, name: string) {
    this.caller = caller
    this.name = name
  }

  call(call: BucketCall, signal?: AbortSignal): Promise<Reply> {
    return this.caller.call({ ...call, bucket: this.name }, signal)
  }

  /**
   * With an MD5 of the body beside its signed digest, which some gateways refuse: then without it,
   * from now on. What is stored is compared with its ETag either way.
   */
  async callWithBody(call: BodyCall, signal?: AbortSignal): Promise<Reply> {
    const { memory, log } = this.caller
    const { isPlain } = memory
    const direct = () => call.direct(memory.isPlain)
    try {
      return await this.call({ ...call, direct }, signal)
    } catch (thrown) {
      if (isPlain || !refusesDigest(thrown)) throw thrown
    }
    memory.notePlain()
    log.write('info', 's3/plain-mode', { bucket: this.name })
    return this.call({ ...call, direct }, signal)
  }

  /** For requests that take something away: that it is gone already is no error. */
  async remove(call: BucketCall, signal?: AbortSignal): Promise<void> {
    try {
      const reply = await this.call(call, signal)
      const where = this.where(call.operation, call.key)
      refuseForeign(reply, where)
      // S3 answers 204. An empty 200 of something in between would be taken for a deletion.
      if (reply.status !== 204 && !hasS3Headers(reply)) throw badReply('an empty answer', where)
    } catch (thrown) {
      if (!(thrown instanceof PailError) || thrown.code !== 's3/no-key') throw thrown
    }
  }

  where(operation: string, key?: string): Where {
    const where = { operation, host: this.caller.host, bucket: this.name }
    return key === undefined ? where : { ...where, key }
  }

  copySource(key: string): string {
    return `${this.name}/${encodeKey(key)}`
  }

  /**
   * Digests of a body for the server to check. The signed MD5 covers it in
   * any case; over TLS, which finds every change on the way by itself, the signature's own digest
   * is left out.
   */
  async checkedBody(
    { body, md5Hex }: { readonly body: Uint8Array; readonly md5Hex?: string },
    signal?: AbortSignal,
  ) {
    const { isSecure, memory } = this.caller
    const withSha256 = !isSecure || memory.isPlain
    const digest = await digestOf(body, { md5Hex, withSha256 }, signal)
    return {
      md5Hex: digest.md5Hex,
      digestsFor: (isPlain: boolean): BodyDigests => ({
        ...(isPlain ? {} : { md5Base64: digest.md5Base64 }),
        sha256: digest.sha256Hex ?? 'UNSIGNED-PAYLOAD',
      }),
    }
  }

  /** The ETag of bytes that were sent, after a look whether these were stored. */
  storedEtag(reply: Reply, md5Hex: string, where: Where): { etag: Etag } {
    refuseForeign(reply, where)
    const etag = etagOf(reply.headers.etag, where)
    if (fitsEtag(md5Hex, etag, reply)) return { etag }
    throw new PailError('s3/integrity', 'the stored bytes are others than those sent', where)
  }

  etagInXml(reply: Reply, rootName: string, where: Where): { etag: Etag } {
    return { etag: etagOf(childText(xmlOf(reply, rootName, where), 'ETag'), where) }
  }
}

/** Who looks on while a body goes out. */
export function sentOf({ onSent }: Pick<PutRequest, 'onSent'>): Pick<CallFacts, 'onSent'> {
  return onSent ? { onSent } : {}
}

export function conditionOf(precondition: Precondition | undefined) {
  if (!precondition) return {}
  return 'ifMatch' in precondition ? { IfMatch: precondition.ifMatch } : { IfNoneMatch: '*' }
}

/** The way a body is vouched for is refused, as opposed to a body that arrived changed. */
function refusesDigest(thrown: unknown): boolean {
  if (!(thrown instanceof PailError) || thrown.code === 's3/integrity') return false
  const { status } = thrown.where
  const isRefusal = status === 400 || status === 403 || status === 501
  return isRefusal && /checksum|trailer|sha-?256|content-?md5|digest/i.test(thrown.detail)
}
