/** `pail flush --wait`: ends with 0 only when everything is in the bucket. */
import type { EngineClient } from '../../engine/mounts/client.ts'
import { PailError } from '../../shared/errors.ts'
import type { PendingFigures } from '../../shared/sentences.ts'
import type { SyncView } from '../../shared/sync-model.ts'
import { EXIT } from '../exit-codes.ts'
import { formatPending } from '../format.ts'
import type { World } from '../world.ts'

/** Without `--wait` the engine is asked how things are, not waited for. */
const LOOK_MS = 1
/** The engine keeps the time; this is for an engine that does not answer at all. */
const ANSWER_SLACK_MS = 10_000

export type FlushCommand = {
  readonly dir?: string
  readonly dataDir: string
  readonly wait: boolean
  readonly timeoutMs?: number
}

export async function flush(command: FlushCommand, world: World): Promise<number> {
  const { pending, wasAway, sync } = await askFlush(command, world)
  if (pending.pendingFiles === 0) {
    world.print('Everything is in the bucket.')
    return EXIT.ok
  }
  world.complain(
    `pail: ${formatPending(pending)} still to upload. ${reasonFor(command, { wasAway, sync })}`,
  )
  return EXIT.pending
}

function reasonFor(command: FlushCommand, { wasAway, sync }: Omit<Answer, 'pending'>): string {
  if (sync?.isPaused) return 'Uploads are paused: run pail resume.'
  if (sync?.isWorkingOffline) return 'Pail works offline: run pail offline off.'
  if (wasAway) return 'Mount the folder again: its files go up from there.'
  if (!command.wait) return 'Wait for them with pail flush --wait.'
  // It gives up before the time when what is left waits for a person, and only then without a limit.
  const needsPerson = command.timeoutMs === undefined || sync?.verdict.kind === 'attention'
  return needsPerson ? 'They need attention: see pail status.' : 'The time is over.'
}

type Answer = {
  readonly pending: PendingFigures
  /** True when there was no engine: it has no keys and uploads nothing before the next mount. */
  readonly wasAway: boolean
  /** What else there is to say when something is left. */
  readonly sync: SyncView | undefined
}

async function askFlush(command: FlushCommand, world: World): Promise<Answer> {
  const reached = await reachEngine(command, world)
  if (!reached) {
    return { pending: { pendingFiles: 0, pendingBytes: 0 }, wasAway: true, sync: undefined }
  }
  const { client, wasAway } = reached
  const timeoutMs = command.wait && !wasAway ? command.timeoutMs : LOOK_MS
  const input = {
    ...(command.dir === undefined || wasAway ? {} : { dir: command.dir }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  }
  const limit = timeoutMs === undefined ? {} : { timeoutMs: timeoutMs + ANSWER_SLACK_MS }
  try {
    const pending = await client.call('uploads/flush', input, limit)
    if (pending.pendingFiles === 0) return { pending, wasAway, sync: undefined }
    const { sync } = await client.call('engine/status', {}, { timeoutMs: ANSWER_SLACK_MS })
    return { pending, wasAway, sync }
  } finally {
    client.close()
  }
}

type Reached = { readonly client: EngineClient; readonly wasAway: boolean }

/**
 * Files may wait in a journal whose engine is gone, so an engine is started to look.
 * @returns nothing when no engine ever worked in this data folder: nothing can be pending
 */
async function reachEngine(command: FlushCommand, world: World): Promise<Reached | undefined> {
  try {
    return { client: await world.connect(command.dataDir), wasAway: false }
  } catch (thrown) {
    if (PailError.from(thrown).code !== 'engine/not-running') throw thrown
    if (!world.hasData(command.dataDir)) return undefined
    return { client: await world.connectOrStart(command.dataDir), wasAway: true }
  }
}
