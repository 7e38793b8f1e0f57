/**
 * One HTTP request and its reply on one socket: limits of time and of memory.
 *
 * Keeps: ends exactly once, with a reply or a reason; after that no byte is written anywhere.
 */
import type * as http from 'node:http'
import { assertNever, PailError } from '../../shared/errors.ts'
import type { Clock } from '../base/clock.ts'
import type { Reply, ReplyHead, Where } from './reply.ts'
import { errorOfNetwork } from './s3-errors.ts'

export type TransportLimits = {
  readonly socketsMax: number
  /** From asking for a socket's connection to its being ready, TLS included. */
  readonly connectMs: number
  /** Longest time in which no byte moves, in either direction. */
  readonly idleMs: number
  /** The same after a request that makes the server work: storing, copying, completing. */
  readonly workIdleMs: number
  /** An idle socket is not used again after this: the network may have changed meanwhile. */
  readonly socketReuseMs: number
  /** The whole request may take this, plus its bytes at `bytesPerSecondMin`. */
  readonly requestMs: number
  readonly bytesPerSecondMin: number
  readonly headerBytesMax: number
}

/** A body is told of in steps of this: on a line of 2 Mbit/s one in two seconds. */
const SENT_PIECE_BYTES = 512 * 1024

export const TRANSPORT_LIMITS: TransportLimits = {
  socketsMax: 64,
  connectMs: 5_000,
  idleMs: 8_000,
  workIdleMs: 30_000,
  socketReuseMs: 30_000,
  requestMs: 60_000,
  bytesPerSecondMin: 4 * 1024,
  headerBytesMax: 64 * 1024,
}

/** One request's side of the talk: what it allows, and what came back. */
export type Exchange = {
  readonly where: Where
  /** A longer body is refused while it arrives. */
  readonly bodyBytesMax: number
  readonly isServerWork: boolean
  /** What the deadline allows time for, besides the request's own body. */
  readonly bodyBytesExpected: number
  /**
   * Asked when the headers are there. Returns where the body goes, which it must fill exactly, or
   * undefined to have it in `reply.body`; throws a PailError to refuse the reply.
   */
  readonly destination?: (head: ReplyHead) => Uint8Array | undefined
  /** Called with each piece of the body that goes to `destination`: bytes that were asked for. */
  readonly onProgress?: () => void
  /** Called while the request's body goes out, with its bytes so far; its length is in the headers. */
  readonly onSent?: (sentBytes: number) => void
  reply?: Reply
  failure?: unknown
  /** The socket had served before: a reset may only mean that the server had closed it. */
  isReusedSocket?: boolean
}

/** One request on its socket, from sending to the last byte of the reply. */
export class Talk {
  readonly #outgoing: http.ClientRequest
  readonly #exchange: Exchange
  readonly #limits: TransportLimits
  readonly #clock: Clock
  #phase: 'connecting' | 'sending' | 'waiting' | 'receiving' = 'connecting'
  #settle: { resolve: (reply: Reply) => void; reject: (reason: unknown) => void } | undefined
  readonly #cleanUp: Array<() => void> = []

  constructor(
    outgoing: http.ClientRequest,
    exchange: Exchange,
    limits: TransportLimits,
    clock: Clock,
  ) {
    this.#outgoing = outgoing
    this.#exchange = exchange
    this.#limits = limits
    this.#clock = clock
  }

