/**
 * A line to a server on which the bytes that go there have to wait; those that come back do not.
 *
 * Owns: a port on loopback and the sockets through it. Knows nothing of what they carry.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export type SlowLine = { readonly url: string; stop(): void }

export async function startSlowLine(target: string, bytesPerSecond: number): Promise<SlowLine> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  const line = createServer((near) => {
    const far = connect(Number(port), hostname)
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
    far.pipe(near)
    near.on('data', (bytes) => {
      near.pause()
      far.write(bytes)
      setTimeout(() => near.resume(), (bytes.length / bytesPerSecond) * 1000)
    })
  })
  line.listen(0, '127.0.0.1')
  await once(line, 'listening')
  const address = line.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${address.port}`,
    stop: () => {
      line.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
