/** States, conflicts and ages as a person reads them. Pure. */
import type { ConflictView, PathState } from '../shared/sync-model.ts'
import { ACTIONS, BADGE_WORDS, NEXT_TRY_WORDS, type NextTry } from '../shared/sync-states.ts'
import { formatBytes, formatCount, printable } from './format.ts'

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const

/** `12 seconds`, `3 hours`: the largest unit that fits. */
export function formatDuration(durationMs: number): string {
  const seconds = Math.max(0, Math.round(durationMs / 1000))
  const [unit, length] = UNITS.find(([, one]) => seconds >= one) ?? ['second', 1]
  return formatCount(Math.floor(seconds / length), unit)
}

export function formatPathState(state: PathState, nowMs: number): string[] {
  if (state.kind === 'unknown') return [`${printable(state.path)}: not known`]
  const { remote, content } = state.state
  const lines = [`${printable(state.path)}: ${BADGE_WORDS[state.state.badge]}`]
  if (state.kind === 'folder') {
    const { knownFiles, knownBytes, sentence } = state.state
    lines.push(`  holds     ${formatCount(knownFiles, 'file')}, ${formatBytes(knownBytes)}`)
    if (sentence !== '') lines.push(`  children  ${sentence}`)
  } else {
    const { reason, nextTry, actions } = state.state
    if (reason !== undefined) lines.push(`  why       ${reason}`)
    if (nextTry !== undefined) lines.push(`  next      ${formatNextTry(nextTry, nowMs)}`)
    if (actions.length > 0) lines.push(`  can do    ${actions.map(formatAction).join('; ')}`)
  }
  lines.push(`  here      ${content.percent} %`)
  lines.push(`  bucket    ${remote.value}${formatAge(remote.ageMs)}`)
  if (state.key !== '') lines.push(`  key       ${printable(state.key)}`)
  return lines
}

function formatAction(action: keyof typeof ACTIONS): string {
  const { word, command } = ACTIONS[action]
  return `${word} (${command})`
}

export function formatNextTry(nextTry: NextTry, nowMs: number): string {
  if ('when' in nextTry) return NEXT_TRY_WORDS[nextTry.when]
  const inMs = nextTry.atMs - nowMs
  return inMs <= 0 ? 'now' : `in ${formatDuration(inMs)}`
}

function formatAge(ageMs: number | undefined): string {
  return ageMs === undefined ? '' : `, listed ${formatDuration(ageMs)} ago`
}

export function formatConflicts(list: { total: number; entries: ConflictView[] }): string[] {
  if (list.total === 0) return ['There are no conflicts.']
  const lines = list.entries.flatMap(({ id, bucket, ours, theirs, atMs }) => [
    `${id}  ${printable(`${bucket}/${theirs.path}`)}  (${new Date(atMs).toISOString()})`,
    `   theirs  ${formatSide(theirs)}`,
    `   mine    ${formatSide(ours)}, saved on ${printable(ours.host)}: ${printable(ours.path)}`,
  ])
  const more = list.total - list.entries.length
  if (more > 0) lines.push(`and ${formatCount(more, 'more conflict')}`)
  return [...lines, 'Decide with: pail conflicts resolve ID --keep mine|theirs|both']
}

function formatSide({ sizeBytes, modifiedMs }: ConflictView['theirs']): string {
  return `${formatBytes(sizeBytes)}, ${new Date(modifiedMs).toISOString()}`
}