  run(body: Uint8Array, signal?: AbortSignal): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
      this.#listen()
      this.#watchAbort(signal)
      this.#watchDeadline(body.length)
      this.#sendBody(body)
    })
  }

  /** In pieces only for somebody who looks on: the kernel's buffer bridges the time between two. */
  #sendBody(body: Uint8Array): void {
    const { onSent } = this.#exchange
    const outgoing = this.#outgoing
    if (!onSent || body.length <= SENT_PIECE_BYTES) {
      outgoing.end(body)
      return
    }
    const sendFrom = (offset: number) => {
      const sentBytes = Math.min(body.length, offset + SENT_PIECE_BYTES)
      outgoing.write(body.subarray(offset, sentBytes), (error) => {
        if (error || !this.#settle) return
        onSent(sentBytes)
        if (sentBytes < body.length) sendFrom(sentBytes)
      })
      if (sentBytes === body.length) outgoing.end()
    }
    sendFrom(0)
  }

  #listen(): void {
    const outgoing = this.#outgoing
    outgoing.on('error', (error) => this.#fail(error))
    outgoing.on('close', () => this.#closed())
    outgoing.once('socket', (socket) => this.#watchSocket(socket))
    outgoing.once('finish', () => {
      if (this.#phase === 'receiving') return
      this.#phase = 'waiting'
      outgoing.socket?.setTimeout(this.#idleMs())
    })
    outgoing.once('response', (response) => this.#receive(response))
  }

  /** Every request ends with this; nearly always after its reply. */
  #closed(): void {
    if (this.#settle) this.#fail(new PailError('net/reset', 'closed without a reply'))
  }

  #watchSocket(socket: NonNullable<http.ClientRequest['socket']>): void {
    this.#exchange.isReusedSocket = this.#outgoing.reusedSocket
    const onTimeout = () => this.#fail(timeout(`no byte moved while ${this.#phase}`))
    socket.on('timeout', onTimeout)
    this.#cleanUp.push(() => socket.off('timeout', onTimeout))
    const onReady = () => {
      cancel()
      if (this.#phase === 'connecting') this.#phase = 'sending'
      socket.setTimeout(this.#idleMs())
    }
    const ready = 'encrypted' in socket ? 'secureConnect' : 'connect'
    const { connectMs } = this.#limits
    const cancel = this.#clock.after(connectMs, () => this.#fail(timeout('no connection')))
    this.#cleanUp.push(cancel, () => socket.off(ready, onReady))
    if (this.#outgoing.reusedSocket || !socket.connecting) onReady()
    else socket.once(ready, onReady)
  }

  #idleMs(): number {
    const { idleMs, workIdleMs } = this.#limits
    switch (this.#phase) {
      case 'connecting':
      case 'sending':
        return idleMs
      case 'waiting':
      case 'receiving':
        return this.#exchange.isServerWork ? workIdleMs : idleMs
      default:
        return assertNever(this.#phase)
    }
  }

  #watchAbort(signal?: AbortSignal): void {
    if (!signal) return
    const onAbort = () => this.#stop(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    this.#cleanUp.push(() => signal.removeEventListener('abort', onAbort))
  }

  #watchDeadline(bodyBytes: number): void {
    const { requestMs, bytesPerSecondMin, workIdleMs } = this.#limits
    const bytes = bodyBytes + this.#exchange.bodyBytesExpected
    const workMs = this.#exchange.isServerWork ? 10 * workIdleMs : 0
    const deadlineMs = requestMs + workMs + (bytes / bytesPerSecondMin) * 1000
    this.#cleanUp.push(
      this.#clock.after(deadlineMs, () => this.#fail(timeout('the whole request took too long'))),
    )
  }

  #receive(response: http.IncomingMessage): void {
    this.#phase = 'receiving'
    this.#outgoing.socket?.setTimeout(this.#idleMs())
    const head = headOf(response)
    response.on('error', (error) => this.#fail(error))
    try {
      const sink = new Sink(head, this.#exchange)
      response.on('data', (chunk: Uint8Array) => {
        if (!this.#settle) return
        const refusal = sink.take(chunk)
        if (refusal) this.#fail(refusal)
        else if (sink.isWanted) this.#exchange.onProgress?.()
      })
      response.once('end', () => this.#finish(response, head, sink))
    } catch (thrown) {
      this.#fail(thrown)
    }
  }

  #finish(response: http.IncomingMessage, head: ReplyHead, sink: Sink): void {
    const refusal = response.complete ? sink.refusalAtEnd() : new PailError('net/reset', 'cut off')
    if (refusal) {
      this.#fail(refusal)
      return
    }
    const { resolve } = this.#settle ?? {}
    this.#end()
    // A server that answers before it has read the whole request leaves a socket in the middle.
    if (!this.#outgoing.writableFinished) this.#outgoing.destroy()
    resolve?.({ ...head, body: sink.body() })
  }

  #fail(thrown: unknown): void {
    const { code, detail, where, cause } = errorOfNetwork(thrown, {})
    this.#stop(new PailError(code, detail, { ...this.#exchange.where, ...where }, cause))
  }

  #stop(reason: unknown): void {
    const { reject } = this.#settle ?? {}
    if (!reject) return
    this.#end()
    this.#outgoing.destroy()
    reject(reason)
  }

  #end(): void {
    this.#settle = undefined
    for (const cleanUp of this.#cleanUp.splice(0)) cleanUp()
  }
}

/** Takes the bytes of a body as they come: into the caller's memory or into a bounded list. */
class Sink {
  readonly #into: Uint8Array | undefined
  readonly #chunks: Uint8Array[] = []
  readonly #bytesMax: number
  #bytes = 0

  constructor(head: ReplyHead, exchange: Exchange) {
    this.#into = exchange.destination?.(head)
    this.#bytesMax = this.#into?.length ?? exchange.bodyBytesMax
  }

  /** False for the body of an error: however often one comes, nothing moves on. */
  get isWanted(): boolean {
    return this.#into !== undefined
  }

  take(chunk: Uint8Array): PailError | undefined {
    if (this.#bytes + chunk.length > this.#bytesMax) {
      return new PailError('s3/bad-reply', `the body is longer than ${this.#bytesMax} bytes`)
    }
    if (this.#into) this.#into.set(chunk, this.#bytes)
    else this.#chunks.push(chunk)
    this.#bytes += chunk.length
    return undefined
  }

  refusalAtEnd(): PailError | undefined {
    if (!this.#into || this.#bytes === this.#into.length) return undefined
    const detail = `the body has ${this.#bytes} bytes in place of ${this.#into.length}`
    return new PailError('s3/bad-reply', detail)
  }

  body(): Uint8Array {
    return Buffer.concat(this.#chunks)
  }
}

function headOf(response: http.IncomingMessage): ReplyHead {
  const headers: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(',') : value
  }
  return { status: response.statusCode ?? 0, headers }
}

function timeout(detail: string): PailError {
  return new PailError('net/timeout', detail)
}
