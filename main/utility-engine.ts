/**
 * Starts the engine as a utility process and speaks frames over its port.
 *
 * Keeps: the engine gets a clean environment; keys of other tools in ours do not reach it.
 */
import { utilityProcess } from 'electron'
import type { EngineLink } from './engine-link.ts'
import { FrameChannel } from './engine-link.ts'
import { engineEnvironment } from './environment.ts'

export type UtilityEngineOptions = {
  readonly enginePath: string
  readonly dataDir: string
}

/** @throws PailError `engine/stopped` when the process ends before it answers its first call */
export async function startUtilityEngine(options: UtilityEngineOptions): Promise<EngineLink> {
  const child = utilityProcess.fork(options.enginePath, [], {
    env: engineEnvironment(process.env, options.dataDir),
    serviceName: 'Pail engine',
    stdio: 'inherit',
  })
  const channel = new FrameChannel((frame) => child.postMessage(frame))
  child.on('message', (message: unknown) => channel.receive(message))
  child.on('exit', (code) => channel.end(`the engine ended with code ${code}`))
  await channel.call('engine/status', {})
  return {
    isShared: false,
    closed: channel.closed,
    call: (call, input) => channel.call(call, input),
    onDidChangeStatus: (listener) => channel.onDidChangeStatus(listener),
    close: () => {
      child.kill()
      channel.end('the app let go of the engine')
    },
  }
}
