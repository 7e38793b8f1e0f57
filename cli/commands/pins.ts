/** `pail pin`, `pail unpin`, `pail pins`: what stays on this computer, and whether it is here. */
import type { EngineClient } from '../../engine/mounts/client.ts'
import type { PinCheckView, PinTotalView, PinView } from '../../shared/keeping-contract.ts'
import { EXIT } from '../exit-codes.ts'
import { formatBytes } from '../format.ts'
import type { World } from '../world.ts'

/** A path that is not known yet is looked up in the bucket. */
const ANSWER_MS = 30_000

export type PinCommand = {
  readonly dataDir: string
  /** Absolute. */
  readonly paths: readonly string[]
  readonly mode: 'pinned' | 'excluded' | 'none'
}

/** The first path that cannot be pinned ends it; those before it are. */
export async function pin(command: PinCommand, world: World): Promise<number> {
  return withEngine(command.dataDir, world, async (client) => {
    for (const path of command.paths) {
      await client.call('pins/set', { path, mode: command.mode }, { timeoutMs: ANSWER_MS })
    }
    return EXIT.ok
  })
}

export type PinsCommand = {
  readonly dataDir: string
  readonly json: boolean
  /** Lists anew, re-reads every block, fetches what is missing, and only then answers. */
  readonly check: boolean
}

export async function pins(command: PinsCommand, world: World): Promise<number> {
  return withEngine(command.dataDir, world, async (client) => {
    const check = command.check ? await client.call('pins/check', {}) : undefined
    const list = await client.call('pins/list', {}, { timeoutMs: ANSWER_MS })
    if (command.json) world.print(JSON.stringify({ ...list, ...(check ? { check } : {}) }, null, 2))
    else for (const line of describe(list.pins, list.total, check)) world.print(line)
    return check && !check.isReady ? EXIT.pending : EXIT.ok
  })
}

function describe(
  all: readonly PinView[],
  total: PinTotalView,
  check: PinCheckView | undefined,
): string[] {
  if (all.length === 0) return ['Nothing is kept on this computer. Keep something with pail pin.']
  const lines = all.map(({ path, mode, percent, bytes, files }) =>
    mode === 'excluded'
      ? `left out  ${path}`
      : `${String(percent).padStart(3)} %  ${path}  ${files} files, ${formatBytes(bytes)}`,
  )
  const { problem } = check ?? total
  if (problem) {
    const [needed, room] = [formatBytes(problem.neededBytes), formatBytes(problem.roomBytes)]
    lines.push(`Does not fit: ${needed} more are needed, this disk has room for ${room}.`)
  }
  return check ? [...lines, ...describeCheck(check)] : lines
}

function describeCheck(check: PinCheckView): string[] {
  const { isReady, isListed, files, readyFiles, repairedFiles, missing, missingCount } = check
  const lines = missing.map(({ path, reason }) => `missing  ${path}: ${reason}`)
  if (missingCount > missing.length) lines.push(`and ${missingCount - missing.length} more`)
  if (repairedFiles > 0) lines.push(`${repairedFiles} files were damaged and fetched again.`)
  if (isReady) return [...lines, `Ready: all ${files} files are here, every block was read.`]
  const away = isListed ? '' : ' The server could not be asked what is new.'
  return [...lines, `Not ready: ${readyFiles} of ${files} files are here.${away}`]
}

async function withEngine(
  dataDir: string,
  world: World,
  work: (client: EngineClient) => Promise<number>,
): Promise<number> {
  const client = await world.connect(dataDir)
  try {
    return await work(client)
  } finally {
    client.close()
  }
}
