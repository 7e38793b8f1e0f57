/** The one sentence that says whether everything saved is in the bucket. Pure. */
import { ALL_UPLOADED, formatCount, pendingSentence } from './sentences.ts'
import type { SyncCounts, VerdictView } from './sync-model.ts'

export type VerdictFacts = {
  readonly counts: SyncCounts
  readonly isPaused: boolean
  readonly isWorkingOffline: boolean
  /** What Pail has on record here is not believed, in a sentence; nothing is changed then. */
  readonly finding?: string | undefined
  /** Some endpoint cannot be reached. */
  readonly isOffline: boolean
}

/** The first that holds: a person is needed; work is left, and why it rests; all is well. */
export function verdictOf(facts: VerdictFacts): VerdictView {
  const { counts } = facts
  if (facts.finding !== undefined) return { kind: 'attention', sentence: facts.finding }
  const needing = counts.failed + counts.conflicts
  if (needing > 0) {
    if (needing === counts.heldDeletes) return { kind: 'attention', sentence: heldWords(needing) }
    const verb = needing === 1 ? 'needs' : 'need'
    return { kind: 'attention', sentence: `${formatCount(needing, 'file')} ${verb} attention` }
  }
  if (counts.pendingFiles === 0) {
    return { kind: facts.isWorkingOffline ? 'offline' : 'done', sentence: ALL_UPLOADED }
  }
  const sentence = pendingSentence(counts)
  if (facts.isWorkingOffline || facts.isOffline) return { kind: 'offline', sentence }
  return { kind: facts.isPaused ? 'paused' : 'working', sentence }
}

/** `1,204 removed files wait for your answer` */
function heldWords(count: number): string {
  return `${formatCount(count, 'removed file')} ${count === 1 ? 'waits' : 'wait'} for your answer`
}
