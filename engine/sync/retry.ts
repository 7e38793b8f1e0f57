/**
 * When a failed request is tried again. Pure.
 *
 * Keeps: what is retried is said by the error table alone; how long is a matter of chance within
 *        a window that doubles (full jitter), so that clients that failed together come back apart.
 */
import type { PailError } from '../../shared/errors.ts'
import type { Random } from '../base/clock.ts'

export const RETRY_BASE_MS = 200
export const RETRY_CAP_MS = 30_000

/** @param attempt 0 after the first failure */
export function nextDelayMs(attempt: number, random: Pick<Random, 'next'>): number {
  return random.next() * delayWindowMs(attempt, { baseMs: RETRY_BASE_MS, capMs: RETRY_CAP_MS })
}

/** The longest delay after failure number `attempt` (from 0). Finite for every number. */
export function delayWindowMs(attempt: number, window: { baseMs: number; capMs: number }): number {
  return Math.min(window.capMs, window.baseMs * 2 ** Math.min(attempt, 30))
}

/** Would trying again, by itself, have a chance? */
export function isRetried(error: PailError): boolean {
  return error.retry !== 'never'
}
