/**
 * Bounds the bytes that are being fetched at one time, over all mounts.
 *
 * Keeps: what a program waits for goes first; read-ahead and prefetch leave it room.
 */
import { PailError } from '../../shared/errors.ts'

/** `demand`: a program waits. `ahead`: it will soon. `prefetch`: perhaps. `pin`: another day. */
export type FetchKind = 'demand' | 'ahead' | 'prefetch' | 'pin'

export const IN_FLIGHT_BYTES_MAX = 48 * 1024 * 1024
const SHARES: Readonly<Record<FetchKind, number>> = {
  demand: 1,
  ahead: 0.75,
  prefetch: 0.25,
  pin: 0.25,
}
const KINDS: readonly FetchKind[] = ['demand', 'ahead', 'prefetch', 'pin']
const WAITING_MAX = 4_096

type Waiter = { readonly bytes: number; readonly resolve: () => void }

export class FetchBudget {
  readonly #bytesMax: number
  readonly #waiting: Record<FetchKind, Waiter[]> = {
    demand: [],
    ahead: [],
    prefetch: [],
    pin: [],
  }
  readonly #used: Record<FetchKind, number> = { demand: 0, ahead: 0, prefetch: 0, pin: 0 }

  constructor(bytesMax = IN_FLIGHT_BYTES_MAX) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return KINDS.reduce((sum, kind) => sum + this.#used[kind], 0)
  }

  /**
   * Waits until `bytes` more may be in flight; call the result when they are not any more.
   * @throws PailError `s3/busy` when too many wait already; the signal's reason when it aborts
   */
  async enter(kind: FetchKind, bytes: number, signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) throw signal.reason
    const queue = this.#waiting[kind]
    if (queue.length > 0 || !this.#fits(kind, bytes)) await this.#wait(kind, bytes, signal)
    else this.#used[kind] += bytes
    let isLeft = false
    return () => {
      if (isLeft) return
      isLeft = true
      this.#used[kind] -= bytes
      this.#admit()
    }
  }

  /** Alone, a fetch always fits, however large. */
  #fits(kind: FetchKind, bytes: number): boolean {
    if (this.bytes === 0) return true
    const isOverShare = this.#used[kind] + bytes > this.#bytesMax * SHARES[kind]
    return !isOverShare && this.bytes + bytes <= this.#bytesMax
  }

  #wait(kind: FetchKind, bytes: number, signal: AbortSignal): Promise<void> {
    const queue = this.#waiting[kind]
    if (queue.length >= WAITING_MAX) throw new PailError('s3/busy', 'too many fetches wait')
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        queue.splice(queue.indexOf(waiter), 1)
        reject(signal.reason)
        this.#admit()
      }
      const waiter = {
        bytes,
        resolve: () => {
          signal.removeEventListener('abort', onAbort)
          resolve()
        },
      }
      signal.addEventListener('abort', onAbort, { once: true })
      queue.push(waiter)
    })
  }

  #admit(): void {
    for (const kind of KINDS) {
      const queue = this.#waiting[kind]
      for (let next = queue[0]; next && this.#fits(kind, next.bytes); next = queue[0]) {
        queue.shift()
        this.#used[kind] += next.bytes
        next.resolve()
      }
      // Nothing less urgent overtakes a fetch that waits for room.
      if (queue.length > 0 && kind === 'demand') return
    }
  }
}
