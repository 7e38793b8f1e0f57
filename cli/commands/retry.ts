/** `pail retry [PATH]`: what failed gets another try. */
import { EXIT } from '../exit-codes.ts'
import { formatPending } from '../format.ts'
import { ANSWER_WAIT_MS, withEngine } from '../with-engine.ts'
import type { World } from '../world.ts'

export async function retry(
  command: { readonly dataDir: string; readonly path?: string },
  world: World,
): Promise<number> {
  const input = command.path === undefined ? {} : { path: command.path }
  const counts = await withEngine(command.dataDir, world, (client) =>
    client.call('uploads/retry', input, { timeoutMs: ANSWER_WAIT_MS }),
  )
  if (counts.pendingFiles === 0) world.print('Everything is in the bucket.')
  else world.print(`${formatPending(counts)} to upload: being tried again.`)
  return EXIT.ok
}
