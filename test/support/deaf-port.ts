/**
 * A port on which a connection is never completed, as behind a firewall that drops packets.
 *
 * A process listens there and takes nobody in. When its queue is full, the kernel answers no further
 * attempt; whoever connects waits for its own patience.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const HOST = '127.0.0.1'
/** The queue then holds two connections (listen(2); the kernel compares with "greater than"). */
const BACKLOG = 1
const QUEUE_LENGTH = BACKLOG + 1
/** Never taken in, also not while the engine tries again and again. */
const WAITING = 2

const LISTENER = `
  const [host, port, backlog] = process.argv.slice(1)
  const server = require('node:net').createServer()
  server.listen({ host, port: Number(port), backlog: Number(backlog) }, () => {
    require('node:fs').writeSync(1, 'listening')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })
`

export class DeafPort {
  readonly #listener: ChildProcess
  readonly #sockets: readonly Socket[]

  private constructor(listener: ChildProcess, sockets: readonly Socket[]) {
    this.#listener = listener
    this.#sockets = sockets
  }

  static async open(port: number): Promise<DeafPort> {
    const listener = spawn(process.execPath, ['-e', LISTENER, HOST, `${port}`, `${BACKLOG}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const output = listener.stdout
    if (!output) throw new Error('a listener without output')
    await once(output, 'data')
    const sockets = Array.from({ length: QUEUE_LENGTH + WAITING }, () => connect(port, HOST))
    for (const socket of sockets) socket.on('error', () => {})
    const filling = new Set(sockets)
    for (let count = 0; count < QUEUE_LENGTH; count++) {
      const joined = [...filling].map(async (socket) => {
        if (socket.connecting) await once(socket, 'connect')
        return socket
      })
      filling.delete(await Promise.race(joined))
    }
    return new DeafPort(listener, sockets)
  }

  /** Attempts that the kernel does not answer. */
  get waiting(): number {
    return this.#sockets.filter((socket) => socket.connecting).length
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    const { exitCode, signalCode } = this.#listener
    if (exitCode !== null || signalCode !== null) return
    const ended = once(this.#listener, 'exit')
    this.#listener.kill('SIGKILL')
    await ended
  }
}
