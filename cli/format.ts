/**
 * Numbers, states and tables as a person reads them. Pure.
 */
import type { LeftBehind } from '../engine/mounts/left-behind.ts'
import { ERRORS } from '../shared/errors.ts'
import type { MountView, StatusView } from '../shared/model.ts'
import { isUnprotected } from '../shared/protection.ts'
import { otherWords, type PendingFigures } from '../shared/sentences.ts'
import type { QueueEntry } from '../shared/sync-model.ts'

/** Of what waits, so many are named. */
const WAITING_SHOWN_MAX = 10
const CHANGE_WORDS: Readonly<Record<Exclude<QueueEntry['op'], 'put'>, string>> = {
  marker: 'new folder',
  attributes: 'mode and times',
  move: 'renamed',
  delete: 'removed',
  fetch: 'fetched',
}

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'] as const

/** Decimal units, as disks and providers count. */
export function formatBytes(sizeBytes: number): string {
  let value = sizeBytes
  let unit = 0
  // 999.5 would round to 1000 of the smaller unit.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1
  return `${value.toFixed(digits).replace(/\.0$/, '')} ${UNITS[unit]}`
}

export function formatCount(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`
}

/** `2 files, 3 MB`. */
export function formatPending(pending: PendingFigures): string {
  const { pendingFiles, pendingBytes, pendingOther } = pending
  const { folders, changes } = pendingOther ?? { folders: 0, changes: 0 }
  const files = pendingFiles - folders - changes
  if (files === 0 && pendingOther) return otherWords(pending)
  return `${formatCount(files, 'file')}, ${formatBytes(pendingBytes)}`
}

export function formatMounted(view: MountView): string {
  const source = formatSource(view)
  const how = view.readOnly ? ' (read-only)' : ''
  const reason = view.reason ? ` ${view.reason}` : ''
  return `Mounted ${source} on ${view.dir}${how}.${reason}${foundSentence(view)}`
}

function foundSentence({ found, dir }: MountView): string {
  if (!found) return ''
  const were = found.count === 1 ? 'was' : 'were'
  const what = formatCount(found.count, 'entry').replace('entrys', 'entries')
  return `\n${what} ${were} in ${dir} while nothing was mounted there: now in ${found.dir}.`
}

export function formatUnmounted(view: MountView): string {
  const done = `Unmounted ${view.dir}.`
  if (view.pendingFiles === 0) return done
  const verb = view.pendingFiles === 1 ? 'goes' : 'go'
  const it = view.pendingFiles === 1 ? 'it' : 'they'
  return `${done} ${formatPending(view)} still to upload; ${it} ${verb} on in the background.`
}

/** @param left  what the last engine did not get done */
export function formatNoEngine(left: LeftBehind | undefined): string {
  if (!left) return 'No engine is running, nothing is mounted.'
  const dead = left.deadDirs.map(
    (dir) =>
      `${dir}: nobody serves this folder any more. Mount it again with pail mount, or take it away with pail unmount ${dir}.`,
  )
  const waiting =
    left.pendingFiles > 0
      ? [
          `Not in the bucket yet: ${formatPending(left)}. It waits on this computer, and goes up when the folder is mounted again.`,
        ]
      : []
  return ['No engine is running.', ...dead, ...waiting].map(printable).join('\n')
}

export function formatStatus(status: StatusView): string {
  const { engine } = status
  const mounts = status.mounts.filter((mount) => mount.state !== 'stopped' || isWaiting(mount))
  const head = `Engine ${engine.version}, process ${engine.pid}, data in ${engine.dataDir}`
  if (mounts.length === 0) return `${head}\nNothing is mounted.`
  const lines = [head, '', ...mountTable(mounts), ...mounts.flatMap(problemsOf)]
  return [...lines, ...waitingLines(status), ...archiveLines(status)].join('\n')
}

/** A folder that is not mounted any more is of interest while something of it is not uploaded. */
const isWaiting = (mount: MountView) => mount.pendingFiles > 0 || mount.errors.length > 0

function mountTable(mounts: readonly MountView[]): string[] {
  const rows = mounts.map((mount) => [
    mount.dir,
    formatSource(mount),
    stateWords(mount),
    mount.pendingFiles === 0 ? 'everything is in the bucket' : formatPending(mount),
  ])
  return alignColumns([['FOLDER', 'BUCKET', 'STATE', 'TO UPLOAD'], ...rows])
}

function stateWords({ state, readOnly, endpointUrl }: MountView): string {
  const words = [state, ...(readOnly ? ['read-only'] : [])]
  return [...words, ...(isUnprotected(endpointUrl) ? ['unprotected'] : [])].join(', ')
}

function problemsOf(mount: MountView): string[] {
  const reason = mount.reason ? [`${mount.dir}: ${mount.reason}`] : []
  // What is tried again by itself stands in the list of what waits, with its reason.
  const lasting = mount.errors.filter(({ code }) => ERRORS[code].retry === 'never')
  const errors = lasting.map((error) => `${mount.dir}: ${error.path}: ${error.sentence}`)
  const told = [
    ...reason,
    ...heldSentence(mount),
    ...errors,
    ...renamedOf(mount),
    ...unshownOf(mount),
  ]
  const hints = (mount.hints ?? []).map(({ sentence }) => `${sentence} (pail dismiss ${mount.dir})`)
  const lines = [...told, ...unprotectedOf(mount), ...hints].map(printable)
  return lines.length === 0 ? [] : ['', ...lines]
}

function heldSentence({ dir, heldDeletes }: MountView): string[] {
  if (!heldDeletes) return []
  const objects = formatCount(heldDeletes.count, 'object')
  const ask = `pail deletes ${dir} --allow, or --undo to have them back`
  return [`${dir}: ${objects} were removed at once and are still in the bucket: ${ask}.`]
}

/** What is on its way to the bucket or waits for that, by name, and why; failures are told above. */
function waitingLines({ sync }: StatusView): string[] {
  const waiting = sync.queue.entries
    .filter(({ direction, state }) => direction === 'up' && state !== 'failed')
    .slice(0, WAITING_SHOWN_MAX)
  if (waiting.length === 0) return []
  const lines = waiting.map(({ bucket, path, op, sizeBytes, reason = 'On its way.' }) => {
    const what = op === 'put' ? formatBytes(sizeBytes) : CHANGE_WORDS[op]
    return `  ${bucket}/${path} (${what}): ${reason}`
  })
  const more = sync.counts.pendingFiles - sync.counts.failed - waiting.length
  if (more > 0) lines.push(`  and ${more.toLocaleString('en-US')} more`)
  return ['', 'Not in the bucket yet:', ...lines.map(printable)]
}

/** What is archived and was wanted, and what is on its way back. */
function archiveLines({ unavailable = [], restores = [] }: StatusView): string[] {
  const wanted = unavailable.filter(({ why }) => why === 'archived')
  const lines = wanted.map(({ path, sentence = '' }) => `${path}: ${sentence}`)
  const onTheirWay = restores.filter(({ state }) => state === 'asked' || state === 'restoring')
  if (onTheirWay.length > 0) {
    lines.push(`${formatCount(onTheirWay.length, 'file')} on the way back: pail restore --list`)
  }
  return lines.length === 0 ? [] : ['', ...lines.map(printable)]
}

function renamedOf(mount: MountView): string[] {
  if (mount.renamedItems === 0) return []
  const have = mount.renamedItems === 1 ? 'has' : 'have'
  const what = `${formatCount(mount.renamedItems, 'item')} ${have} another name here`
  return [`${mount.dir}: ${what}: their keys cannot be names of files.`]
}

function unshownOf({ dir, unshownItems = 0 }: MountView): string[] {
  if (unshownItems === 0) return []
  const items = formatCount(unshownItems, 'item')
  return [`${dir}: ${items} of the bucket cannot be shown: the log says which, and why.`]
}

function unprotectedOf({ dir, endpointUrl }: MountView): string[] {
  if (!isUnprotected(endpointUrl)) return []
  return [`${dir}: ${endpointUrl} is not encrypted: others on the way can read your files.`]
}

function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const cleaned = rows.map((row) => row.map(printable))
  const widths = (cleaned[0] ?? []).map((_, column) =>
    Math.max(...cleaned.map((row) => row[column]?.length ?? 0)),
  )
  return cleaned.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** Names come from a bucket: control characters in them must not reach the terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\ufffd')
}

function formatSource(mount: Pick<MountView, 'bucket' | 'prefix'>): string {
  return mount.prefix === '' ? mount.bucket : `${mount.bucket}:/${mount.prefix.replace(/\/$/, '')}`
}
