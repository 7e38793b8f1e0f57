/**
 * Reads HTTP requests from a socket by hand: only as much as is asked for, as a peer that stops
 * reading does.
 */
import type { Socket } from 'node:net'
import type { RequestLine } from './s3-operation.ts'

const HEAD_END = Buffer.from('\r\n\r\n')

export class RequestReader {
  readonly #socket: Socket
  #pending = Buffer.alloc(0)
  #isEnded = false
  #wake: () => void = () => {}

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('readable', () => this.#wake())
    const end = () => {
      this.#isEnded = true
      this.#wake()
    }
    socket.on('end', end)
    socket.on('close', end)
    socket.on('error', end)
  }

  /** Undefined when the peer closed the connection in between. */
  async head(): Promise<RequestLine | undefined> {
    for (;;) {
      const end = this.#pending.indexOf(HEAD_END)
      if (end >= 0) {
        const text = this.#pending.subarray(0, end).toString('latin1')
        this.#pending = this.#pending.subarray(end + HEAD_END.length)
        return lineOf(text)
      }
      const chunk = await this.#chunk()
      if (!chunk) return undefined
      this.#pending = Buffer.concat([this.#pending, chunk])
    }
  }

  /** @returns fewer bytes when the connection ends before */
  async bytes(count: number): Promise<Buffer> {
    const chunks: Buffer[] = [this.#pending]
    let have = this.#pending.length
    while (have < count) {
      const chunk = await this.#chunk()
      if (!chunk) break
      chunks.push(chunk)
      have += chunk.length
    }
    const all = Buffer.concat(chunks)
    this.#pending = all.subarray(count)
    return all.subarray(0, count)
  }

  async #chunk(): Promise<Buffer | undefined> {
    for (;;) {
      const chunk: unknown = this.#socket.read()
      if (chunk instanceof Buffer) return chunk
      if (this.#isEnded) return undefined
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

function lineOf(text: string): RequestLine {
  const [line = '', ...lines] = text.split('\r\n')
  const [method = '', target = ''] = line.split(' ')
  const headers = lines.map((one) => {
    const colon = one.indexOf(':')
    return [one.slice(0, colon).toLowerCase(), one.slice(colon + 1).trim()]
  })
  return { method, target, headers: Object.fromEntries(headers) }
}
