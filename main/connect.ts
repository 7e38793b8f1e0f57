/**
 * How the app comes to an engine: attaches to the one that runs on the data folder, or starts one.
 *
 * Keeps: never two engines on one data folder. The engine's lock is what decides; trying to attach
 *        first spares a start that would be refused.
 */
import { connectEngine } from '../engine/mounts/client.ts'
import { PailError } from '../shared/errors.ts'
import { type EngineLink, linkOver } from './engine-link.ts'

export type ConnectOptions = {
  readonly dataDir: string
  /** Starts an engine of our own; absent when the app may only attach. */
  readonly startEngine: (() => Promise<EngineLink>) | undefined
}

/** @throws PailError `engine/not-running` when the app may only attach and nobody is there */
export async function connectToEngine(options: ConnectOptions): Promise<EngineLink> {
  try {
    const client = await connectEngine(options.dataDir)
    return linkOver(client, { isShared: true, close: () => client.close() })
  } catch (thrown) {
    const error = PailError.from(thrown)
    if (error.code !== 'engine/not-running' || options.startEngine === undefined) throw error
    return await options.startEngine()
  }
}
