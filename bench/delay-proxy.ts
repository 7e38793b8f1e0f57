/**
 * A TCP proxy on loopback that adds a round-trip delay, as a distant server has it.
 *
 * Runs in: a process of its own, forked by proxy.ts with `<target port> <delay in ms>`.
 * Keeps: each direction is late by half the delay, a new connection by one whole round trip (its
 *        handshake). The bandwidth is not limited; what is under way is.
 */
import { connect, createServer, type Socket } from 'node:net'
import type { ProxyAnswer } from './proxy.ts'

/** 32 MiB under way at 15 ms are 2 GB/s: more than any tool reaches here. */
const UNDER_WAY_BYTES_MAX = 32 * 1024 * 1024

const [targetPort = 0, delayMs = 0] = process.argv.slice(2).map(Number)
const bytes = { up: 0, down: 0 }

type Late = { readonly at: number; readonly chunk: Buffer | undefined }

type Direction = {
  readonly from: Socket
  readonly to: Socket
  /** The first chunk also waits for the handshake that loopback does not need. */
  readonly handshakeMs: number
  readonly count: (length: number) => void
}

function forward({ from, to, handshakeMs, count }: Direction): void {
  const opened = performance.now() + handshakeMs
  const queue: Late[] = []
  let queuedBytes = 0
  let isWaiting = false

  const deliver = () => {
    isWaiting = false
    for (let next = queue[0]; next; next = queue[0]) {
      const waitMs = next.at - performance.now()
      if (waitMs > 0) return later((go) => setTimeout(go, waitMs))
      queue.shift()
      if (!next.chunk) return void to.end()
      queuedBytes -= next.chunk.length
      if (queuedBytes < UNDER_WAY_BYTES_MAX && from.isPaused()) from.resume()
      if (!to.write(next.chunk)) return later((go) => to.once('drain', go))
    }
  }
  const later = (wait: (go: () => void) => void) => {
    isWaiting = true
    wait(deliver)
  }
  const take = (chunk: Buffer | undefined) => {
    queue.push({ at: Math.max(performance.now(), opened) + delayMs / 2, chunk })
    queuedBytes += chunk?.length ?? 0
    if (queuedBytes >= UNDER_WAY_BYTES_MAX) from.pause()
    if (!isWaiting) deliver()
  }
  from.on('data', (chunk: Buffer) => {
    count(chunk.length)
    take(chunk)
  })
  from.on('end', () => take(undefined))
}

const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  const target = connect({
    port: targetPort,
    host: '127.0.0.1',
    allowHalfOpen: true,
    noDelay: true,
  })
  for (const [one, other] of [
    [client, target],
    [target, client],
  ] as const) {
    one.on('error', () => other.destroy())
    one.on('close', (hadError) => hadError && other.destroy())
  }
  const countUp = (length: number) => {
    bytes.up += length
  }
  const countDown = (length: number) => {
    bytes.down += length
  }
  forward({ from: client, to: target, handshakeMs: delayMs, count: countUp })
  forward({ from: target, to: client, handshakeMs: 0, count: countDown })
})

function answer(message: ProxyAnswer): void {
  process.send?.(message)
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  answer({ port: typeof address === 'object' && address ? address.port : 0 })
})
process.on('message', () => answer({ bytes: { ...bytes } }))
process.on('disconnect', () => process.exit(0))
