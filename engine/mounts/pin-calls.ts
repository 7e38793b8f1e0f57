/**
 * The calls about pins: paths of this computer in, what is kept in each mounted bucket out.
 */
import type { EngineOutput, EngineParsed } from '../../shared/engine-contract.ts'
import type { PinTotalView, PinView } from '../../shared/keeping-contract.ts'
import type { Pin } from '../store/pin-table.ts'
import type { PinProgress } from '../sync/pins.ts'
import { localPathOf, nodeAt, placeOf } from './local-paths.ts'
import type { MountSession } from './mount-session.ts'
import type { Volume } from './volume.ts'

/** How long the lookup of a path that is not known yet may take. */
const LOOKUP_MS_MAX = 10_000

/** @throws PailError `mount/not-mounted`, `vfs/not-found` */
export async function setPin(
  sessions: Iterable<MountSession>,
  path: string,
  mode: EngineParsed<'pins/set'>['mode'],
): Promise<void> {
  const place = placeOf(sessions, path)
  const row = await nodeAt(place, AbortSignal.timeout(LOOKUP_MS_MAX))
  await place.session.volume.pins.set(row.id, mode === 'none' ? undefined : mode)
}

export function listPins(sessions: Iterable<MountSession>): EngineOutput<'pins/list'> {
  const all = [...sessions]
  const volumes = new Set(all.map(({ volume }) => volume))
  const pins = [...volumes].flatMap((volume) =>
    volume.pins.all().flatMap((pin) => viewOf(all, volume, pin) ?? []),
  )
  return { pins, total: totalOf(volumes) }
}

export async function checkPins(
  sessions: Iterable<MountSession>,
): Promise<EngineOutput<'pins/check'>> {
  const all = [...sessions]
  const sum = { ...NOTHING, isListed: true, repairedFiles: 0, missingCount: 0 }
  const missing: Array<{ path: string; reason: string }> = []
  let problem: PinProgress['problem']
  for (const volume of new Set(all.map((session) => session.volume))) {
    const one = await volume.pins.check(volume.signal)
    add(sum, one)
    sum.isListed = sum.isListed && one.isListed
    sum.repairedFiles += one.repairedFiles
    sum.missingCount += one.missingCount
    problem ??= one.problem
    for (const { node, reason } of one.missing) {
      missing.push({ path: pathOf(all, volume, node) ?? '', reason })
    }
  }
  const isReady = sum.isListed && sum.readyFiles === sum.files
  const rest = problem ? { problem } : {}
  return { ...sum, percent: percentOf(sum), isReady, missing, ...rest }
}

export function totalOf(volumes: Iterable<Volume>): PinTotalView {
  const sum = { ...NOTHING }
  let problem: PinProgress['problem']
  for (const { pins } of volumes) {
    const one = pins.total()
    add(sum, one)
    problem ??= one.problem
  }
  return { ...sum, percent: percentOf(sum), ...(problem ? { problem } : {}) }
}

const NOTHING = { files: 0, bytes: 0, readyFiles: 0, readyBytes: 0 }

function add(sum: typeof NOTHING, one: PinProgress): void {
  sum.files += one.files
  sum.bytes += one.bytes
  sum.readyFiles += one.readyFiles
  sum.readyBytes += one.readyBytes
}

function viewOf(
  sessions: readonly MountSession[],
  volume: Volume,
  { node, mode, sinceMs }: Pin,
): PinView | undefined {
  const path = pathOf(sessions, volume, node)
  if (path === undefined) return undefined
  const progress = mode === 'pinned' ? volume.pins.progressOf(node) : NOTHING
  return { path, mode, sinceMs, percent: percentOf(progress), ...progress }
}

/** A hundred only when every file is here: the last byte is what a flight depends on. */
function percentOf({ files, readyFiles, bytes, readyBytes }: PinProgress): number {
  if (files === 0 || readyFiles === files) return files === 0 ? 0 : 100
  const share = bytes > 0 ? readyBytes / bytes : readyFiles / files
  return Math.min(99, Math.floor(share * 100))
}

function pathOf(
  sessions: readonly MountSession[],
  volume: Volume,
  node: number,
): string | undefined {
  const row = volume.tree.nodes.byId(node)
  if (!row) return undefined
  for (const session of sessions) {
    const path = session.volume === volume ? localPathOf(session, row) : undefined
    if (path !== undefined) return path
  }
  return undefined
}
