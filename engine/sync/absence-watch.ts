/**
 * Finds out, while a program waits for work of the server that tells nothing of its progress, whether
 * the endpoint is there at all.
 */
import type { PailError } from '../../shared/errors.ts'
import type { Clock } from '../base/clock.ts'
import type { Connectivity } from './connectivity.ts'

/** With the time that a probe may take, it is known before a request of the program gives up. */
const DOUBT_MS = 2_500

/** @returns stops watching */
export function watchForAbsence(
  connectivity: Connectivity,
  clock: Clock,
  onAway: (error: PailError) => void,
): () => void {
  const stopListening = connectivity.onDidChange(() => {
    const { refusal } = connectivity
    if (refusal) onAway(refusal)
  })
  let cancel = () => {}
  const arm = () => {
    cancel = clock.after(DOUBT_MS, () => {
      connectivity.doubt()
      arm()
    })
  }
  arm()
  return () => {
    stopListening()
    cancel()
  }
}
