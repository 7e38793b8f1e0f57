/** `pail deletes DIR --allow|--undo`: answers for objects that were removed in great number. */
import { PailError } from '../../shared/errors.ts'
import { EXIT } from '../exit-codes.ts'
import { formatCount } from '../format.ts'
import type { World } from '../world.ts'

const ANSWER_WAIT_MS = 60_000

export type DeletesCommand = {
  readonly dir: string
  readonly dataDir: string
  readonly allow: boolean
  readonly undo: boolean
}

export async function deletes(command: DeletesCommand, world: World): Promise<number> {
  const { dir, allow, undo } = command
  if (allow === undo) {
    throw new PailError('input/invalid', 'Say either --allow or --undo')
  }
  const client = await world.connect(command.dataDir)
  try {
    const input = { dir, answer: allow ? ('allow' as const) : ('undo' as const) }
    const { count } = await client.call('deletes/answer', input, { timeoutMs: ANSWER_WAIT_MS })
    world.print(sentence(count, allow))
    return EXIT.ok
  } finally {
    client.close()
  }
}

function sentence(count: number, isAllowed: boolean): string {
  if (count === 0) return 'Nothing waits for an answer.'
  const objects = formatCount(count, 'object')
  return isAllowed ? `${objects} will be deleted.` : `${objects} come back into the folder.`
}
