/**
 * The state of one file, derived from facts. Pure.
 *
 * Keeps: whatever is not clean has a reason, a next try and at least one action; uploading and
 *        downloading are only said of a file with a transfer (shared/sync-states.ts has the words
 *        and the order of the badges).
 * Never: looks anything up.
 */
import { ERRORS, type ErrorCode } from '../../shared/errors.ts'
import type { ConnectivityState } from '../../shared/states.ts'
import {
  type Action,
  badgeOf,
  type Content,
  type FileState,
  type NextTry,
  type Pin,
  type RemoteState,
} from '../../shared/sync-states.ts'

/** What is known of the bucket counts as fresh for so long. */
export const REMOTE_FRESH_MS = 60_000

/** A journal row of the file. */
export type RowFact = {
  readonly state: 'waiting' | 'failed'
  readonly op: 'put' | 'marker' | 'attributes' | 'move' | 'delete'
  readonly readyMs: number
  readonly attempts: number
  readonly errorCode: ErrorCode | undefined
}

export type TransferFact = { readonly doneBytes: number; readonly totalBytes: number }

export type FileFacts = {
  readonly nowMs: number
  readonly sizeBytes: number
  /** Bytes of the file on this disk: cached, or staged by a program. */
  readonly hereBytes: number
  /** Never goes to the bucket. */
  readonly isLocalOnly: boolean
  readonly pin: Pin
  /** What waits for the file, without what was cancelled. */
  readonly rows: readonly RowFact[]
  /** A request of one of the rows is under way. */
  readonly upload: TransferFact | undefined
  /** Bytes are coming, or are about to. */
  readonly isDownloading: boolean
  readonly isConflict: boolean
  /** A program has it open for writing, or wrote something that is not closed yet. */
  readonly isBeingWritten: boolean
  /** Which program that is, and what is said of it; undefined: not known. */
  readonly openSentence: string | undefined
  readonly connectivity: ConnectivityState
  readonly isPaused: boolean
  /** What a listing saw under the key beside a change of ours. */
  readonly meanwhile: 'changed' | 'deleted' | undefined
  readonly storage: 'archived' | 'restoring' | undefined
  /** What is to be said of a file in an archive, restored or not. */
  readonly archiveSentence: string | undefined
  /** When the folder was listed; 0: never. */
  readonly listedMs: number
}

export function fileState(facts: FileFacts): FileState {
  const change = facts.isLocalOnly ? CLEAN : changeOf(facts)
  const content = contentOf(facts.hereBytes, facts.sizeBytes)
  const remote = remoteOf(facts)
  const { isDownloading, pin } = facts
  const axes = {
    content: content.value,
    pin,
    change: change.value,
    remote: remote.value,
    isDownloading,
  }
  return {
    content,
    pin,
    change: {
      value: change.value,
      ...(change.percent === undefined ? {} : { percent: change.percent }),
    },
    remote,
    badge: facts.isLocalOnly ? 'none' : badgeOf(axes),
    ...told(change, facts, remote.value),
  }
}

/** An empty file is here. 100 is only said of what is complete. */
export function contentOf(
  hereBytes: number,
  sizeBytes: number,
): { value: Content; percent: number } {
  if (hereBytes >= sizeBytes) return { value: 'local', percent: 100 }
  if (hereBytes <= 0) return { value: 'cloud', percent: 0 }
  return { value: 'partial', percent: percentOf(hereBytes, sizeBytes) }
}

export function remoteAge(facts: {
  readonly nowMs: number
  readonly listedMs: number
  readonly connectivity: ConnectivityState
}): { value: RemoteState; ageMs?: number } {
  if (facts.listedMs === 0) return { value: 'unknown' }
  const ageMs = Math.max(0, facts.nowMs - facts.listedMs)
  const isFresh = ageMs < REMOTE_FRESH_MS && facts.connectivity === 'online'
  return { value: isFresh ? 'fresh' : 'stale', ageMs }
}

type ChangeFact = Pick<FileState, 'reason' | 'nextTry' | 'actions'> & {
  readonly value: FileState['change']['value']
  readonly percent?: number
}

const CLEAN: ChangeFact = { value: 'clean', actions: [] }

function remoteOf(facts: FileFacts): FileState['remote'] {
  const age = remoteAge(facts)
  const special = facts.meanwhile ?? facts.storage
  return special === undefined ? age : { ...age, value: special }
}

/** The first that holds: a person is needed; something is under way; something waits. */
function changeOf(facts: FileFacts): ChangeFact {
  const failed = facts.rows.find(({ state }) => state === 'failed')
  if (failed) return failedChange(failed)
  if (facts.isConflict) return CONFLICT
  // A request that waits for the network moves nothing.
  const isSending = facts.upload !== undefined && facts.connectivity === 'online'
  if (facts.rows.length > 0 && isSending) return uploadChange(facts.rows, facts.upload)
  if (facts.isBeingWritten) return beingWritten(facts.openSentence)
  const [row] = facts.rows
  return row ? pendingChange(facts, row) : CLEAN
}

