/** `pail status [PATH]`: what is mounted, and what is not in the bucket yet. */
import { PailError } from '../../shared/errors.ts'
import type { StatusView } from '../../shared/model.ts'
import type { PathState } from '../../shared/sync-model.ts'
import { EXIT, exitCodeOfSync } from '../exit-codes.ts'
import { formatNoEngine, formatStatus } from '../format.ts'
import { formatPathState } from '../format-state.ts'
import { withEngine } from '../with-engine.ts'
import type { World } from '../world.ts'

const STATUS_WAIT_MS = 10_000

export type StatusCommand = {
  readonly dataDir: string
  readonly json: boolean
  readonly path?: string
}

/**
 * No engine is an answer, not an error: `{ "engine": null, "mounts": [] }` and exit code 0, unless the
 * last one left something.
 */
export async function status(command: StatusCommand, world: World): Promise<number> {
  if (command.path !== undefined) return statusOfPath(command, command.path, world)
  const view = await askStatus(command.dataDir, world)
  if (!view) return statusWithoutEngine(command, world)
  if (command.json) world.print(JSON.stringify(view, null, 2))
  else world.print(formatStatus(view))
  return exitCodeOfSync(view.sync)
}

async function statusWithoutEngine(command: StatusCommand, world: World): Promise<number> {
  const left = await world.leftBehind(command.dataDir)
  const told = { engine: null, mounts: [], ...(left ? { left } : {}) }
  world.print(command.json ? JSON.stringify(told, null, 2) : formatNoEngine(left))
  return left && left.pendingFiles > 0 ? EXIT.resting : EXIT.ok
}

async function statusOfPath(
  { dataDir, json }: StatusCommand,
  path: string,
  world: World,
): Promise<number> {
  const { states } = await withEngine(dataDir, world, (client) =>
    client.call('files/state', { paths: [path] }, { timeoutMs: STATUS_WAIT_MS }),
  )
  const [state] = states
  if (!state || state.kind === 'unknown') {
    throw new PailError(state?.code ?? 'vfs/not-found', path, { dir: path })
  }
  if (json) world.print(JSON.stringify(state, null, 2))
  else world.print(formatPathState(state, world.clock.nowMs()).join('\n'))
  return exitCodeOfPath(state)
}

/** As the whole status: in the bucket, on its way, resting, or in need of a person. */
export function exitCodeOfPath(state: Exclude<PathState, { kind: 'unknown' }>): number {
  const { badge } = state.state
  if (badge === 'failed' || badge === 'conflict') return EXIT.attention
  if (state.kind === 'folder') {
    const { waiting, uploading } = state.state.counts
    return waiting + uploading > 0 ? EXIT.pending : EXIT.ok
  }
  const { change, nextTry } = state.state
  if (change.value === 'clean') return EXIT.ok
  const isResting = nextTry !== undefined && 'when' in nextTry && nextTry.when !== 'closed'
  return isResting ? EXIT.resting : EXIT.pending
}

async function askStatus(dataDir: string, world: World): Promise<StatusView | undefined> {
  try {
    return await withEngine(dataDir, world, (client) =>
      client.call('engine/status', {}, { timeoutMs: STATUS_WAIT_MS }),
    )
  } catch (thrown) {
    const { code } = PailError.from(thrown)
    // An engine that ends while it is asked is no engine any more.
    if (code === 'engine/not-running' || code === 'engine/stopped') return undefined
    throw thrown
  }
}
