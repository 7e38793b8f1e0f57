/**
 * A small HTTP server on loopback that answers with whatever a script says, right or wrong.
 *
 * It writes the bytes of its answers itself, so that they may break every rule of HTTP and of S3.
 */
import { createServer, type Server, type Socket } from 'node:net'

export type SeenRequest = {
  readonly method: string
  /** As it stands on the request line. */
  readonly target: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

export type Answer = {
  /** Written as they are, one after the other. */
  readonly chunks: ReadonlyArray<string | Uint8Array>
  /** What happens to the connection then. */
  readonly ending: 'keep' | 'close' | 'reset' | 'hang'
}

export type Script = (request: SeenRequest, nth: number) => Answer

export type FaultServer = {
  readonly url: string
  readonly seen: readonly SeenRequest[]
  answer(script: Script): void
  stop(): Promise<void>
}

export async function startFaultServer(script: Script = () => reset()): Promise<FaultServer> {
  let current = script
  const seen: SeenRequest[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    serve(socket, (request) => {
      seen.push(request)
      return current(request, seen.length)
    })
  })
  const port = await listen(server)
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    answer(next) {
      current = next
      seen.length = 0
    },
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

/** A well-formed answer with a length that fits; `headers` may overrule it. */
export function reply(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array = '',
): Answer {
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length
  const all: Record<string, string> = { 'content-length': String(length), ...headers }
  const lines = Object.entries(all)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `HTTP/1.1 ${status} Status\r\n${lines.join('')}\r\n`
  return { chunks: body.length === 0 ? [head] : [head, body], ending: 'keep' }
}

const S3_HEADERS = { 'x-amz-request-id': 'TESTID', 'content-type': 'application/xml' }

export function xml(status: number, body: string, headers: Record<string, string> = {}): Answer {
  return reply(status, { ...S3_HEADERS, ...headers }, `<?xml version="1.0"?>\n${body}`)
}

export function errorXml(status: number, code: string, more = ''): Answer {
  return xml(status, `<Error><Code>${code}</Code><Message>told so</Message>${more}</Error>`)
}

export function page(status = 200, headers: Record<string, string> = {}): Answer {
  const html = '<!DOCTYPE html><html><body>Please sign in</body></html>'
  return reply(status, { 'content-type': 'text/html; charset=utf-8', ...headers }, html)
}

export function reset(): Answer {
  return { chunks: [], ending: 'reset' }
}

export function silence(): Answer {
  return { chunks: [], ending: 'hang' }
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address ? address.port : 0)
    })
  })
}

function serve(socket: Socket, react: (request: SeenRequest) => Answer): void {
  let pending = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    pending = Buffer.concat([pending, chunk])
    for (;;) {
      const taken = takeRequest(pending)
      if (!taken) return
      pending = pending.subarray(taken.bytes)
      write(socket, react(taken.request))
    }
  })
}

function takeRequest(buffer: Buffer): { request: SeenRequest; bytes: number } | undefined {
  const end = buffer.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [line = '', ...lines] = buffer.subarray(0, end).toString('latin1').split('\r\n')
  const headers = Object.fromEntries(
    lines.map((text) => {
      const colon = text.indexOf(':')
      return [text.slice(0, colon).toLowerCase(), text.slice(colon + 1).trim()]
    }),
  )
  const bytes = end + 4 + Number(headers['content-length'] ?? 0)
  if (buffer.length < bytes) return undefined
  const [method = '', target = ''] = line.split(' ')
  const body = Buffer.from(buffer.subarray(end + 4, bytes))
  return { request: { method, target, headers, body }, bytes }
}

function write(socket: Socket, { chunks, ending }: Answer): void {
  for (const chunk of chunks) socket.write(chunk)
  if (ending === 'close') socket.end()
  if (ending === 'reset') socket.resetAndDestroy()
}
