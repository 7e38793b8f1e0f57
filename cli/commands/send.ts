/** `pail send [DIR]`: a folder that uploads its files first and a marker last. */
import { PailError } from '../../shared/errors.ts'
import { type FolderRoleView, MARKER_NAMES, type Marker } from '../../shared/folder-roles.ts'
import { EXIT } from '../exit-codes.ts'
import { formatBytes, formatCount, printable } from '../format.ts'
import type { World } from '../world.ts'

/** The engine keeps the time; this is for an engine that does not answer at all. */
const ANSWER_MS = 60_000

export type SendCommand = {
  readonly dataDir: string
  /** Absent: all send folders are listed. */
  readonly dir?: string
  readonly marker?: Marker
  readonly quietMs?: number
  readonly now: boolean
  readonly off: boolean
  /** For `--now`; absent: until the marker is in the bucket. */
  readonly timeoutMs?: number
}

export async function send(command: SendCommand, world: World): Promise<number> {
  const client = await world.connect(command.dataDir)
  try {
    const answer = { timeoutMs: ANSWER_MS }
    const roles = await client.call('folders/roles', {}, answer)
    const { dir } = command
    if (dir === undefined) {
      for (const view of roles.filter(({ role }) => role === 'send')) print(view, world)
      return EXIT.ok
    }
    if (command.off) {
      await client.call('folders/clear-role', { dir }, answer)
      world.print(`${printable(dir)} is an ordinary folder again.`)
      return EXIT.ok
    }
    const known = roles.find((view) => view.dir === dir && view.role === 'send')
    const options = {
      marker: command.marker ?? known?.options.marker,
      quietMs: command.quietMs ?? known?.options.quietMs,
    }
    const isChange = command.marker !== undefined || command.quietMs !== undefined
    const set = { dir, role: 'send' as const, options }
    const view = known && !isChange ? known : await client.call('folders/set-role', set, answer)
    if (!command.now) {
      print(view, world)
      return EXIT.ok
    }
    return await close(dir)
  } finally {
    client.close()
  }

  async function close(path: string): Promise<number> {
    const { timeoutMs } = command
    const limit = timeoutMs === undefined ? {} : { timeoutMs: timeoutMs + ANSWER_MS }
    const input = { dir: path, ...(timeoutMs === undefined ? {} : { timeoutMs }) }
    const view = await client.call('folders/close-batch', input, limit)
    if (view.state === 'idle') {
      print(view, world)
      return EXIT.ok
    }
    world.complain(`pail: ${sentenceOf(view)}`)
    return EXIT.pending
  }
}

/** @throws PailError `input/invalid` for options that contradict each other */
export function checkSend(command: SendCommand): void {
  const isSet = command.marker !== undefined || command.quietMs !== undefined || command.now
  if (command.off && isSet) throw new PailError('input/invalid', '--off goes with no other option')
  if (command.dir === undefined && (isSet || command.off)) {
    throw new PailError('input/invalid', 'name the folder')
  }
}

function print(view: FolderRoleView, world: World): void {
  const marker = MARKER_NAMES[view.options.marker]
  const quiet = `${view.options.quietMs / 1000} s`
  world.print(`${printable(view.dir)}: sends batches, ${marker} last, after ${quiet} of quiet.`)
  world.print(`  ${sentenceOf(view)}`)
}

function sentenceOf(view: FolderRoleView): string {
  const stored = `${formatCount(view.files, 'file')}, ${formatBytes(view.bytes)} in the bucket`
  const waiting = `${formatCount(view.waitingFiles, 'change')} still to upload`
  switch (view.state) {
    case 'idle':
      return lastOf(view)
    case 'open':
      return `The batch is open: ${stored}, ${waiting}.`
    case 'quiet':
      return `${stored}; the marker follows when the folder stays quiet.`
    case 'marking':
      return `${stored}; the marker is on its way.`
    case 'held':
      return `The marker waits: ${printable(view.held?.path ?? '')}: ${view.held?.sentence ?? ''}`
  }
}

function lastOf({ last }: FolderRoleView): string {
  if (!last) return 'No batch yet.'
  const at = new Date(last.atMs).toISOString().slice(0, 19).replace('T', ' ')
  return `Batch ${last.batch}, ${formatCount(last.files, 'file')}, was complete at ${at} UTC.`
}
