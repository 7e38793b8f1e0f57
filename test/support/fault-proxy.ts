/**
 * A proxy on loopback in front of a real S3 server, which spoils what it is told to spoil.
 *
 * Requests are forwarded with the Host header that the client signed. Rules say which requests a
 * fault (faults.ts) gets to handle; all others pass unchanged.
 *
 * Keeps: a request that hangs hangs until the client gives up, also after the rules are gone: a
 *        network that comes back does not answer what was lost.
 */
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { RequestReader } from './fault-socket.ts'
import { type RequestLine, type S3Operation, type S3Request, s3RequestOf } from './s3-operation.ts'
import type { Versitygw } from './versitygw.ts'

export type ProxiedReply = {
  readonly status: number
  /** Names in lower case; a `content-length` here overrules the body's. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** How a reply is put on the wire. */
export type Delivery = {
  /** Only so many bytes of the body. */
  readonly bytesMax?: number
  /** What follows: `hang` keeps the connection open and silent. */
  readonly ending?: 'keep' | 'close' | 'reset' | 'hang'
  /** The body goes in pieces of this size... */
  readonly pieceBytes?: number
  /** ...this far apart, until the proxy is healed. */
  readonly pauseMs?: number
}

export type SeenRequest = S3Request & RequestLine

/** One request in the hands of a fault, which decides everything that happens to it. */
export type Exchange = {
  readonly request: SeenRequest
  /** All of the request's body, read at the latest now. */
  body(): Promise<Buffer>
  /** Reads only so much of the body. */
  readBytes(count: number): Promise<void>
  /** Sends it to the server, with `body` in place of its own. */
  forward(body?: Buffer): Promise<ProxiedReply>
  send(reply: ProxiedReply, delivery?: Delivery): Promise<void>
  /** Bytes as they are, in place of any reply. */
  sendRaw(bytes: string): void
  reset(): void
  /** Neither reads nor writes any more. */
  hang(): void
}

export type Fault = (exchange: Exchange) => Promise<void> | void

export type Rule = {
  readonly fault: Fault
  /** All of them when absent. */
  readonly operations?: readonly S3Operation[]
  /** Part of the key, or of a listing's prefix. */
  readonly key?: string
  /** Matching requests that still pass. */
  readonly skip?: number
  /** Matching requests that are spoiled then; all when absent. */
  readonly count?: number
}

type ActiveRule = Rule & { seen: number }

export class FaultProxy {
  readonly url: string
  /** Every request since `forget`. */
  readonly seen: SeenRequest[] = []
  #upstream: URL
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 })
  readonly #sockets = new Set<Socket>()
  readonly #port: number
  #server: Server | undefined
  #rules: ActiveRule[] = []
  #spoiled = 0

  private constructor(upstream: URL, server: Server, port: number) {
    this.#upstream = upstream
    this.#server = server
    this.#port = port
    this.url = `http://127.0.0.1:${port}`
    server.on('connection', (socket) => this.#accept(socket))
  }

  static async start(server: Pick<Versitygw, 'url'>): Promise<FaultProxy> {
    const listener = createServer()
    const port = await listen(listener, 0)
    return new FaultProxy(new URL(server.url), listener, port)
  }

  /** Requests that a fault handled. */
  get spoiled(): number {
    return this.#spoiled
  }

  /** Another server answers from now on. */
  leadTo({ url }: Pick<Versitygw, 'url'>): void {
    this.#upstream = new URL(url)
  }

  /** In place of all rules before. */
  spoil(...rules: readonly Rule[]): void {
    this.#rules = rules.map((rule) => ({ ...rule, seen: 0 }))
  }

  /** Every request passes from now on. */
  heal(): void {
    this.#rules = []
  }

  /** The requests until now are not counted any more. */
  forget(): void {
    this.seen.length = 0
    this.#spoiled = 0
  }

  countOf(operation: S3Operation): number {
    return this.seen.filter((request) => request.operation === operation).length
  }

  /** Connections are refused, those that exist are reset. */
  async goDown(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    for (const socket of this.#sockets) socket.resetAndDestroy()
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()))
  }

  /** On the same port as before. */
  async comeBack(): Promise<void> {
    if (this.#server) return
    const server = createServer((socket) => this.#accept(socket))
    await listen(server, this.#port)
    this.#server = server
  }

  async stop(): Promise<void> {
    await this.goDown()
    this.#agent.destroy()
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#sockets.delete(socket))
    this.#serve(socket).catch(() => socket.destroy())
  }

  async #serve(socket: Socket): Promise<void> {
    const reader = new RequestReader(socket)
    for (;;) {
      const line = await reader.head()
      if (!line) return
      const request = { ...line, ...s3RequestOf(line) }
      this.seen.push(request)
      const talk = new ProxiedTalk(socket, reader, request, {
        forward: (body) => this.#forward(request, body),
        isHealed: () => this.#rules.length === 0,
      })
      const rule = this.#ruleFor(request)
      if (rule) this.#spoiled++
      await (rule ?? pass)(talk)
      if (talk.isOver || socket.destroyed) return
    }
  }

  #ruleFor(request: SeenRequest): Fault | undefined {
    for (const rule of this.#rules) {
      if (rule.operations && !rule.operations.includes(request.operation)) continue
      if (rule.key !== undefined && !request.key.includes(rule.key)) continue
      rule.seen++
      const nth = rule.seen - (rule.skip ?? 0)
      if (nth >= 1 && nth <= (rule.count ?? Number.POSITIVE_INFINITY)) return rule.fault
    }
    return undefined
  }

  #forward(request: SeenRequest, body: Buffer): Promise<ProxiedReply> {
    const { connection: _, ...headers } = request.headers
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest(
        {
          host: this.#upstream.hostname,
          port: this.#upstream.port,
          method: request.method,
          path: request.target,
          headers,
          agent: this.#agent,
        },
        (reply) => collect(reply).then(resolve, reject),
      )
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  }
}

