/**
 * Answers the frames of one engine, whatever carries them.
 *
 * Keeps: every call gets exactly one reply; failures travel as values; input and output fit the
 *        contract.
 * Never: lets a secret into a log line, a reply or an event.
 */
import {
  type EngineCall,
  type EngineFrame,
  type EngineHandlers,
  type EngineOutput,
  type EngineParsed,
  engineCalls,
  type Reply,
} from '../../shared/engine-contract.ts'
import { PailError, type WireError } from '../../shared/errors.ts'
import type { StatusView } from '../../shared/model.ts'
import type { Log } from '../base/log.ts'
import type { Engine } from './engine-api.ts'
import { type IncomingFrame, isEngineCall } from './frames.ts'

/** Calls of one client that may wait at once; a flush may wait for hours. */
export const CALLS_PER_CLIENT_MAX = 64

export type HostOptions = {
  readonly engine: Pick<Engine, 'handlers' | 'onDidChangeStatus' | 'onDidTell'>
  readonly log: Log
  /** Told of every secret before anything else happens with it. */
  readonly onSecret?: (secret: string) => void
}

export class EngineHost {
  readonly #handlers: EngineHandlers
  readonly #onDidChangeStatus: Engine['onDidChangeStatus']
  readonly #onDidTell: Engine['onDidTell']
  readonly #log: Log
  readonly #onSecret: (secret: string) => void
  #inFlight = 0
  #answered = 0

  constructor(options: HostOptions) {
    this.#handlers = options.engine.handlers
    this.#onDidChangeStatus = (listener) => options.engine.onDidChangeStatus(listener)
    this.#onDidTell = (listener) => options.engine.onDidTell(listener)
    this.#log = options.log
    this.#onSecret = options.onSecret ?? (() => {})
  }

  get callsInFlight(): number {
    return this.#inFlight
  }

  get callsAnswered(): number {
    return this.#answered
  }

  /** Events as frames, for every carrier. */
  onEvent(listener: (frame: EngineFrame) => void): () => void {
    const stops = [
      this.#onDidChangeStatus((status: StatusView) => {
        listener({ kind: 'event', event: 'status/changed', value: status })
      }),
      this.#onDidTell((news) => listener({ kind: 'event', ...news })),
    ]
    return () => {
      for (const stop of stops) stop()
    }
  }

  /** Only calls are answered; a client has nothing else to say. */
  async answer(frame: IncomingFrame): Promise<EngineFrame | undefined> {
    if (frame.kind !== 'call') return undefined
    return { kind: 'reply', id: frame.id, reply: await this.call(frame.call, frame.input) }
  }

  async call(name: string, input: unknown): Promise<Reply<unknown>> {
    this.#inFlight++
    try {
      if (!isEngineCall(name)) throw new PailError('input/invalid', `there is no call ${name}`)
      return { ok: true, value: await this.#run(name, input) }
    } catch (thrown) {
      return { ok: false, error: this.#report(name, thrown) }
    } finally {
      this.#inFlight--
      this.#answered++
    }
  }

  async #run<C extends EngineCall>(call: C, input: unknown): Promise<EngineOutput<C>> {
    const parsed = engineCalls[call].input.safeParse(input)
    if (!parsed.success) throw invalidInput(call, parsed.error.issues)
    this.#hideSecrets(parsed.data)
    const output = await this.#handlers[call](parsed.data as EngineParsed<C>)
    return engineCalls[call].output.parse(output) as EngineOutput<C>
  }

  #hideSecrets(input: object): void {
    if (!('credentials' in input)) return
    const { credentials } = input
    if (typeof credentials === 'object' && credentials && 'secretAccessKey' in credentials) {
      this.#onSecret(String(credentials.secretAccessKey))
    }
  }

  #report(call: string, thrown: unknown): WireError {
    const error = PailError.from(thrown)
    const isBug = error.code === 'internal/bug'
    this.#log.write(isBug ? 'error' : 'info', 'call/failed', {
      call,
      code: error.code,
      detail: error.detail,
      where: error.where,
      ...(isBug ? { stack: error.stack, cause: error.cause } : {}),
    })
    return error.toWire()
  }
}

type Issue = { readonly path: readonly PropertyKey[]; readonly message: string }

/** Names the fields alone: their values may be secrets. */
function invalidInput(call: EngineCall, issues: readonly Issue[]): PailError {
  const fields = issues.map((issue) => issue.path.map(String).join('.')).join(', ')
  return new PailError('input/invalid', `${call}: ${fields} cannot be used`, { call, fields })
}
