/**
 * Starts the engine as a utility process and speaks frames over its port.
 *
 * Keeps: the engine gets a clean environment; keys of other tools in ours do not reach it.
 */
import { utilityProcess } from 'electron'
import { SystemClock } from '../engine/base/clock.ts'
import { EngineClient } from '../engine/mounts/client.ts'
import type { FrameChannel } from '../engine/mounts/engine-client.ts'
import { ENGINE_HEAP_FLAGS, engineEnvironment } from '../engine/mounts/engine-environment.ts'
import { PailError } from '../shared/errors.ts'
import { type EngineLink, linkOver } from './engine-link.ts'

export type UtilityEngineOptions = {
  readonly enginePath: string
  readonly dataDir: string
}

/** @throws PailError `engine/stopped` when the process ends before it answers its first call */
export async function startUtilityEngine(options: UtilityEngineOptions): Promise<EngineLink> {
  const channel = startProcess(options)
  const client = new EngineClient(channel, new SystemClock())
  // The link closes when the process has ended: only then is everything unmounted.
  const link = linkOver(client, { isShared: false, close: () => channel.close() })
  await link.call('engine/status', {})
  return link
}

function startProcess({ enginePath, dataDir }: UtilityEngineOptions): FrameChannel {
  const child = utilityProcess.fork(enginePath, [], {
    env: { ...engineEnvironment(process.env), PAIL_DATA_DIR: dataDir },
    // A utility process takes flags of V8 in Chromium's way alone.
    execArgv: [`--js-flags=${ENGINE_HEAP_FLAGS.join(' ')}`],
    serviceName: 'Pail engine',
    stdio: 'inherit',
  })
  return {
    send: (frame) => child.postMessage(frame),
    open: (onFrame, onClose) => {
      child.on('message', onFrame)
      child.on('exit', (code) => {
        onClose(new PailError('engine/stopped', `the engine ended with code ${code}`))
      })
    },
    close: () => {
      child.kill()
    },
  }
}
