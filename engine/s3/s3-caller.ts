/**
 * Sends requests and returns raw replies: the frequent ones as they are, signed by the AWS SDK, the
 * others as commands of the SDK, which builds them as well.
 *
 * Keeps: one SDK client per region, all on the same sockets; what was learned about the clock, in
 *        this process only.
 * Never: retries, except once after such a correction, and once when a read was sent into a
 *        socket that the server had closed already.
 */
import { S3Client } from '@aws-sdk/client-s3'
import { PailError } from '../../shared/errors.ts'
import type { Credentials, Endpoint } from '../../shared/model.ts'
import { type Clock, SystemClock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { DirectRequest } from './direct-requests.ts'
import { DirectSender } from './direct-sender.ts'
import type { EndpointMemory } from './endpoint-memory.ts'
import type { Reply, Where } from './reply.ts'
import { errorOfReply, regionHint } from './s3-errors.ts'
import type { Exchange, TransportLimits } from './talk.ts'
import { HttpTransport } from './transport.ts'

/** Replies other than object bytes: a listing of 1,000 long keys stays below 4 MiB. */
export const REPLY_BYTES_MAX = 16 * 1024 * 1024
/** S3 servers refuse requests whose time is off by more than 15 minutes. */
const SKEW_BELIEVED_MS = 5 * 60_000
/** A skew worth a word to the person. */
const SKEW_TOLD_MS = 60_000
const REGIONS_MAX = 64

export type CallerOptions = {
  readonly endpoint: Endpoint
  readonly credentials: Credentials
  readonly clock: Clock
  readonly log: Log
  readonly limits: TransportLimits
  readonly memory: EndpointMemory
  /** Called for each request that goes out, also for one that is sent again. */
  readonly onRequest?: (operation: string) => void
}

export type SendOptions = { readonly abortSignal?: AbortSignal; readonly exchange: Exchange }

/** Either built by a command of the SDK, a new one each time: these are not made to be sent twice. */
export type Sending =
  | { readonly send: (client: S3Client, options: SendOptions) => Promise<unknown> }
  | { readonly direct: () => DirectRequest }

export type Call = CallFacts & Sending

export type CallFacts = {
  /** Name of the operation, for errors. */
  readonly operation: string
  readonly bucket?: string
  readonly key?: string
  /** The server may need long after the request was sent, and does something with it. */
  readonly isServerWork?: boolean
  readonly isSafeToRepeat?: boolean
  readonly destination?: Exchange['destination']
  readonly onProgress?: Exchange['onProgress']
  readonly onSent?: Exchange['onSent']
  readonly bodyBytesExpected?: number
}

type RegionClient = { readonly sdk: S3Client; readonly direct: DirectSender }

export class S3Caller {
  readonly host: string
  readonly isSecure: boolean
  readonly #options: CallerOptions
  readonly #transport: HttpTransport
  readonly #clients = new Map<string, RegionClient>()
  /** The SDK signs with the system's time; this is what it reads. */
  readonly #sdkClock = new SystemClock()
  #skewMs = 0
  #credentials: Credentials

  constructor(options: CallerOptions) {
    this.#options = options
    const { host, protocol } = new URL(options.endpoint.url)
    this.host = host
    this.isSecure = protocol === 'https:'
    this.#credentials = options.credentials
    this.#transport = new HttpTransport(options.clock, options.limits)
  }

  /** The server's time, as far as it is known. */
  get serverNowMs(): number {
    return this.#options.clock.nowMs() + this.#skewMs
  }

  get memory(): EndpointMemory {
    return this.#options.memory
  }

  get log(): Log {
    return this.#options.log
  }

  /** Requests are signed with these keys from now on. */
  renew(credentials: Credentials): void {
    this.#credentials = credentials
    this.#clients.clear()
  }

  dropSockets(): void {
    this.#transport.dropSockets()
  }

  /**
   * Sends and returns a reply with a status from 200 to 299, whose content is still to be checked.
   * @throws PailError for every other reply, and for none; the signal's reason when it aborts
   */
  async call(call: Call, signal?: AbortSignal): Promise<Reply> {
    const first = await this.#send(call, signal)
    if (isSuccess(first)) return first
    if (!this.#learnFrom(first, call)) throw errorOfReply(first, this.#where(call))
    const second = await this.#send(call, signal)
    if (isSuccess(second)) return second
    throw errorOfReply(second, this.#where(call))
  }

  async #send(call: Call, signal?: AbortSignal): Promise<Reply> {
    const first = this.#exchange(call)
    try {
      return await this.#exchangeOnce(call, first, signal)
    } catch (thrown) {
      const isStaleSocket =
        first.isReusedSocket && thrown instanceof PailError && thrown.code === 'net/reset'
      if (!isStaleSocket || !call.isSafeToRepeat || signal?.aborted) throw thrown
    }
    return await this.#exchangeOnce(call, this.#exchange(call), signal)
  }

  async #exchangeOnce(call: Call, exchange: Exchange, signal?: AbortSignal): Promise<Reply> {
    signal?.throwIfAborted()
    const client = this.#client(this.#regionOf(call))
    this.#options.onRequest?.(call.operation)
    try {
      if ('direct' in call) await this.#sendDirect(client.direct, call, exchange, signal)
      else await this.#sendCommand(client.sdk, call, exchange, signal)
    } catch (thrown) {
      // With a reply at hand it does not matter what the SDK makes of its empty stand-in.
      if (!exchange.reply) throw this.#failure(exchange, thrown, call, signal)
    }
    if (exchange.reply) return exchange.reply
    throw new PailError('internal/bug', 'the SDK sent nothing', this.#where(call))
  }

  async #sendDirect(
    sender: DirectSender,
    call: CallFacts & { readonly direct: () => DirectRequest },
    exchange: Exchange,
    signal?: AbortSignal,
  ): Promise<void> {
    const signed = await sender.sign(call.bucket ?? '', call.direct(), this.serverNowMs)
    await this.#transport.send(signed, exchange, signal)
  }

  async #sendCommand(
    client: S3Client,
    call: CallFacts & {
      readonly send: (client: S3Client, options: SendOptions) => Promise<unknown>
    },
    exchange: Exchange,
    signal?: AbortSignal,
  ): Promise<void> {
    client.config.systemClockOffset = this.serverNowMs - this.#sdkClock.nowMs()
    await call.send(client, signal ? { abortSignal: signal, exchange } : { exchange })
  }

  #failure(exchange: Exchange, thrown: unknown, call: Call, signal?: AbortSignal): unknown {
    if (exchange.failure !== undefined) return exchange.failure
    if (signal?.aborted) return signal.reason
    const name = thrown instanceof Error ? thrown.name : 'unknown'
    return new PailError('s3/rejected', `cannot be sent (${name})`, this.#where(call), thrown)
  }

  #exchange(call: Call): Exchange {
    return {
      where: this.#where(call),
      bodyBytesMax: REPLY_BYTES_MAX,
      bodyBytesExpected: call.bodyBytesExpected ?? 0,
      isServerWork: call.isServerWork ?? false,
      ...(call.destination ? { destination: call.destination } : {}),
      ...(call.onProgress ? { onProgress: call.onProgress } : {}),
      ...(call.onSent ? { onSent: call.onSent } : {}),
    }
  }

  #where(call: Call): Where {
    return {
      operation: call.operation,
      host: this.host,
      ...(call.bucket === undefined ? {} : { bucket: call.bucket }),
      ...(call.key === undefined ? {} : { key: call.key }),
    }
  }

  #regionOf(call: Call): string {
    return this.memory.regionOf(call.bucket ?? '') ?? this.#options.endpoint.region
  }

  /** True when the reply told something that makes a second try worth it. */
  #learnFrom(reply: Reply, call: Call): boolean {
    const { code } = errorOfReply(reply, {})
    if (code === 's3/wrong-region') return this.#learnRegion(reply, call)
    // A HEAD has no body that could name the reason: the server's Date tells it as well.
    if (code === 'auth/clock-skewed' || reply.status === 403) return this.#learnSkew(reply, code)
    return false
  }

  #learnRegion(reply: Reply, call: Call): boolean {
    const region = regionHint(reply)
    if (!region || region === this.#regionOf(call)) return false
    this.memory.noteRegion(call.bucket ?? '', region)
    this.log.write('info', 's3/region-corrected', { bucket: call.bucket, region })
    return true
  }

  #learnSkew(reply: Reply, code: string): boolean {
    const serverMs = Date.parse(reply.headers.date ?? '')
    if (!Number.isFinite(serverMs)) return false
    const skewMs = serverMs - this.#options.clock.nowMs()
    const isNews = Math.abs(skewMs - this.#skewMs) > SKEW_BELIEVED_MS
    if (!isNews && code !== 'auth/clock-skewed') return false
    this.#skewMs = skewMs
    const level = Math.abs(skewMs) > SKEW_TOLD_MS ? 'warn' : 'info'
    this.log.write(level, 's3/clock-corrected', { skewMs })
    return true
  }

  #client(region: string): RegionClient {
    const known = this.#clients.get(region)
    if (known) return known
    if (this.#clients.size >= REGIONS_MAX) this.#clients.clear()
    const { endpoint } = this.#options
    const url = endpointOfRegion(endpoint.url, region)
    const sdk = this.#makeClient(region, url)
    const direct = new DirectSender(sdk, { url, region, isPathStyle: !endpoint.virtualHosted })
    const client = { sdk, direct }
    this.#clients.set(region, client)
    return client
  }

  #makeClient(region: string, url: string): S3Client {
    const { endpoint } = this.#options
    // Which Node runs Pail is decided by Electron; a person can do nothing about the SDK's advice.
    process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
    return new S3Client({
      endpoint: url,
      region,
      credentials: { ...this.#credentials },
      forcePathStyle: !endpoint.virtualHosted,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      maxAttempts: 1,
      requestHandler: this.#transport.handler(),
      followRegionRedirects: false,
      disableS3ExpressSessionAuth: true,
      expectContinueHeader: false,
      useArnRegion: false,
    })
  }
}

/** Amazon's hosts carry the region; other endpoints serve whatever region is signed. */
export function endpointOfRegion(url: string, region: string): string {
  const { hostname, protocol } = new URL(url)
  const isAmazon = /^s3([.-][a-z0-9-]+)?\.amazonaws\.com$/.test(hostname)
  return isAmazon ? `${protocol}//s3.${region}.amazonaws.com` : url
}

function isSuccess(reply: Reply): boolean {
  return reply.status >= 200 && reply.status < 300
}
