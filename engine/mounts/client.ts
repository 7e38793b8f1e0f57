/**
 * Reaches a running engine over the local socket in its data folder.
 */
import { connect, type Socket } from 'node:net'
import type { EngineFrame } from '../../shared/engine-contract.ts'
import { PailError } from '../../shared/errors.ts'
import { type Clock, SystemClock } from '../base/clock.ts'
import { layoutOf } from './data-dir.ts'
import { EngineClient, type FrameChannel } from './engine-client.ts'
import { encodeLine, LineReader } from './frames.ts'
import { shortSocketPath } from './short-path.ts'

export { EngineClient } from './engine-client.ts'

/** No socket, nobody behind it, or the folder itself is missing. */
const NOBODY_THERE = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTDIR'])

/**
 * @param dataDir the folder, as resolved by `resolveDataDir`
 * @throws PailError `engine/not-running` when nobody serves it
 */
export async function connectEngine(
  dataDir: string,
  clock: Clock = new SystemClock(),
): Promise<EngineClient> {
  const socket = await openSocket(layoutOf(dataDir).socketFile, dataDir)
  return new EngineClient(new SocketChannel(socket), clock)
}

async function openSocket(socketFile: string, dataDir: string): Promise<Socket> {
  let release = () => {}
  try {
    const name = shortSocketPath(socketFile)
    release = name.release
    return await new Promise<Socket>((resolve, reject) => {
      const socket = connect(name.path)
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(socket)
      })
    })
  } catch (thrown) {
    throw connectError(thrown, dataDir)
  } finally {
    release()
  }
}

function connectError(thrown: unknown, dataDir: string): PailError {
  if (thrown instanceof PailError) return thrown
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code ?? 'unknown'
  if (NOBODY_THERE.has(code)) {
    return new PailError('engine/not-running', 'nobody serves the socket', { dataDir })
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return new PailError('store/data-folder', 'another user owns it', { path: dataDir })
  }
  return new PailError('engine/stopped', `the socket says ${code}`, { dataDir }, thrown)
}

class SocketChannel implements FrameChannel {
  readonly #socket: Socket
  readonly #lines = new LineReader()

  constructor(socket: Socket) {
    this.#socket = socket
  }

  send(frame: EngineFrame): void {
    this.#socket.write(encodeLine(frame))
  }

  open(onFrame: (frame: unknown) => void, onClose: (reason: PailError) => void): void {
    this.#socket.on('data', (chunk) => {
      try {
        for (const line of this.#lines.push(chunk)) onFrame(JSON.parse(line))
      } catch (thrown) {
        this.#socket.destroy()
        onClose(new PailError('engine/stopped', 'the engine talks nonsense', {}, thrown))
      }
    })
    // The close event follows every error and says all there is to do.
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => onClose(new PailError('engine/stopped', 'the engine ended')))
  }

  close(): void {
    this.#socket.destroySoon()
  }
}
