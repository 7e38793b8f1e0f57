/**
 * A fault that makes the server's clock another one: it refuses requests signed at the wrong time,
 * by its own Date, and what it takes is signed anew for the real server behind it.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
import { createHash, createHmac } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import type { Fault, ProxiedReply, SeenRequest } from './fault-proxy.ts'
import { errorReply } from './faults.ts'
import type { PlainEndpoint } from './s3-client.ts'

/** As on S3 servers. */
const SKEW_MS_MAX = 15 * 60_000

/** @param skewMs how far the server's clock is ahead of this computer's */
export function skewedClock(endpoint: PlainEndpoint, skewMs: number): Fault {
  return async (exchange) => {
    const serverMs = Date.now() + skewMs
    const date = new Date(serverMs).toUTCString()
    const body = await exchange.body()
    const signedMs = timeOf(exchange.request.headers['x-amz-date'] ?? '')
    const isRefused = Math.abs(signedMs - serverMs) > SKEW_MS_MAX
    const reply = isRefused
      ? errorReply(403, 'RequestTimeTooSkewed')
      : await forwardSigned(endpoint, exchange.request, body)
    await exchange.send({ ...reply, headers: { ...reply.headers, date } })
  }
}

/** `20260102T030405Z`. */
function timeOf(stamp: string): number {
  return Date.parse(stamp.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'))
}

function forwardSigned(
  endpoint: PlainEndpoint,
  request: SeenRequest,
  body: Buffer,
): Promise<ProxiedReply> {
  const { hostname, port } = new URL(endpoint.url)
  const headers = signedHeaders(endpoint, request)
  return new Promise((resolve, reject) => {
    const { method, target: path } = request
    const outgoing = httpRequest({ hostname, port, method, path, headers }, (reply) => {
      const chunks: Buffer[] = []
      reply.on('data', (chunk: Buffer) => chunks.push(chunk))
      reply.on('error', reject)
      reply.on('end', () => {
        const flat = Object.entries(reply.headers).map(([name, value]) => [name, String(value)])
        const status = reply.statusCode ?? 0
        resolve({ status, headers: Object.fromEntries(flat), body: Buffer.concat(chunks) })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

function signedHeaders(endpoint: PlainEndpoint, request: SeenRequest): Record<string, string> {
  const { authorization: _, connection: __, ...rest } = request.headers
  const stamp = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const headers: Record<string, string> = { ...rest, 'x-amz-date': stamp }
  const names = Object.keys(headers)
    .filter((name) => name === 'host' || name.startsWith('x-amz-'))
    .sort()
  const scope = `${stamp.slice(0, 8)}/${endpoint.region ?? 'us-east-1'}/s3/aws4_request`
  const [path = '', query = ''] = request.target.split('?')
  const canonical = [
    request.method,
    path,
    query
      .split('&')
      .map((part) => (part.includes('=') || part === '' ? part : `${part}=`))
      .sort()
      .join('&'),
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    headers['x-amz-content-sha256'] ?? 'UNSIGNED-PAYLOAD',
  ].join('\n')
  const hash = createHash('sha256').update(canonical).digest('hex')
  const toSign = ['AWS4-HMAC-SHA256', stamp, scope, hash].join('\n')
  const key = scope
    .split('/')
    .reduce<string | Buffer>(
      (secret, part) => createHmac('sha256', secret).update(part).digest(),
      `AWS4${endpoint.secretAccessKey}`,
    )
  const signature = createHmac('sha256', key).update(toSign).digest('hex')
  const credential = `${endpoint.accessKeyId}/${scope}`
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  return headers
}
