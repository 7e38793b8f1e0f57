/** `pail cache`, as it is typed. */
import { type Command, InvalidArgumentError } from 'commander'
import { CacheLimit } from '../shared/cache-contract.ts'
import { cache } from './commands/cache.ts'
import type { CommandTools } from './pin-commands.ts'
import { parseBytes } from './sizes.ts'

type Typed = {
  readonly limit?: number
  readonly freeUp?: boolean
  readonly json?: boolean
}

export function addCacheCommand({ world, add, dataDirOf, done }: CommandTools): void {
  add('cache', 'show and change how much room fetched files may take on this computer')
    .option('--limit <size>', 'such as 50GB: for what comes and goes by itself', parseLimit)
    .option('--free-up', 'let go of what is in the bucket and not pinned')
    .option('--json', 'for programs: bytes of each kind, of the limit and of the disk')
    .action(async (typed: Typed, command: Command) => {
      const { limit, freeUp = false, json = false } = typed
      const limitBytes = limit === undefined ? {} : { limitBytes: limit }
      done(await cache({ dataDir: dataDirOf(command), ...limitBytes, freeUp, json }, world))
    })
}

function parseLimit(text: string): number {
  const bytes = parseBytes(text)
  if (bytes === undefined) throw new InvalidArgumentError('Type a size, such as 500MB or 50GB.')
  const parsed = CacheLimit.safeParse(bytes)
  if (parsed.success) return parsed.data
  throw new InvalidArgumentError(parsed.error.issues[0]?.message ?? 'This is no limit.')
}
