/**
 * Agents whose sockets read into one buffer, which all of them share.
 *
 * Node gives each piece that a socket reads a buffer of its own, and its HTTP parser copies what is
 * body of it into another one. Both are 64 KiB, live for a moment, and count for the collector like
 * the heap: reading a large file made it go through all that is alive a dozen times a second.
 *
 * Keeps: a piece is parsed, and its body copied, before any socket reads again: one thread reads
 *        them all, and the parser holds on to nothing of a piece.
 * @see net.Socket, option `onread`; tls.connect takes it as well
 */
import * as http from 'node:http'
import * as https from 'node:https'
import type { Duplex } from 'node:stream'

/** What one read(2) takes at most, as for any other socket. */
const READ_BYTES_MAX = 64 * 1024

const shared = Buffer.allocUnsafeSlow(READ_BYTES_MAX)

type Made = Duplex | null | undefined
type Callback = (failure: Error | null, socket: Duplex) => void

export class ReadingAgent extends http.Agent {
  override createConnection(options: http.ClientRequestArgs, callback?: Callback): Made {
    return connected((onread) => super.createConnection({ ...options, ...onread }, callback))
  }
}

export class SecureReadingAgent extends https.Agent {
  override createConnection(options: https.RequestOptions, callback?: Callback): Made {
    return connected((onread) => super.createConnection({ ...options, ...onread }, callback))
  }
}

/** The request listens for `data`, as on any socket; it comes from here in place of the stream. */
function connected(connect: (options: object) => Made): Made {
  const onPiece = (bytes: number) => {
    socket?.emit('data', shared.subarray(0, bytes))
    return true
  }
  const socket = connect({ onread: { buffer: shared, callback: onPiece } })
  return socket
}
