/**
 * Carries signed requests over keep-alive sockets and brings back raw replies, nothing believed.
 *
 * Owns:  the sockets of one endpoint. Runs in: engine process.
 * Keeps: no wait without a limit: connecting, sending, waiting for the answer and receiving it
 *        each end when no byte moves, and the whole ends at a deadline; memory is bounded by what
 *        the caller allows, never by what the server declares.
 * Never: follows a redirect, decompresses, retries.
 *
 * It stands in place of the AWS SDK's own handler, whose idle limit starts three seconds late and
 * which hands replies to the SDK's parser: here that parser sees an empty reply, always, and what
 * the server said goes to code that checks it.
 */
import * as http from 'node:http'
import * as https from 'node:https'
import { Readable } from 'node:stream'
import { PailError } from '../../shared/errors.ts'
import type { Clock } from '../base/clock.ts'
import { ReadingAgent, SecureReadingAgent } from './reading-agents.ts'
import type { Reply } from './reply.ts'
import { type Exchange, Talk, type TransportLimits } from './talk.ts'

/** The part of a signed request that is sent. */
export type SignedRequest = {
  readonly method: string
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly path: string
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>
  readonly headers: Readonly<Record<string, string>>
  readonly body?: unknown
}

type HandlerOptions = {
  readonly abortSignal?: AbortSignal
  readonly exchange?: Exchange
}

export class HttpTransport {
  readonly #clock: Clock
  readonly #limits: TransportLimits
  #httpAgent: http.Agent
  #httpsAgent: https.Agent

  constructor(clock: Clock, limits: TransportLimits) {
    this.#clock = clock
    this.#limits = limits
    this.#httpAgent = new ReadingAgent(this.#agentOptions())
    this.#httpsAgent = new SecureReadingAgent(this.#agentOptions())
  }

  /** What the SDK is given in place of its own handler. */
  handler() {
    return {
      metadata: { handlerProtocol: 'http/1.1' },
      handle: (request: SignedRequest, options?: HandlerOptions) => this.#handle(request, options),
      updateHttpClientConfig() {},
      httpHandlerConfigs: () => ({}),
      destroy() {},
    }
  }

  /** Drops idle sockets now and busy ones when they are done; new requests use new sockets. */
  dropSockets(): void {
    const [plain, secure] = [this.#httpAgent, this.#httpsAgent]
    this.#httpAgent = new ReadingAgent(this.#agentOptions())
    this.#httpsAgent = new SecureReadingAgent(this.#agentOptions())
    for (const agent of [plain, secure]) retire(agent)
  }

  /** Sends one request of the SDK; the reply is left in `options.exchange`. */
  async #handle(request: SignedRequest, options: HandlerOptions = {}) {
    const { exchange } = options
    if (!exchange) throw new PailError('internal/bug', 'a request without its exchange')
    await this.send(request, exchange, options.abortSignal)
    return { response: { statusCode: 200, headers: {}, body: Readable.from([NEUTRAL_BODY]) } }
  }

  /** Sends one request; the reply, or why there is none, is left in `exchange`. */
  async send(request: SignedRequest, exchange: Exchange, signal?: AbortSignal): Promise<void> {
    try {
      exchange.reply = await this.#talk(request, exchange, signal)
    } catch (thrown) {
      exchange.failure = thrown
      throw thrown
    }
  }

  #agentOptions(): http.AgentOptions {
    const { socketsMax, socketReuseMs } = this.#limits
    return { keepAlive: true, maxSockets: socketsMax, timeout: socketReuseMs, scheduling: 'lifo' }
  }

  #talk(request: SignedRequest, exchange: Exchange, signal?: AbortSignal): Promise<Reply> {
    signal?.throwIfAborted()
    const isSecure = request.protocol === 'https:'
    const options: https.RequestOptions = {
      method: request.method,
      host: request.hostname.replace(/^\[(.*)\]$/, '$1'),
      path: request.path + queryOf(request.query),
      headers: request.headers,
      agent: isSecure ? this.#httpsAgent : this.#httpAgent,
      maxHeaderSize: this.#limits.headerBytesMax,
      ...(request.port === undefined ? {} : { port: request.port }),
    }
    const outgoing = isSecure ? https.request(options) : http.request(options)
    const talk = new Talk(outgoing, exchange, this.#limits, this.#clock)
    return talk.run(bodyBytes(request.body), signal)
  }
}

/** Well-formed, and without meaning to the SDK. */
const NEUTRAL_BODY = Buffer.from('<Reply></Reply>')

/** Closes idle sockets at once; a busy one is closed when its request is done. */
function retire(agent: http.Agent): void {
  agent.on('free', (socket: { destroy(): void }) => socket.destroy())
  for (const sockets of Object.values(agent.freeSockets)) {
    for (const socket of sockets ?? []) socket.destroy()
  }
}

function bodyBytes(body: unknown): Uint8Array {
  if (body === undefined || body === null || body === '') return new Uint8Array(0)
  if (typeof body === 'string') return Buffer.from(body)
  if (body instanceof Uint8Array) return body
  throw new PailError('internal/bug', 'a request body that is not bytes')
}

function queryOf(query: SignedRequest['query'] = {}): string {
  const parts: string[] = []
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat()) {
      parts.push(`${encodeStrictly(name)}=${one === null ? '' : encodeStrictly(one)}`)
    }
  }
  return parts.length === 0 ? '' : `?${parts.join('&')}`
}

/** RFC 3986 as SigV4 wants it: everything but letters, digits and `-._~`. */
export function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
