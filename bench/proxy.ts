/** The delay proxy as the benchmark sees it: an address, bytes counted, an end. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

export type ProxyBytes = { readonly up: number; readonly down: number }
export type ProxyAnswer = { readonly port: number } | { readonly bytes: ProxyBytes }

const ANSWER_MS = 10_000

export type DelayProxy = {
  readonly url: string
  readonly delayMs: number
  /** Since the start, headers included: `up` towards the server. */
  bytes(): Promise<ProxyBytes>
  stop(): Promise<void>
}

export async function startProxy(targetUrl: string, delayMs: number): Promise<DelayProxy> {
  const { port } = new URL(targetUrl)
  const child = fork(join(import.meta.dirname, 'delay-proxy.ts'), [port, String(delayMs)])
  const ended = once(child, 'exit')
  const nextAnswer = async () => {
    const answers = once(child, 'message', { signal: AbortSignal.timeout(ANSWER_MS) })
    const [message] = (await answers) as [ProxyAnswer]
    return message
  }
  const first = await nextAnswer()
  if (!('port' in first)) throw new Error('the delay proxy did not name its port')
  return {
    url: `http://127.0.0.1:${first.port}`,
    delayMs,
    bytes: async () => {
      const answer = nextAnswer()
      child.send('bytes')
      const told = await answer
      if (!('bytes' in told)) throw new Error('the delay proxy did not count')
      return told.bytes
    },
    stop: async () => {
      child.disconnect()
      await ended
    },
  }
}
