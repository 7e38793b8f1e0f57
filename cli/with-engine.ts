/** Asks the running engine, and lets go of it. */
import type { EngineClient } from '../engine/mounts/client.ts'
import type { World } from './world.ts'

/** The engine bounds what it does; this is for one that does not answer at all. */
export const ANSWER_WAIT_MS = 60_000

/** @throws PailError `engine/not-running` */
export async function withEngine<T>(
  dataDir: string,
  world: World,
  work: (client: EngineClient) => Promise<T>,
): Promise<T> {
  const client = await world.connect(dataDir)
  try {
    return await work(client)
  } finally {
    client.close()
  }
}
