/** `pail refresh PATH`: a folder as the bucket has it now. */
import { EXIT } from '../exit-codes.ts'
import { formatCount } from '../format.ts'
import { ANSWER_WAIT_MS, withEngine } from '../with-engine.ts'
import type { World } from '../world.ts'

export async function refresh(
  command: { readonly dataDir: string; readonly path: string },
  world: World,
): Promise<number> {
  const { changes } = await withEngine(command.dataDir, world, (client) =>
    client.call('folders/refresh', { dir: command.path }, { timeoutMs: ANSWER_WAIT_MS }),
  )
  world.print(changes === 0 ? 'Nothing has changed.' : `${formatCount(changes, 'change')}.`)
  return EXIT.ok
}
