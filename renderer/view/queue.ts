/** An entry of the queue in words. Pure. */
import { formatBytes } from '../../shared/sentences.ts'
import type { QueueEntry } from '../../shared/sync-model.ts'
import { NEXT_TRY_WORDS, type NextTry } from '../../shared/sync-states.ts'
import type { MountRow } from '../../shared/window-contract.ts'
import { durationWords } from './time.ts'

const OP_WORDS: Readonly<Record<QueueEntry['op'], string>> = {
  put: 'Upload',
  marker: 'New folder',
  attributes: 'Attributes',
  move: 'Rename',
  delete: 'Deletion',
  fetch: 'Download',
}

export function opWord({ op }: QueueEntry): string {
  return OP_WORDS[op]
}

/** The last name of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** `demo/results · saved by python3` */
export function originWords({ bucket, path, program }: QueueEntry): string {
  const folder = path.includes('/') ? `/${path.slice(0, path.lastIndexOf('/'))}` : ''
  const facts = [`${bucket}${folder}`]
  if (program !== undefined) facts.push(`saved by ${program}`)
  return facts.join(' · ')
}

function triesWords({ attempts }: QueueEntry): string[] {
  if (attempts === 0) return []
  return [attempts === 1 ? 'tried once before' : `tried ${attempts} times before`]
}

export function percentOf({ doneBytes, sizeBytes }: QueueEntry): number {
  if (sizeBytes <= 0) return 0
  return Math.min(100, Math.floor((doneBytes * 100) / sizeBytes))
}

/** `31 % · 4.2 MB/s · 12 s left · part 3 of 12` */
export function progressWords(entry: QueueEntry): string {
  const { sizeBytes, doneBytes, bytesPerSecond, part } = entry
  // What has left this computer is not yet in the bucket.
  if (sizeBytes > 0 && doneBytes >= sizeBytes && entry.direction === 'up') {
    return ['All sent, the server confirms', ...triesWords(entry)].join(' · ')
  }
  const facts = [`${percentOf(entry)} %`]
  if (bytesPerSecond > 0) {
    const leftMs = ((sizeBytes - doneBytes) / bytesPerSecond) * 1000
    facts.push(`${formatBytes(bytesPerSecond)}/s`)
    if (leftMs > 0) facts.push(`${durationWords(leftMs)} left`)
  }
  if (part !== undefined && part.total > 1) {
    facts.push(`part ${Math.min(part.done + 1, part.total)} of ${part.total}`)
  }
  return [...facts, ...triesWords(entry)].join(' · ')
}

/** Why it rests, when it goes on, and how often that was so. */
export function waitWords(entry: QueueEntry, nowMs: number): string {
  const { reason = '', nextTry } = entry
  const next = nextTry === undefined ? '' : nextTryWords(nextTry, nowMs)
  const tries = triesWords(entry).map((words) => `(${words})`)
  return [reason, next, ...tries].filter((part) => part !== '').join(' ')
}

function nextTryWords(nextTry: NextTry, nowMs: number): string {
  if ('when' in nextTry) {
    return nextTry.when === 'person'
      ? 'It waits for you.'
      : `Goes on ${NEXT_TRY_WORDS[nextTry.when]}.`
  }
  const waitMs = nextTry.atMs - nowMs
  return waitMs <= 0 ? '' : `Goes on in ${durationWords(waitMs)}.`
}

type Place = { readonly bucket: string; readonly path: string }

/** Where a file of a bucket is on this computer; undefined while its folder is not mounted. */
export function localPathOf(mounts: readonly MountRow[], { bucket, path }: Place) {
  const mount = mounts.find(
    (one) =>
      one.bucket === bucket &&
      path.startsWith(one.prefix) &&
      one.state !== 'stopped' &&
      one.state !== 'failed',
  )
  return mount === undefined ? undefined : `${mount.dir}/${path.slice(mount.prefix.length)}`
}
