/**
 * The calling end of the engine's API: typed calls and events over any carrier of frames.
 *
 * Used by the command line over the local socket, and by main over a message port.
 */
import {
  type EngineCall,
  type EngineEvent,
  type EngineFrame,
  type EngineInput,
  type EngineNews,
  type EngineOutput,
  type EventValue,
  engineCalls,
  engineEvents,
  type Reply,
} from '../../shared/engine-contract.ts'
import { PailError } from '../../shared/errors.ts'
import type { Clock } from '../base/clock.ts'
import { parseFrame } from './frames.ts'

/** Calls that may wait for an answer at once. */
const CALLS_MAX = 64

export interface FrameChannel {
  send(frame: EngineFrame): void
  /** @param onFrame gets whatever arrived, unparsed; @param onClose is called once */
  open(onFrame: (frame: unknown) => void, onClose: (reason: PailError) => void): void
  close(): void
}

export type CallOptions = { readonly timeoutMs?: number; readonly signal?: AbortSignal }

type Waiting = { settle: (reply: Reply<unknown>) => void; fail: (reason: unknown) => void }

export class EngineClient {
  readonly #channel: FrameChannel
  readonly #clock: Clock
  readonly #waiting = new Map<number, Waiting>()
  readonly #listeners = new Set<(news: EngineNews) => void>()
  readonly #onDidClose = new Set<(reason: PailError) => void>()
  #lastId = 0
  #closed: PailError | undefined

  constructor(channel: FrameChannel, clock: Clock) {
    this.#channel = channel
    this.#clock = clock
    channel.open(
      (frame) => this.#take(frame),
      (reason) => this.#end(reason),
    )
  }

  get isClosed(): boolean {
    return this.#closed !== undefined
  }

  /**
   * @throws PailError of the engine; `engine/no-answer` when it does not answer in `timeoutMs`;
   *         `engine/stopped` when it ends meanwhile
   */
  async call<C extends EngineCall>(
    name: C,
    input: EngineInput<C>,
    options: CallOptions = {},
  ): Promise<EngineOutput<C>> {
    const reply = await this.#ask(name, input, options)
    if (!reply.ok) throw PailError.fromWire(reply.error)
    return engineCalls[name].output.parse(reply.value) as EngineOutput<C>
  }

  on<E extends EngineEvent>(event: E, listener: (value: EventValue<E>) => void): () => void {
    const hear = (news: EngineNews) => {
      if (news.event === event) listener(news.value as EventValue<E>)
    }
    this.#listeners.add(hear)
    return () => this.#listeners.delete(hear)
  }

  onDidClose(listener: (reason: PailError) => void): () => void {
    this.#onDidClose.add(listener)
    return () => this.#onDidClose.delete(listener)
  }

  close(): void {
    this.#channel.close()
    this.#end(new PailError('engine/stopped', 'the connection was closed here'))
  }

  #ask(name: EngineCall, input: unknown, options: CallOptions): Promise<Reply<unknown>> {
    if (this.#closed) return Promise.reject(this.#closed)
    if (options.signal?.aborted) return Promise.reject(options.signal.reason)
    if (this.#waiting.size >= CALLS_MAX) {
      return Promise.reject(new PailError('input/invalid', 'too many calls wait for the engine'))
    }
    const id = ++this.#lastId
    const answer = new Promise<Reply<unknown>>((resolve, reject) => {
      this.#waiting.set(id, { settle: resolve, fail: reject })
    })
    const stopWaiting = this.#limit(id, name, options)
    this.#send({ kind: 'call', id, call: name, input })
    return answer.finally(() => {
      stopWaiting()
      this.#waiting.delete(id)
    })
  }

  #send(frame: EngineFrame & { kind: 'call' }): void {
    try {
      this.#channel.send(frame)
    } catch (thrown) {
      this.#waiting.get(frame.id)?.fail(PailError.from(thrown))
    }
  }

  #limit(id: number, name: EngineCall, options: CallOptions): () => void {
    const fail = (reason: unknown) => this.#waiting.get(id)?.fail(reason)
    const done = new AbortController()
    if (options.timeoutMs !== undefined) {
      // A sleep, not a timer that lets the process end: the caller waits for this answer.
      this.#clock.sleep(options.timeoutMs, done.signal).then(
        () => fail(new PailError('engine/no-answer', `no answer to ${name}`, { name })),
        () => {},
      )
    }
    const onAbort = () => fail(options.signal?.reason)
    options.signal?.addEventListener('abort', onAbort, { once: true })
    return () => {
      done.abort()
      options.signal?.removeEventListener('abort', onAbort)
    }
  }

  #take(value: unknown): void {
    try {
      const frame = parseFrame(value)
      if (frame.kind === 'reply') this.#waiting.get(frame.id)?.settle(frame.reply)
      if (frame.kind === 'event' && isEngineEvent(frame.event)) {
        const value = engineEvents[frame.event].parse(frame.value)
        const news = { event: frame.event, value } as EngineNews
        for (const listener of this.#listeners) listener(news)
      }
    } catch (thrown) {
      this.#channel.close()
      this.#end(new PailError('engine/stopped', 'the engine talks nonsense', {}, thrown))
    }
  }

  #end(reason: PailError): void {
    if (this.#closed) return
    this.#closed = reason
    for (const waiting of this.#waiting.values()) waiting.fail(reason)
    for (const listener of this.#onDidClose) listener(reason)
  }
}

function isEngineEvent(name: string): name is EngineEvent {
  return Object.hasOwn(engineEvents, name)
}
