/** An engine that the command line started: reached over its local socket, and left running. */
import { PailError } from '../shared/errors.ts'
import type { EngineLink } from './engine-link.ts'

/** @throws PailError `engine/not-running` */
export async function attachToEngine(dataDir: string): Promise<EngineLink> {
  throw new PailError('engine/not-running', dataDir)
}
