/**
 * `pail unmount DIR`: ends a mount; what is still to upload goes on in the background. A folder in
 * use stays, and the programs that use it are named.
 */

import type { EngineClient } from '../../engine/mounts/client.ts'
import { PailError } from '../../shared/errors.ts'
import { EXIT } from '../exit-codes.ts'
import { formatUnmounted, printable } from '../format.ts'
import type { World } from '../world.ts'

const UNMOUNT_WAIT_MS = 60_000

export type UnmountCommand = {
  readonly dir: string
  readonly dataDir: string
  readonly force: boolean
}

export async function unmount(command: UnmountCommand, world: World): Promise<number> {
  const { dir, force } = command
  try {
    const client = await world.connect(command.dataDir)
    try {
      const view = await client.call('mounts/stop', { dir, force }, { timeoutMs: UNMOUNT_WAIT_MS })
      world.print(formatUnmounted(view))
    } catch (thrown) {
      if (PailError.from(thrown).code === 'mount/busy') await nameHolders(client, dir, world)
      throw thrown
    } finally {
      client.close()
    }
  } catch (thrown) {
    if (!mayBeLeftover(PailError.from(thrown)) || !(await world.cleanStaleMount(dir))) {
      throw withoutEngine(thrown, dir)
    }
    world.print(`Unmounted ${dir}, which an engine that is gone had left behind.`)
  }
  return EXIT.ok
}

const mayBeLeftover = (error: PailError) =>
  error.code === 'engine/not-running' || error.code === 'mount/not-mounted'

/** Without an engine nothing of this data folder is mounted: the folder is what matters. */
function withoutEngine(thrown: unknown, dir: string): unknown {
  if (PailError.from(thrown).code !== 'engine/not-running') return thrown
  return new PailError('mount/not-mounted', 'no engine is running', { dir })
}

/** One line for each program, so that a person knows what to close when unmounting fails. */
async function nameHolders(client: EngineClient, dir: string, world: World): Promise<void> {
  const { holders } = await client.call('mounts/holders', { dir }, { timeoutMs: UNMOUNT_WAIT_MS })
  for (const { program, pid, paths } of holders) {
    world.complain(printable(`pail: ${program} (${pid}) uses ${paths.join(', ')}`))
  }
}
