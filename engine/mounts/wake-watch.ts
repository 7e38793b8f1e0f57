/**
 * Notices, without being told, that the computer slept, that its clock was set, or that it is in
 * another network.
 *
 * How: the clock that jumps is compared with the one that does not. In sleep the second one stands
 * still (Linux, macOS) or a tick comes late (Windows).
 */
import { networkInterfaces } from 'node:os'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'

export const TICK_MS = 2_000
/** Clocks are corrected by less than this all the time. */
const JUMP_MS = 3_000
/** A tick so late: the computer slept, or the process stood still as long. */
const LATE_MS = 20_000

export type WakeWatchParts = {
  readonly clock: Clock
  readonly log: Log
  /** The addresses that this computer has in its networks, as one text. */
  readonly addresses: () => string
  readonly onDidWake: () => void
}

export class WakeWatch {
  readonly #parts: WakeWatchParts
  #wallMs: number
  #monotonicMs: number
  #addresses: string
  #cancel: () => void = () => {}

  constructor(parts: WakeWatchParts) {
    this.#parts = parts
    this.#wallMs = parts.clock.nowMs()
    this.#monotonicMs = parts.clock.monotonicMs()
    this.#addresses = parts.addresses()
    this.#arm()
  }

  close(): void {
    this.#cancel()
  }

  #arm(): void {
    this.#cancel = this.#parts.clock.after(TICK_MS, () => {
      this.#look()
      this.#arm()
    })
  }

  #look(): void {
    const { clock, log, onDidWake } = this.#parts
    const [wallMs, monotonicMs] = [clock.nowMs(), clock.monotonicMs()]
    const addresses = this.#parts.addresses()
    const passedMs = monotonicMs - this.#monotonicMs
    const jumpMs = wallMs - this.#wallMs - passedMs
    const hasJumped = Math.abs(jumpMs) > JUMP_MS || passedMs > LATE_MS
    const hasMoved = addresses !== this.#addresses
    this.#wallMs = wallMs
    this.#monotonicMs = monotonicMs
    this.#addresses = addresses
    if (!hasJumped && !hasMoved) return
    log.write('info', 'engine/woke', { jumpMs: Math.round(jumpMs), hasMoved })
    onDidWake()
  }
}

/** Addresses that only this computer knows say nothing about its networks. */
export function networkAddresses(): string {
  const all = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.filter(({ internal }) => !internal).map(({ address }) => `${name} ${address}`),
  )
  return all.sort().join(', ')
}
