/** `pail status`: what is mounted, and what is not in the bucket yet. */
import { PailError } from '../../shared/errors.ts'
import type { StatusView } from '../../shared/model.ts'
import { EXIT } from '../exit-codes.ts'
import { formatStatus } from '../format.ts'
import type { World } from '../world.ts'

const STATUS_WAIT_MS = 10_000

export type StatusCommand = { readonly dataDir: string; readonly json: boolean }

/** No engine is an answer, not an error: `{ "engine": null, "mounts": [] }` and exit code 0. */
export async function status(command: StatusCommand, world: World): Promise<number> {
  const view = await askStatus(command.dataDir, world)
  if (command.json) world.print(JSON.stringify(view ?? { engine: null, mounts: [] }, null, 2))
  else world.print(formatStatus(view))
  return EXIT.ok
}

async function askStatus(dataDir: string, world: World): Promise<StatusView | undefined> {
  try {
    const client = await world.connect(dataDir)
    try {
      return await client.call('engine/status', {}, { timeoutMs: STATUS_WAIT_MS })
    } finally {
      client.close()
    }
  } catch (thrown) {
    const { code } = PailError.from(thrown)
    // An engine that ends while it is asked is no engine any more.
    if (code === 'engine/not-running' || code === 'engine/stopped') return undefined
    throw thrown
  }
}