function failedChange({ errorCode = 'internal/bug' }: RowFact): ChangeFact {
  const isKeys = errorCode.startsWith('auth/') || errorCode.startsWith('keychain/')
  return {
    value: 'failed',
    reason: ERRORS[errorCode].remedy,
    nextTry: { when: 'person' },
    actions: isKeys ? ['retry', 'sign-in'] : ['retry'],
  }
}

const CONFLICT: ChangeFact = {
  value: 'conflict',
  reason: 'The file was changed here and in the bucket. Both versions are kept.',
  nextTry: { when: 'person' },
  actions: ['keep-mine', 'keep-theirs', 'keep-both'],
}

function beingWritten(reason = 'A program is still writing it.'): ChangeFact {
  return { value: 'waiting', reason, nextTry: { when: 'closed' }, actions: ['upload-now'] }
}

function uploadChange(rows: readonly RowFact[], upload: TransferFact): ChangeFact {
  const { doneBytes, totalBytes } = upload
  const isSent = totalBytes > 0 && doneBytes >= totalBytes
  const isPut = rows.some(({ op }) => op === 'put')
  const nextTry: NextTry = { atMs: Math.min(...rows.map(({ readyMs }) => readyMs)) }
  const common = { nextTry, actions: ['pause-uploads'] as Action[] }
  if (isSent) return { ...common, value: 'verifying', reason: 'What was sent is being checked.' }
  return {
    ...common,
    value: 'uploading',
    percent: percentOf(doneBytes, totalBytes),
    reason: isPut ? 'It is on its way to the bucket.' : 'Its change is on its way to the bucket.',
  }
}

/** Why a file that is to be uploaded is not, while its endpoint cannot be used. */
const HELD_BACK: Readonly<
  Record<Exclude<ConnectivityState, 'online'>, Omit<ChangeFact, 'value' | 'percent'>>
> = {
  offline: {
    reason: 'There is no connection to the bucket.',
    nextTry: { when: 'online' },
    actions: ['retry'],
  },
  'captive-portal': {
    reason: ERRORS['net/captive-portal'].remedy,
    nextTry: { when: 'online' },
    actions: ['retry'],
  },
  'needs-sign-in': {
    reason: ERRORS['auth/bad-key'].remedy,
    nextTry: { when: 'signed-in' },
    actions: ['sign-in', 'retry'],
  },
  'clock-skewed': {
    reason: ERRORS['auth/clock-skewed'].remedy,
    nextTry: { when: 'online' },
    actions: ['retry'],
  },
  'work-offline': {
    reason: 'Pail works offline, as was asked.',
    nextTry: { when: 'online' },
    actions: ['work-online'],
  },
}

/** Why a row waits, and for what: as it shows in a queue. */
export function pendingChange(
  facts: Pick<FileFacts, 'connectivity' | 'isPaused' | 'nowMs'>,
  row: RowFact,
): ChangeFact {
  if (facts.connectivity !== 'online') return { value: 'queued', ...HELD_BACK[facts.connectivity] }
  if (facts.isPaused) {
    return {
      value: 'queued',
      reason: 'Uploads are paused.',
      nextTry: { when: 'resumed' },
      actions: ['resume-uploads'],
    }
  }
  const nextTry: NextTry = { atMs: row.readyMs }
  if (row.errorCode !== undefined) {
    return { value: 'queued', reason: ERRORS[row.errorCode].remedy, nextTry, actions: ['retry'] }
  }
  const isQuiet = row.readyMs > facts.nowMs
  return {
    value: isQuiet ? 'waiting' : 'queued',
    reason: isQuiet ? 'It was just saved: more may follow.' : 'It waits for its turn.',
    nextTry,
    actions: ['upload-now'],
  }
}

/** The reason of the change; without one, what is worth saying of the bucket's side. */
function told(
  change: ChangeFact,
  facts: FileFacts,
  remote: RemoteState,
): Pick<FileState, 'reason' | 'nextTry' | 'actions'> {
  const { reason, nextTry, actions } = change
  if (reason !== undefined) {
    return { reason, ...(nextTry === undefined ? {} : { nextTry }), actions: [...actions] }
  }
  if (facts.isLocalOnly) return { reason: 'It never goes to the bucket.', actions: [] }
  if (facts.isDownloading) return { reason: 'It is being fetched.', actions: [] }
  const { archiveSentence } = facts
  const words = archiveSentence === undefined ? {} : { reason: archiveSentence }
  if (remote === 'archived') return { ...words, actions: ['restore', 'refresh'] }
  return { ...words, actions: remote === 'restoring' ? ['refresh'] : [] }
}

function percentOf(doneBytes: number, totalBytes: number): number {
  if (totalBytes <= 0) return 0
  return Math.min(99, Math.max(0, Math.floor((doneBytes * 100) / totalBytes)))
}
