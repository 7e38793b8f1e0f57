/** `pail wait --glob PATTERN --timeout S`: until a file is in the bucket. */
import { EXIT } from '../exit-codes.ts'
import { printable } from '../format.ts'
import { ANSWER_WAIT_MS, withEngine } from '../with-engine.ts'
import type { World } from '../world.ts'

export async function waitFor(
  command: { readonly dataDir: string; readonly pattern: string; readonly timeoutMs: number },
  world: World,
): Promise<number> {
  const { pattern, timeoutMs } = command
  const { matches } = await withEngine(command.dataDir, world, (client) =>
    client.call('wait/glob', { pattern, timeoutMs }, { timeoutMs: timeoutMs + ANSWER_WAIT_MS }),
  )
  for (const path of matches) world.print(printable(path))
  if (matches.length > 0) return EXIT.ok
  world.complain(`pail: Nothing in the bucket matches ${printable(pattern)}. The time is over.`)
  return EXIT.pending
}
