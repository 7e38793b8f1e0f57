/**
 * `pail budget`: what each connection asked of its endpoint, and how many LIST requests a month Pail
 * may spend on looking by itself.
 *
 * Connections are those that something is mounted from, and those that the app has stored.
 */
import { PailError } from '../../shared/errors.ts'
import type { ConnectionRequestsView } from '../../shared/keeping-contract.ts'
import type { ConnectionView } from '../../shared/model.ts'
import { EXIT } from '../exit-codes.ts'
import { formatCount, printable } from '../format.ts'
import { ANSWER_WAIT_MS } from '../with-engine.ts'
import type { World } from '../world.ts'

export type BudgetCommand = {
  readonly dataDir: string
  /** As typed; absent: all of them. */
  readonly connection?: string
  /** Absent: it stays as it is. */
  readonly listsPerMonth?: number
  readonly json: boolean
}

/** What is billed together. The name is the app's, where the app knows it. */
export type KnownConnection = Pick<ConnectionView, 'endpointUrl' | 'accessKeyId'> & {
  readonly name?: string
}

const options = { timeoutMs: ANSWER_WAIT_MS }

export async function budget(command: BudgetCommand, world: World): Promise<number> {
  const { connection, listsPerMonth, json } = command
  const client = await world.connectOrStart(command.dataDir)
  try {
    const { requests: mounted = [] } = await client.call('engine/status', {}, options)
    const known = knownConnections(mounted, world.keychain.connections())
    const meant = chooseConnections(known, connection)
    if (listsPerMonth !== undefined) {
      const { endpointUrl, accessKeyId } = theOnly(meant)
      const input = { endpointUrl, accessKeyId, listsPerMonth }
      await client.call('requests/set-budget', input, options)
    }
    const views: ConnectionRequestsView[] = []
    for (const { endpointUrl, accessKeyId } of meant) {
      views.push(await client.call('requests/get', { endpointUrl, accessKeyId }, options))
    }
    if (json) world.print(JSON.stringify(views, null, 2))
    else world.print(describe(views, known))
    return EXIT.ok
  } finally {
    client.close()
  }
}

/** Each once, those that something is mounted from first. Pure. */
export function knownConnections(
  mounted: readonly KnownConnection[],
  stored: readonly ConnectionView[],
): KnownConnection[] {
  const known = new Map<string, KnownConnection>()
  for (const { endpointUrl, accessKeyId } of mounted) {
    known.set(`${endpointUrl} ${accessKeyId}`, { endpointUrl, accessKeyId })
  }
  for (const { endpointUrl, accessKeyId, name } of stored) {
    known.set(`${endpointUrl} ${accessKeyId}`, { endpointUrl, accessKeyId, name })
  }
  return [...known.values()]
}

/** @throws PailError `input/invalid` for what names none. Pure */
export function chooseConnections(
  known: readonly KnownConnection[],
  typed: string | undefined,
): readonly KnownConnection[] {
  if (typed === undefined) return known
  const meant = known.filter(
    ({ name, endpointUrl, accessKeyId }) =>
      [name, endpointUrl, accessKeyId].includes(typed.replace(/\/+$/, '')) ||
      (URL.canParse(endpointUrl) && new URL(endpointUrl).host === typed),
  )
  if (meant.length > 0) return meant
  throw new PailError('input/invalid', `No connection is called ${typed}. ${named(known)}`)
}

/** One budget is changed at a time. */
function theOnly(meant: readonly KnownConnection[]): KnownConnection {
  const [first, second] = meant
  if (first && !second) return first
  throw new PailError('input/invalid', `Say which connection it is for. ${named(meant)}`)
}

function named(known: readonly KnownConnection[]): string {
  if (known.length === 0) return 'Nothing is mounted, and the app has stored none.'
  return `There are: ${known.map(titleOf).join('; ')}.`
}

function titleOf({ name, endpointUrl, accessKeyId }: KnownConnection): string {
  return printable(`${name ?? endpointUrl} (${accessKeyId})`)
}

const KINDS = ['list', 'write', 'read', 'delete'] as const
const POLLING: Readonly<Record<ConnectionRequestsView['polling'], string>> = {
  normal: '',
  credit: ', all used: only folders in use are looked at',
  saving: ', all used: folders in use are looked at once a minute',
}

function describe(
  views: readonly ConnectionRequestsView[],
  known: readonly KnownConnection[],
): string {
  if (views.length === 0) return named([])
  return views.map((view) => describeOne(view, known)).join('\n')
}

function describeOne(view: ConnectionRequestsView, known: readonly KnownConnection[]): string {
  const { endpointUrl, accessKeyId, day, month, listsPerMonth, listsLeft, polling } = view
  const connection = known.find(
    (one) => one.endpointUrl === endpointUrl && one.accessKeyId === accessKeyId,
  )
  const counts = (of: ConnectionRequestsView['day']) =>
    KINDS.map((kind) => `${of[kind].toLocaleString('en-US')} ${kind}`).join(', ')
  const saved = Math.max(0, listsLeft).toLocaleString('en-US')
  return [
    titleOf(connection ?? view),
    `  budget      ${formatCount(listsPerMonth, 'list request')} a month, ${saved} saved up${POLLING[polling]}`,
    `  today       ${counts(day)}`,
    `  this month  ${counts(month)}`,
  ].join('\n')
}
