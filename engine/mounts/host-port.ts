/**
 * Carries the engine's API over the message port of an Electron utility process.
 *
 * Main is the only one at the other end, and its messages are parsed like everybody's.
 * Never: imports Electron; the port's shape is all that is needed.
 */
import type { EngineFrame } from '../../shared/engine-contract.ts'
import { PailError } from '../../shared/errors.ts'
import type { Log } from '../base/log.ts'
import { parseFrame } from './frames.ts'
import type { EngineHost } from './host.ts'

/** `process.parentPort` of a utility process. */
export interface ParentPort {
  on(event: 'message', listener: (message: { readonly data: unknown }) => void): unknown
  postMessage(message: EngineFrame): void
}

/** @returns stops sending events and answering */
export function servePort(options: {
  readonly port: ParentPort
  readonly host: EngineHost
  readonly log: Log
}): () => void {
  const { port, host, log } = options
  let isOpen = true
  const send = (frame: EngineFrame) => {
    if (isOpen) port.postMessage(frame)
  }
  const report = (thrown: unknown) => {
    log.write('warn', 'port/refused', { why: PailError.from(thrown).detail })
  }
  const take = async (message: unknown) => {
    const reply = await host.answer(parseFrame(message))
    if (reply) send(reply)
  }
  port.on('message', ({ data }) => {
    if (isOpen) take(data).catch(report)
  })
  const unsubscribe = host.onEvent(send)
  return () => {
    isOpen = false
    unsubscribe()
  }
}
