/**
 * Leaving with files that are not yet in the bucket: what is asked, and what the answer does.
 *
 * Keeps: nothing is lost by any answer; what is pending is journaled and goes on next time.
 */
import { pendingSentence } from '../shared/sentences.ts'
import type { WindowStatus } from '../shared/window-contract.ts'

export const QUIT_ANSWERS = ['Quit, upload next time', 'Wait for uploads', 'Cancel'] as const
export type QuitAnswer = (typeof QUIT_ANSWERS)[number]

export type QuitQuestion = {
  readonly message: string
  readonly detail: string
  readonly buttons: readonly QuitAnswer[]
}

/** @returns undefined when there is nothing to ask */
export function quitQuestion(status: WindowStatus): QuitQuestion | undefined {
  // An engine of the command line goes on without the app.
  if (status.engine.isShared) return undefined
  const files = sumOf(status, 'pendingFiles')
  if (files === 0) return undefined
  const bytes = sumOf(status, 'pendingBytes')
  return {
    message: pendingSentence(files, bytes),
    detail: 'They are safe on this computer. Pail uploads them when it runs again.',
    buttons: QUIT_ANSWERS,
  }
}

function sumOf(status: WindowStatus, field: 'pendingFiles' | 'pendingBytes'): number {
  return status.mounts.reduce((sum, mount) => sum + mount[field], 0)
}
