/**
 * When the batch of a send folder is complete, and what is to be done about its marker. Pure.
 *
 * Keeps: a marker is only made when everything written to the folder is in the bucket; an older
 *        marker leaves the bucket before the first change of a new batch reaches it, so that a
 *        marker never speaks of input that is not there.
 */

/**
 * none: the bucket has no marker. standing: it has one. leaving: its deletion is on its way.
 * made: it waits for its upload. refused: its upload waits for a person.
 */
export type MarkerState = 'none' | 'standing' | 'leaving' | 'made' | 'refused'

export type SendFacts = {
  readonly marker: MarkerState
  /** Changes of the folder that are not in the bucket yet, and how many of them wait for a person. */
  readonly waiting: number
  readonly failed: number
  /** Files that a program has open for writing. */
  readonly writers: number
  /** Files of the open batch that are in the bucket. */
  readonly files: number
  /** When something last happened in the folder, on the clock that never jumps; so is `nowMs`. */
  readonly busyMs: number
  readonly isClosing: boolean
  readonly quietMs: number
  readonly nowMs: number
  /** The folder, or one that it is in, is being renamed. */
  readonly isMoving: boolean
}

export type SendStep =
  | { readonly kind: 'idle' }
  | { readonly kind: 'withdraw' }
  | { readonly kind: 'wait'; readonly for: 'uploads' | 'programs' | 'marker' }
  | { readonly kind: 'quiet'; readonly untilMs: number }
  | { readonly kind: 'held' }
  | { readonly kind: 'mark' }

export function planSend(facts: SendFacts): SendStep {
  const isOpen = facts.waiting > 0 || facts.files > 0
  switch (facts.marker) {
    case 'standing':
      return isOpen ? { kind: 'withdraw' } : { kind: 'idle' }
    case 'refused':
      return facts.waiting > 0 ? { kind: 'withdraw' } : { kind: 'held' }
    case 'made':
      // Under its new name the folder is not complete before everything has moved.
      return facts.isMoving ? { kind: 'withdraw' } : { kind: 'wait', for: 'marker' }
    case 'leaving':
      return { kind: 'wait', for: 'marker' }
    case 'none':
      return isOpen ? planOpen(facts) : { kind: 'idle' }
  }
}

function planOpen(facts: SendFacts): SendStep {
  if (facts.waiting > 0) {
    return facts.failed === facts.waiting ? { kind: 'held' } : { kind: 'wait', for: 'uploads' }
  }
  if (facts.isClosing) return { kind: 'mark' }
  if (facts.writers > 0) return { kind: 'wait', for: 'programs' }
  const untilMs = facts.busyMs + facts.quietMs
  return facts.nowMs >= untilMs ? { kind: 'mark' } : { kind: 'quiet', untilMs }
}
