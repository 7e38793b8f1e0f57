/** `pail junk`: the names of files that stay on this computer. */
import type { JunkView } from '../../shared/junk.ts'
import { EXIT } from '../exit-codes.ts'
import { formatCount, printable } from '../format.ts'
import type { World } from '../world.ts'

/** A changed list may have many small files journaled. */
const ANSWER_MS = 60_000

export type JunkCommand = {
  readonly dataDir: string
  readonly add: readonly string[]
  readonly remove: readonly string[]
  /** Begins with the list that Pail comes with. */
  readonly reset: boolean
  readonly json: boolean
}

export async function junk(command: JunkCommand, world: World): Promise<number> {
  const client = await world.connectOrStart(command.dataDir)
  try {
    const now = await client.call('junk/get', {}, { timeoutMs: ANSWER_MS })
    const patterns = changed(now, command)
    const isSame = JSON.stringify(patterns) === JSON.stringify(now.patterns)
    const view = isSame
      ? now
      : await client.call('junk/set', { patterns }, { timeoutMs: ANSWER_MS })
    world.print(command.json ? JSON.stringify(view, null, 2) : describe(view))
    return EXIT.ok
  } finally {
    client.close()
  }
}

/** The list after what was typed; the order stays. Pure. */
function changed(now: JunkView, { add, remove, reset }: JunkCommand): string[] {
  const base = reset ? now.defaults : now.patterns
  const gone = new Set(remove)
  return [...new Set([...base, ...add])].filter((pattern) => !gone.has(pattern))
}

function describe({ patterns, localItems }: JunkView): string {
  const head =
    patterns.length === 0
      ? 'Every file is uploaded, whatever its name.'
      : 'Files of these names stay on this computer and are never uploaded:'
  const count = `${formatCount(localItems, 'item')} of such names here now.`
  return [head, ...patterns.map((pattern) => `  ${printable(pattern)}`), count].join('\n')
}
