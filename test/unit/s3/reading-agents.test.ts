import { createHash } from 'node:crypto'
import * as http from 'node:http'
import * as https from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { ReadingAgent, SecureReadingAgent } from '../../../engine/s3/reading-agents.ts'

const BODY_BYTES = 1_000_003
const SOCKETS = 4
const REQUESTS = 24

/** A key that both sides know: TLS without a certificate. */
const PSK = {
  ciphers: 'PSK',
  maxVersion: 'TLSv1.2',
  pskCallback: () => ({ psk: Buffer.from('0123456789abcdef'), identity: 'test' }),
} as const

const LINES = {
  http: () => {
    const server = http.createServer(answer)
    const agent = new ReadingAgent({ keepAlive: true, maxSockets: SOCKETS })
    return { server, agent, get: http.get }
  },
  https: () => {
    const pskCallback = () => Buffer.from('0123456789abcdef')
    const server = https.createServer({ ...PSK, pskCallback }, answer)
    const check = { checkServerIdentity: () => undefined }
    const agent = new SecureReadingAgent({
      keepAlive: true,
      maxSockets: SOCKETS,
      ...PSK,
      ...check,
    })
    return { server, agent, get: https.get }
  },
}

let end = async () => {}
afterEach(() => end())

describe.each(['http', 'https'] as const)('Sockets of %s that share a buffer', (line) => {
  test('bring each reply to the request it belongs to, many side by side and one after the other', async () => {
    const { server, agent, get } = LINES[line]()
    const sockets = new Set<unknown>()
    server.on(line === 'http' ? 'connection' : 'secureConnection', (socket) => sockets.add(socket))
    end = async () => {
      agent.destroy()
      await new Promise((resolve) => server.close(resolve))
    }
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const body = (path: string) =>
      new Promise<Buffer>((resolve, reject) => {
        const request = get({ host: '127.0.0.1', port, path, agent }, (response) => {
          const pieces: Buffer[] = []
          response.on('data', (piece: Buffer) => pieces.push(piece))
          response.once('error', reject)
          response.once('end', () => resolve(Buffer.concat(pieces)))
        })
        request.once('error', reject)
      })
    const paths = Array.from({ length: REQUESTS }, (_, index) => `/${index}`)
    const bodies = await Promise.all(paths.map(body))
    bodies.push(await body('/last'))
    for (const [index, path] of [...paths, '/last'].entries()) {
      expect(bodies[index]?.equals(bodyOf(path)), path).toBe(true)
    }
    expect(sockets.size).toBe(SOCKETS)
  })
})

/** Bytes that say at every place which reply they belong to. */
function bodyOf(path: string): Buffer {
  const mark = createHash('md5').update(path).digest()
  return Buffer.alloc(BODY_BYTES, mark)
}

function answer(request: http.IncomingMessage, response: http.ServerResponse): void {
  response.end(bodyOf(request.url ?? ''))
}
