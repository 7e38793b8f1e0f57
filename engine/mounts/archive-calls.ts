/**
 * The calls of shared/archive.ts: a person wants archived files back.
 */
import {
  type ArchiveProvider,
  type archiveCalls,
  archiveProviderOf,
  RESTORES_SHOWN_MAX,
  type RestoreTier,
  type RestoreView,
  restoreWaitMs,
  restoreWaitWords,
  tiersOf,
} from '../../shared/archive.ts'
import type { EngineHandlers, EngineOutput, EngineParsed } from '../../shared/engine-contract.ts'
import { isErrorCode, PailError } from '../../shared/errors.ts'
import type { NodeRow } from '../store/nodes.ts'
import type { RestoreRow } from '../store/restore-table.ts'
import { listDeep } from '../sync/deep-listing.ts'
import type { Wish } from '../sync/restores.ts'
import { archivedWords } from './archived-words.ts'
import { localPathOf, nodeAt, placeOf } from './local-paths.ts'
import type { MountSession } from './mount-session.ts'
import type { Volume } from './volume.ts'

/** How long the lookup of a path that is not known yet may take. */
const LOOKUP_MS_MAX = 10_000
/** A folder of a million files is listed in about so long. */
const LISTING_MS_MAX = 10 * 60_000
/** How long a call waits for the requests; what is left goes out behind it. */
const SENT_MS_MAX = 5_000

type ArchiveHandlers = Pick<EngineHandlers, keyof typeof archiveCalls>

export function archiveHandlers(sessions: () => Iterable<MountSession>): ArchiveHandlers {
  return {
    'archive/restore': (input) => restore([...sessions()], input),
    'archive/list': async () => restoresOf([...sessions()]),
  }
}

async function restore(
  sessions: readonly MountSession[],
  { paths, days, tier }: EngineParsed<'archive/restore'>,
): Promise<EngineOutput<'archive/restore'>> {
  const wanted = new Map<Volume, NodeRow[]>()
  for (const path of paths) {
    const place = placeOf(sessions, path)
    const { volume } = place.session
    const row = await nodeAt(place, AbortSignal.timeout(LOOKUP_MS_MAX))
    if (row.kind === 'directory' && volume.connectivity.isOnline) {
      await listDeep(volume.shared, row.id, AbortSignal.timeout(LISTING_MS_MAX))
    }
    checkTier(volume, row, tier)
    wanted.set(volume, [...(wanted.get(volume) ?? []), volume.tree.node(row.id)])
  }
  const sum = { asked: 0, restoring: 0, readable: 0 }
  let longest: Wait | undefined
  for (const [volume, rows] of wanted) {
    const wished = await askAndSend(volume, rows, { days, tier })
    sum.asked += wished.asked
    sum.restoring += wished.restoring
    sum.readable += wished.readable
    const waits = (wished.rows.length > 0 ? wished.rows : rows).map((row) =>
      waitOf(volume, row, tier),
    )
    longest = longestOf(longest === undefined ? waits : [longest, ...waits])
  }
  return { ...sum, wait: longest?.words ?? '' }
}

/** @throws PailError what the bucket said, when it refused */
async function askAndSend(volume: Volume, rows: readonly NodeRow[], wish: Wish) {
  const { restores, restoreTable } = volume
  const wished = await restores.ask(rows, wish)
  const isOver = AbortSignal.timeout(SENT_MS_MAX)
  const ended = new Promise<void>((resolve) => {
    isOver.addEventListener('abort', () => resolve(), { once: true })
  })
  // The round that is under way may have begun without them.
  await Promise.race([restores.settle().then(() => restores.settle()), ended])
  for (const row of wished.rows) {
    const now = restoreTable.of(row.id)
    if (now?.state !== 'denied') continue
    const code =
      now.errorCode !== undefined && isErrorCode(now.errorCode) ? now.errorCode : 's3/rejected'
    throw new PailError(code, 'the restore is refused', { key: row.remoteKey ?? '' })
  }
  return wished
}

function checkTier(volume: Volume, row: NodeRow, tier: RestoreTier | undefined): void {
  if (tier === undefined || row.kind === 'directory') return
  const provider = providerOf(volume)
  const { storageClass } = row
  const allowed = tiersOf({ provider, storageClass })
  if (allowed.includes(tier)) return
  const names = allowed.join(' or ')
  throw new PailError(
    'input/invalid',
    `this archive has no tier ${tier}: leave it out, or use ${names}`,
  )
}

type Wait = { readonly ms: number; readonly words: string }

function waitOf(volume: Volume, { storageClass }: NodeRow, tier: RestoreTier | undefined): Wait {
  const archived = { provider: providerOf(volume), storageClass, tier }
  return { ms: restoreWaitMs(archived) ?? 0, words: restoreWaitWords(archived) }
}

function longestOf(waits: readonly Wait[]): Wait | undefined {
  return [...waits].sort((a, b) => b.ms - a.ms)[0]
}

function providerOf({ endpointUrl }: Volume): ArchiveProvider {
  return archiveProviderOf(endpointUrl)
}

/** What was asked for and is not over, each file once; the newest first. */
export function restoresOf(sessions: readonly MountSession[]): RestoreView[] {
  const shown = sessions.filter(({ life }) => life === 'mounted')
  const views = [...new Set(shown.map(({ volume }) => volume))].flatMap((volume) =>
    volume.restoreTable
      .asked(volume.id, RESTORES_SHOWN_MAX)
      .flatMap((row) => viewOf(shown, volume, row) ?? []),
  )
  return views.sort((a, b) => b.askedMs - a.askedMs).slice(0, RESTORES_SHOWN_MAX)
}

const SHOWN_STATES = {
  asked: 'asked',
  restoring: 'restoring',
  readable: 'readable',
  denied: 'refused',
  refused: 'refused',
} as const

function viewOf(
  sessions: readonly MountSession[],
  volume: Volume,
  { node, state, askedMs, untilMs }: RestoreRow,
): RestoreView | undefined {
  const row = volume.tree.nodes.byId(node)
  const words = row && archivedWords(volume, row)
  if (!row || !words) return undefined
  for (const session of sessions) {
    const path = session.volume === volume ? localPathOf(session, row) : undefined
    if (path === undefined) continue
    const until = untilMs === undefined ? {} : { untilMs }
    return { path, state: SHOWN_STATES[state], askedMs, ...until, sentence: words.sentence }
  }
  return undefined
}