/** What happens to a request that no rule is for. */
export const pass: Fault = async (exchange) => exchange.send(await exchange.forward())

type Way = {
  readonly forward: (body: Buffer) => Promise<ProxiedReply>
  readonly isHealed: () => boolean
}

class ProxiedTalk implements Exchange {
  readonly request: SeenRequest
  isOver = false
  readonly #socket: Socket
  readonly #reader: RequestReader
  readonly #way: Way
  #body: Promise<Buffer> | undefined
  #read = 0

  constructor(socket: Socket, reader: RequestReader, request: SeenRequest, way: Way) {
    this.#socket = socket
    this.#reader = reader
    this.request = request
    this.#way = way
  }

  body(): Promise<Buffer> {
    const bytes = Number(this.request.headers['content-length'] ?? 0)
    this.#body ??= this.#reader.bytes(bytes - this.#read)
    return this.#body
  }

  async readBytes(count: number): Promise<void> {
    this.#read += (await this.#reader.bytes(count)).length
  }

  async forward(body?: Buffer): Promise<ProxiedReply> {
    const own = await this.body()
    if (this.#socket.destroyed && own.length === 0) throw new Error('the client has gone')
    return this.#way.forward(body ?? own)
  }

  async send(reply: ProxiedReply, delivery: Delivery = {}): Promise<void> {
    await this.body()
    const { bytesMax, ending = 'keep', pieceBytes, pauseMs = 0 } = delivery
    const isHead = this.request.method === 'HEAD'
    this.#write(headOf(reply, isHead))
    const body = isHead ? Buffer.alloc(0) : reply.body.subarray(0, bytesMax)
    for (let at = 0; at < body.length && !this.#socket.destroyed; ) {
      const end = at + (pieceBytes ?? body.length)
      this.#write(body.subarray(at, end))
      at = end
      if (pauseMs > 0 && !this.#way.isHealed()) await sleep(pauseMs)
    }
    this.#end(ending)
  }

  sendRaw(bytes: string): void {
    this.#write(bytes)
    this.#end('hang')
  }

  reset(): void {
    this.#end('reset')
  }

  hang(): void {
    this.#end('hang')
  }

  #write(bytes: string | Uint8Array): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes)
  }

  #end(ending: NonNullable<Delivery['ending']>): void {
    if (ending !== 'keep') this.isOver = true
    if (ending === 'close') this.#socket.end()
    // After what was written has left: a reset would take it along.
    if (ending === 'reset') setImmediate(() => this.#socket.resetAndDestroy())
  }
}

function headOf(reply: ProxiedReply, isHead: boolean): string {
  const length = isHead ? undefined : String(reply.body.length)
  const headers: Record<string, string> = {
    ...(length === undefined || reply.status === 204 ? {} : { 'content-length': length }),
    ...reply.headers,
  }
  const lines = Object.entries(headers)
    .filter(([name]) => name !== 'transfer-encoding' && name !== 'connection')
    .map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${reply.status} Status\r\n${lines.join('')}\r\n`
}

async function collect(reply: IncomingMessage): Promise<ProxiedReply> {
  const chunks: Buffer[] = []
  for await (const chunk of reply) chunks.push(chunk as Buffer)
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(reply.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(',') : value
  }
  return { status: reply.statusCode ?? 0, headers, body: Buffer.concat(chunks) }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : 0)
    })
  })
}
