/** `pail cache`: the room that files take on this computer. */
import type { CacheView } from '../../shared/cache-contract.ts'
import { EXIT } from '../exit-codes.ts'
import { formatBytes } from '../format.ts'
import type { World } from '../world.ts'

/** Letting go of very many files takes a while. */
const ANSWER_MS = 120_000

export type CacheCommand = {
  readonly dataDir: string
  /** Absent: it stays as it is. */
  readonly limitBytes?: number
  readonly freeUp: boolean
  readonly json: boolean
}

export async function cache(command: CacheCommand, world: World): Promise<number> {
  const { limitBytes, freeUp, json } = command
  const client = await world.connectOrStart(command.dataDir)
  const options = { timeoutMs: ANSWER_MS }
  try {
    if (limitBytes !== undefined) await client.call('cache/set', { limitBytes }, options)
    const view = await client.call(freeUp ? 'cache/free' : 'cache/get', {}, options)
    world.print(json ? JSON.stringify(view, null, 2) : describe(view))
    return EXIT.ok
  } finally {
    client.close()
  }
}

function describe(view: CacheView): string {
  const { cachedBytes, limitBytes, pinnedBytes, pendingBytes, disk } = view
  const rows: ReadonlyArray<readonly [string, string]> = [
    ['cached', `${formatBytes(cachedBytes)} of at most ${formatBytes(limitBytes)}`],
    ['pinned', `${formatBytes(pinnedBytes)}, apart from the limit`],
    ['not in the bucket yet', `${formatBytes(pendingBytes)}, always kept`],
    ['free on the disk', `${formatBytes(disk.freeBytes)} of ${formatBytes(disk.totalBytes)}`],
    ['left free by Pail', formatBytes(disk.floorBytes)],
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, words]) => `${name.padEnd(width)}  ${words}`).join('\n')
}
