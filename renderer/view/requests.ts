/** What a connection asks of its endpoint, and why as often as it does, in words. Pure. */
import type { ConnectionRequestsView } from '../../shared/keeping-contract.ts'
import { formatCount } from '../../shared/sentences.ts'
import { durationWords } from './time.ts'

type Watching = NonNullable<ConnectionRequestsView['watching']>

/** `214 of 2,000 list requests this month, 14 today` */
export function budgetWords({ day, month, listsPerMonth }: ConnectionRequestsView): string {
  const used = month.list.toLocaleString('en-US')
  return `${used} of ${formatCount(listsPerMonth, 'list request')} this month, ${day.list.toLocaleString('en-US')} today`
}

/** 0 to 100; more than all of the budget is shown as all of it. */
export function budgetPercent({ month, listsPerMonth }: ConnectionRequestsView): number {
  if (listsPerMonth === 0) return month.list === 0 ? 0 : 100
  return Math.min(100, (month.list * 100) / listsPerMonth)
}

const WHYS: Readonly<Record<Watching['why'], string>> = {
  changing: 'because something in it changed a moment ago',
  'in-use': 'because a program or a window is in it',
  held: 'because a program holds it open without using it',
  left: 'because it was used a while ago',
  saving: 'because more was asked than the budget brings',
}

export type PaceFacts = {
  readonly isMounted: boolean
  readonly isWorkingOffline: boolean
}

/** How often Pail looks by itself for what others store, and why. */
export function paceSentence(
  { watching, polling }: ConnectionRequestsView,
  { isMounted, isWorkingOffline }: PaceFacts,
): string {
  if (isWorkingOffline) return 'You work offline: nothing is asked.'
  if (!isMounted) return 'Nothing of it is mounted: nothing is asked by itself.'
  if (watching === undefined) return 'No folder is in use: none is looked at by itself.'
  const { folders, everyMs, why, pages } = watching
  const every = everyMs === 60_000 ? 'every minute' : `every ${durationWords(everyMs)}`
  const looked =
    folders === 1
      ? `One folder is looked at ${every}`
      : `${formatCount(folders, 'folder')} are looked at, one of them ${every}`
  const cost = pages > 1 ? ` (${formatCount(pages, 'request')} for one look)` : ''
  const credit =
    polling === 'credit' ? ' Folders that are not in use wait: the budget comes in slower.' : ''
  return `${looked}${cost}, ${WHYS[why]}.${credit}`
}

/** @returns what is wrong with a budget as typed, as a sentence; undefined when nothing is */
export function budgetFault(typed: string | number): string | undefined {
  const value = typeof typed === 'number' ? typed : Number.NaN
  if (!Number.isInteger(value) || value < 0) return 'Type a whole number.'
  return value > LISTS_MAX ? `At most ${LISTS_MAX.toLocaleString('en-US')}.` : undefined
}

const LISTS_MAX = 100_000_000
