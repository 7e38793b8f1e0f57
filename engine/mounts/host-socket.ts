/**
 * Carries the engine's API over a local socket that only this user can reach.
 *
 * Keeps: the socket is mode 0600 in a folder of mode 0700; one JSON document a line; a client that
 *        talks nonsense, talks too much or does not read is dropped, the others do not notice.
 * Never: listens on the network; removes a socket without holding the folder's lock.
 */
import * as fs from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import type { EngineFrame } from '../../shared/engine-contract.ts'
import { PailError } from '../../shared/errors.ts'
import { diskError } from '../base/disk.ts'
import type { Log } from '../base/log.ts'
import { encodeLine, LineReader, parseLine } from './frames.ts'
import { CALLS_PER_CLIENT_MAX, type EngineHost } from './host.ts'
import { shortSocketPath } from './short-path.ts'

export const CLIENTS_MAX = 32
/** What may wait for a client that does not read. */
const UNREAD_BYTES_MAX = 4 * 1024 * 1024

export interface SocketHost {
  close(): Promise<void>
}

/** The caller holds the lock of the data folder: a socket that is already there is a leftover. */
export async function serveSocket(options: {
  readonly socketFile: string
  readonly host: EngineHost
  readonly log: Log
}): Promise<SocketHost> {
  const clients = new Set<Client>()
  const server = createServer((socket) => {
    const client = new Client(socket, options.host, options.log)
    clients.add(client)
    socket.once('close', () => clients.delete(client))
  })
  server.maxConnections = CLIENTS_MAX
  const name = shortSocketPath(options.socketFile)
  try {
    fs.rmSync(options.socketFile, { force: true })
    await listen(server, name.path)
    fs.chmodSync(options.socketFile, 0o600)
  } catch (thrown) {
    name.release()
    throw diskError(thrown, options.socketFile)
  }
  const unsubscribe = options.host.onEvent((frame) => {
    for (const client of clients) client.send(frame)
  })
  let closing: Promise<void> | undefined
  const closeAll = async () => {
    unsubscribe()
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const client of clients) client.end()
    await closed
    name.release()
  }
  return {
    close() {
      closing ??= closeAll()
      return closing
    },
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

class Client {
  readonly #socket: Socket
  readonly #host: EngineHost
  readonly #log: Log
  readonly #lines = new LineReader()
  #waiting = 0

  constructor(socket: Socket, host: EngineHost, log: Log) {
    this.#socket = socket
    this.#host = host
    this.#log = log
    socket.on('data', (chunk) => this.#read(chunk))
    // A client that went away in the middle of something is no event for anybody.
    socket.on('error', () => socket.destroy())
  }

  send(frame: EngineFrame): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return
    if (this.#socket.writableLength > UNREAD_BYTES_MAX) this.#drop('it does not read')
    else this.#socket.write(lineOf(frame))
  }

  /** Lets what was written reach the client, then ends. */
  end(): void {
    this.#socket.destroySoon()
  }

  #read(chunk: Buffer): void {
    try {
      for (const line of this.#lines.push(chunk)) this.#take(line)
    } catch (thrown) {
      this.#drop(PailError.from(thrown).detail)
    }
  }

  #take(line: string): void {
    const frame = parseLine(line)
    if (this.#waiting >= CALLS_PER_CLIENT_MAX) {
      throw new PailError('input/invalid', 'too many calls at once')
    }
    this.#waiting++
    this.#host
      .answer(frame)
      .then((reply) => {
        if (reply) this.send(reply)
      })
      .catch((thrown: unknown) => this.#drop(PailError.from(thrown).detail))
      .finally(() => {
        this.#waiting--
      })
  }

  #drop(why: string): void {
    this.#log.write('warn', 'client/dropped', { why })
    this.#socket.destroy()
  }
}

/** A reply too long for a line becomes an error, so that its caller does not wait for ever. */
function lineOf(frame: EngineFrame): string {
  if (frame.kind !== 'reply') return encodeLine(frame)
  try {
    return encodeLine(frame)
  } catch (thrown) {
    const error = PailError.from(thrown).toWire()
    return encodeLine({ kind: 'reply', id: frame.id, reply: { ok: false, error } })
  }
}
