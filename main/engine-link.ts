/**
 * The connection to an engine, whichever way it runs, and the calls in flight on it.
 *
 * Owns:  numbering of calls, matching of replies, parsing of what the engine sends.
 * Keeps: every call ends: with its reply, or with `engine/stopped` when the link closes.
 * Never: keeps an input after its call was answered; inputs carry secrets.
 */
import {
  type EngineCall,
  type EngineFrame,
  type EngineInput,
  type EngineOutput,
  engineCalls,
  engineEvents,
} from '../shared/engine-contract.ts'
import { PailError } from '../shared/errors.ts'
import { type StatusView, WireErrorSchema } from '../shared/model.ts'

/** More calls at once than a person can cause mean that the engine does not answer at all. */
const PENDING_CALLS_MAX = 256

export interface EngineCaller {
  call<C extends EngineCall>(call: C, input: EngineInput<C>): Promise<EngineOutput<C>>
}

export interface EngineLink extends EngineCaller {
  /** True when the engine belongs to somebody else and outlives this app. */
  readonly isShared: boolean
  onDidChangeStatus(listener: (status: StatusView) => void): void
  /** Resolves once, with the reason, when the engine is gone. Never rejects. */
  readonly closed: Promise<string>
  /** Lets go of the engine: its own process ends, a shared one goes on. */
  close(): void
}

type Waiting = {
  readonly call: EngineCall
  readonly resolve: (value: unknown) => void
  readonly reject: (error: PailError) => void
}

/** Calls and events over anything that carries frames in order. */
export class FrameChannel implements EngineCaller {
  readonly closed: Promise<string>
  readonly #send: (frame: EngineFrame) => void
  readonly #waiting = new Map<number, Waiting>()
  #statusListeners: Array<(status: StatusView) => void> = []
  #lastId = 0
  #closedReason: string | undefined
  #resolveClosed: (reason: string) => void = () => {}

  constructor(send: (frame: EngineFrame) => void) {
    this.#send = send
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
  }

  async call<C extends EngineCall>(call: C, input: EngineInput<C>): Promise<EngineOutput<C>> {
    if (this.#closedReason !== undefined) throw new PailError('engine/stopped', this.#closedReason)
    if (this.#waiting.size >= PENDING_CALLS_MAX) {
      throw new PailError('engine/stopped', `${PENDING_CALLS_MAX} calls wait for the engine`)
    }
    this.#lastId += 1
    const id = this.#lastId
    const value = await new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, { call, resolve, reject })
      this.#send({ kind: 'call', id, call, input })
    })
    return engineCalls[call].output.parse(value) as EngineOutput<C>
  }

  onDidChangeStatus(listener: (status: StatusView) => void): void {
    this.#statusListeners.push(listener)
  }

  /** Takes one message from the engine. What does not parse is dropped: the engine is not trusted. */
  receive(message: unknown): void {
    if (typeof message !== 'object' || message === null || !('kind' in message)) return
    if (message.kind === 'reply') this.#receiveReply(message)
    if (message.kind === 'event' && 'value' in message) this.#receiveStatus(message.value)
  }

  /** Ends every call in flight. Only the first reason counts. */
  end(reason: string): void {
    if (this.#closedReason !== undefined) return
    this.#closedReason = reason
    this.#statusListeners = []
    for (const { reject } of this.#waiting.values()) reject(new PailError('engine/stopped', reason))
    this.#waiting.clear()
    this.#resolveClosed(reason)
  }

  #receiveReply(message: object): void {
    const id = 'id' in message && typeof message.id === 'number' ? message.id : -1
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    this.#waiting.delete(id)
    const reply = 'reply' in message ? message.reply : undefined
    if (typeof reply !== 'object' || reply === null || !('ok' in reply)) {
      waiting.reject(new PailError('internal/bug', `malformed reply to ${waiting.call}`))
    } else if (reply.ok === true && 'value' in reply) {
      waiting.resolve(reply.value)
    } else {
      waiting.reject(failureOf(reply, waiting.call))
    }
  }

  #receiveStatus(value: unknown): void {
    const status = engineEvents['status/changed'].safeParse(value)
    if (!status.success) return
    for (const listener of this.#statusListeners) listener(status.data)
  }
}

function failureOf(reply: object, call: EngineCall): PailError {
  const error = WireErrorSchema.safeParse('error' in reply ? reply.error : undefined)
  if (error.success) return PailError.fromWire(error.data)
  return new PailError('internal/bug', `malformed failure of ${call}`)
}
