/** `pail conflicts`: files in two versions, and what becomes of them. */
import { PailError } from '../../shared/errors.ts'
import { EXIT } from '../exit-codes.ts'
import { formatConflicts } from '../format-state.ts'
import { ANSWER_WAIT_MS, withEngine } from '../with-engine.ts'
import type { World } from '../world.ts'

const LISTED_MAX = 500

export async function conflicts(
  command: { readonly dataDir: string; readonly dir?: string; readonly json: boolean },
  world: World,
): Promise<number> {
  const input = { countMax: LISTED_MAX, ...(command.dir === undefined ? {} : { dir: command.dir }) }
  const list = await withEngine(command.dataDir, world, (client) =>
    client.call('conflicts/list', input, { timeoutMs: ANSWER_WAIT_MS }),
  )
  if (command.json) world.print(JSON.stringify(list, null, 2))
  else world.print(formatConflicts(list).join('\n'))
  return list.total === 0 ? EXIT.ok : EXIT.attention
}

export type ResolveCommand = {
  readonly dataDir: string
  readonly keep: 'mine' | 'theirs' | 'both'
  readonly id?: number
  /** Either of the two files, when there is no id. */
  readonly path?: string
}

const KEPT: Readonly<Record<ResolveCommand['keep'], string>> = {
  mine: 'Your version takes the place of the bucket’s.',
  theirs: 'The bucket’s version stays; the copy is gone.',
  both: 'Both files stay.',
}

export async function resolveOne(command: ResolveCommand, world: World): Promise<number> {
  const { keep, path } = command
  await withEngine(command.dataDir, world, async (client) => {
    const limit = { timeoutMs: ANSWER_WAIT_MS }
    let { id } = command
    if (id === undefined && path !== undefined) {
      const { states } = await client.call('files/state', { paths: [path] }, limit)
      const [state] = states
      id = state?.kind === 'file' ? state.conflictId : undefined
    }
    if (id === undefined) throw new PailError('conflict/over', `${path ?? ''} is in no conflict`)
    await client.call('conflicts/resolve', { id, keep }, limit)
  })
  world.print(KEPT[keep])
  return EXIT.ok
}
