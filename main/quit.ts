/**
 * Leaving with files that are not yet in the bucket: what is asked, and what the answer does.
 *
 * Keeps: nothing is lost by any answer; what is pending is journaled and goes on next time.
 */
import { pendingSentence } from '../shared/sentences.ts'
import type { WindowStatus } from '../shared/window-contract.ts'

export type QuitAnswer = 'Quit, upload next time' | 'Wait for uploads' | 'Cancel'

export type QuitQuestion = {
  readonly message: string
  readonly detail: string
  readonly buttons: readonly QuitAnswer[]
}

/** @returns undefined when there is nothing to ask */
export function quitQuestion({ engine, sync }: WindowStatus): QuitQuestion | undefined {
  // An engine of the command line goes on without the app.
  if (engine.isShared || sync === undefined || sync.counts.pendingFiles === 0) return undefined
  const safe = 'They are safe on this computer. Pail uploads them when it runs again.'
  const rest = sync.isWorkingOffline
    ? ' Now Pail works offline.'
    : sync.isPaused
      ? ' Uploads are paused now.'
      : ''
  return {
    message: pendingSentence(sync.counts),
    detail: safe + rest,
    // Waiting for what a person halted would never end.
    buttons: ['Quit, upload next time', ...(rest === '' ? WAIT : []), 'Cancel'],
  }
}

const WAIT = ['Wait for uploads'] as const
