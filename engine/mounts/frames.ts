/**
 * Frames of the engine's API as they come and go: schema, lines, limits. Pure.
 */
import { z } from 'zod'
import { type EngineCall, type EngineFrame, engineCalls } from '../../shared/engine-contract.ts'
import { PailError } from '../../shared/errors.ts'
import { WireErrorSchema } from '../../shared/model.ts'

/** Longest line on a socket, its newline included. */
export const LINE_BYTES_MAX = 1024 * 1024
const NEWLINE = 0x0a

const ReplySchema = z.discriminatedUnion('ok', [
  z.object({ ok: z.literal(true), value: z.unknown() }),
  z.object({ ok: z.literal(false), error: WireErrorSchema }),
])

/** Names are checked by whoever answers, so that an unknown call gets a reply. */
export const IncomingFrame = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('call'),
    id: z.number().int(),
    call: z.string().max(64),
    input: z.unknown(),
  }),
  z.object({ kind: z.literal('reply'), id: z.number().int(), reply: ReplySchema }),
  z.object({ kind: z.literal('event'), event: z.string().max(64), value: z.unknown() }),
])
export type IncomingFrame = z.infer<typeof IncomingFrame>

export function isEngineCall(name: string): name is EngineCall {
  return Object.hasOwn(engineCalls, name)
}

/** @throws PailError `input/invalid` when the line would be longer than the other end reads */
export function encodeLine(frame: EngineFrame): string {
  const line = `${JSON.stringify(frame)}\n`
  if (Buffer.byteLength(line) > LINE_BYTES_MAX) {
    throw new PailError('input/invalid', `a ${frame.kind} frame is longer than a line may be`)
  }
  return line
}

/** Cuts a stream of bytes into lines; holds at most one unfinished line. */
export class LineReader {
  #parts: Buffer[] = []
  #heldBytes = 0

  /** @throws PailError `input/invalid` as soon as a line grows too long */
  push(chunk: Buffer): readonly string[] {
    const lines: string[] = []
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#hold(chunk.subarray(start, end))
      lines.push(Buffer.concat(this.#parts).toString('utf8'))
      this.#parts = []
      this.#heldBytes = 0
      start = end + 1
    }
    if (start < chunk.length) this.#hold(chunk.subarray(start))
    return lines
  }

  #hold(bytes: Buffer): void {
    this.#heldBytes += bytes.length
    if (this.#heldBytes >= LINE_BYTES_MAX) {
      throw new PailError('input/invalid', `a line is longer than ${LINE_BYTES_MAX} bytes`)
    }
    this.#parts.push(bytes)
  }
}

/** @throws PailError `input/invalid` for what is not a frame; says nothing of its content */
export function parseFrame(value: unknown): IncomingFrame {
  const parsed = IncomingFrame.safeParse(value)
  if (!parsed.success) throw new PailError('input/invalid', 'this is not a frame of the engine')
  return parsed.data
}

export function parseLine(line: string): IncomingFrame {
  try {
    return parseFrame(JSON.parse(line))
  } catch (thrown) {
    // The parser's own message quotes the text, and the text may hold a secret.
    if (thrown instanceof PailError) throw thrown
    throw new PailError('input/invalid', 'a line is not JSON')
  }
}
