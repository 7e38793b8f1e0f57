/** A mount's state in words, and the one action that each state offers. Pure. */
import { assertNever } from '../../shared/errors.ts'
import type { MountRow } from '../../shared/window-contract.ts'
import type { Tone } from './tone.ts'

export type MountState = MountRow['state']
export type StateAction = 'open' | 'mount' | 'none'

const WORDS: Readonly<Record<MountState, string>> = {
  starting: 'Starting',
  mounted: 'Mounted',
  offline: 'Offline',
  'needs-sign-in': 'Needs sign-in',
  'read-only-fault': 'Read-only for safety',
  stopping: 'Unmounting',
  stopped: 'Not mounted',
  failed: 'Failed',
}

export function stateWord(state: MountState): string {
  return WORDS[state]
}

export function stateTone(state: MountState): Tone {
  switch (state) {
    case 'mounted':
      return 'good'
    case 'starting':
    case 'stopping':
      return 'busy'
    case 'offline':
    case 'stopped':
      return 'quiet'
    case 'needs-sign-in':
    case 'read-only-fault':
    case 'failed':
      return 'attention'
    default:
      return assertNever(state)
  }
}

/** What helps in this state; a mount of the command line cannot be mounted again from here. */
export function stateAction({ state, connectionId, isMounted }: MountRow): StateAction {
  switch (state) {
    case 'mounted':
    case 'offline':
    case 'read-only-fault':
      return 'open'
    case 'needs-sign-in':
      if (isMounted) return 'open'
      return connectionId === undefined ? 'none' : 'mount'
    case 'stopped':
    case 'failed':
      return connectionId === undefined ? 'none' : 'mount'
    case 'starting':
    case 'stopping':
      return 'none'
    default:
      return assertNever(state)
  }
}

/** `bucket` or `bucket/sub/path`. */
export function remotePath({ bucket, prefix }: Pick<MountRow, 'bucket' | 'prefix'>): string {
  return prefix === '' ? bucket : `${bucket}/${prefix.replace(/\/+$/, '')}`
}

/** The last part of the local folder: the name under which a person knows the mount. */
export function folderName(dir: string): string {
  return dir.split(/[\\/]/).filter(Boolean).at(-1) ?? dir
}

export const ROLE_WORDS = { send: 'Send folder', receive: 'Receive folder' } as const

/** Serving a folder, or about to: unmounting means something. What is here opens without keys. */
export function isServing({ state, isMounted }: Pick<MountRow, 'state' | 'isMounted'>): boolean {
  return isMounted || (state !== 'stopped' && state !== 'failed' && state !== 'needs-sign-in')
}

/** Programs wrote into the bare folder: the sentence ends before the place where it is now. */
export function foundSentence(count: number): string {
  const what = count === 1 ? 'One entry was' : `${count.toLocaleString('en-US')} entries were`
  return `${what} in this folder while nothing was mounted on it. Now in`
}
