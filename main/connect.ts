/**
 * How this app comes to an engine: attaches to the one that runs on the data folder, or starts one.
 *
 * Keeps: never two engines on one data folder. The engine's lock is what decides; trying to attach
 *        first spares a start that would be refused.
 */
import { PailError } from '../shared/errors.ts'
import type { EngineLink } from './engine-link.ts'

export type ConnectOptions = {
  /** @throws PailError `engine/not-running` */
  readonly attach: () => Promise<EngineLink>
  /** Starts an engine of our own; absent when the app may only attach. */
  readonly startEngine: (() => Promise<EngineLink>) | undefined
}

export async function connectToEngine(options: ConnectOptions): Promise<EngineLink> {
  try {
    return await options.attach()
  } catch (thrown) {
    const error = PailError.from(thrown)
    if (error.code !== 'engine/not-running' || options.startEngine === undefined) throw error
    return await options.startEngine()
  }
}
