/** Why a folder is read-only, and when it was listed. Pure. */
import type { MountRow } from '../../shared/window-contract.ts'
import { relativeTime } from './time.ts'

export function readOnlyReason({ rights }: Pick<MountRow, 'rights'>): string {
  return rights?.write === 'no'
    ? 'These keys may read this bucket, but not write into it.'
    : 'Mounted read-only: nothing on this computer can change the bucket.'
}

/** `Listed 2 min ago`; nothing while a folder was never listed. */
export function listedWords(listedMs: number | undefined, nowMs: number): string | undefined {
  return listedMs === undefined ? undefined : `listed ${relativeTime(listedMs, nowMs)}`
}
