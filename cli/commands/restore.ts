/** `pail restore`: archived files come back, and what was asked for. */
import type { RestoreTier, RestoreView } from '../../shared/archive.ts'
import type { EngineOutput } from '../../shared/engine-contract.ts'
import { PailError } from '../../shared/errors.ts'
import { EXIT } from '../exit-codes.ts'
import { formatCount, printable } from '../format.ts'
import { withEngine } from '../with-engine.ts'
import type { World } from '../world.ts'

/** A large folder is listed first. */
const ANSWER_MS = 11 * 60_000

export type RestoreCommand = {
  readonly dataDir: string
  /** Absolute. */
  readonly paths: readonly string[]
  readonly days: number
  readonly tier?: RestoreTier
  readonly list: boolean
  readonly json: boolean
}

export async function restore(command: RestoreCommand, world: World): Promise<number> {
  const { dataDir, paths, days, tier, json } = command
  if (paths.length === 0 && !command.list) throw new PailError('input/invalid', 'name a file')
  return withEngine(dataDir, world, async (client) => {
    const input = { paths: [...paths], days, ...(tier === undefined ? {} : { tier }) }
    const timeout = { timeoutMs: ANSWER_MS }
    const result =
      paths.length === 0 ? undefined : await client.call('archive/restore', input, timeout)
    const list = command.list ? await client.call('archive/list', {}) : []
    if (json) world.print(JSON.stringify({ ...result, ...(command.list ? { list } : {}) }, null, 2))
    else {
      if (result) for (const line of describe(result, days)) world.print(line)
      if (command.list) for (const line of describeList(list)) world.print(line)
    }
    return EXIT.ok
  })
}

function describe(result: EngineOutput<'archive/restore'>, days: number): string[] {
  const { asked, restoring, readable, wait } = result
  const lines = [
    ...(asked > 0
      ? [
          `Restoring ${formatCount(asked, 'file')}: that takes ${wait}, then they can be read for ${formatCount(days, 'day')}.`,
        ]
      : []),
    ...(restoring > 0 ? [`${formatCount(restoring, 'file')} were asked for before.`] : []),
    ...(readable > 0 ? [`${formatCount(readable, 'file')} can be read as they are.`] : []),
  ]
  return lines.length > 0 ? lines : ['Nothing in there is archived.']
}

function describeList(list: readonly RestoreView[]): string[] {
  if (list.length === 0) return ['Nothing is being restored.']
  return list.flatMap(({ path, sentence }) => [printable(path), `  ${sentence}`])
}
