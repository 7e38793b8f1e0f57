/**
 * Which journal rows have requests under way, and how far they are.
 *
 * Owns:  the progress of running rows of one volume, in memory. Runs in: engine process.
 * Keeps: an entry is there exactly while its row is carried out: what shows as uploading uploads.
 */
import type { Clock } from '../base/clock.ts'

/** Rates are over about this long. */
const RATE_WINDOW_MS = 3_000
/** The first is told sooner, but not from what the kernel's buffer swallowed at once. */
const FIRST_RATE_MS = 1_000
/** Bytes move all the time: a transfer tells of them this often, and of parts at once. */
const TELL_MS = 250

export type Progress = {
  readonly doneBytes: number
  readonly partsDone?: number
  readonly partsTotal?: number
}

export type Transfer = Progress & {
  readonly seq: number
  readonly node: number | null
  readonly key: string
  readonly totalBytes: number
  readonly startedMs: number
  readonly bytesPerSecond: number
}

type Running = Transfer & {
  readonly sampledMs: number
  readonly sampledBytes: number
  readonly toldMs: number
}

export class Transfers {
  readonly #clock: Clock
  readonly #onDidChange: () => void
  readonly #running = new Map<number, Running>()

  constructor(clock: Clock, onDidChange: () => void) {
    this.#clock = clock
    this.#onDidChange = onDidChange
  }

  get count(): number {
    return this.#running.size
  }

  begin(row: { seq: number; node: number | null; key: string; bytes: number }): void {
    const { seq, node, key, bytes } = row
    this.#running.set(seq, {
      seq,
      node,
      key,
      totalBytes: bytes,
      doneBytes: 0,
      startedMs: this.#clock.nowMs(),
      bytesPerSecond: 0,
      sampledMs: this.#clock.monotonicMs(),
      sampledBytes: 0,
      toldMs: Number.NEGATIVE_INFINITY,
    })
  }

  progress(seq: number, progress: Progress & { readonly totalBytes: number }): void {
    const before = this.#running.get(seq)
    if (!before) return
    const nowMs = this.#clock.monotonicMs()
    const elapsedMs = nowMs - before.sampledMs
    const isFirst = before.bytesPerSecond === 0
    const isSample = elapsedMs >= (isFirst ? FIRST_RATE_MS : RATE_WINDOW_MS)
    const sent = Math.max(0, progress.doneBytes - before.sampledBytes)
    const rate = elapsedMs > 0 ? (sent * 1000) / elapsedMs : before.bytesPerSecond
    const isTold = nowMs - before.toldMs >= TELL_MS || progress.partsDone !== before.partsDone
    this.#running.set(seq, {
      ...before,
      ...progress,
      ...(isTold ? { toldMs: nowMs } : {}),
      ...(isSample
        ? { bytesPerSecond: rate, sampledMs: nowMs, sampledBytes: progress.doneBytes }
        : {}),
    })
    if (isTold) this.#onDidChange()
  }

  end(seq: number): void {
    this.#running.delete(seq)
  }

  bySeq(seq: number): Transfer | undefined {
    return this.#running.get(seq)
  }

  ofNode(node: number): Transfer | undefined {
    for (const transfer of this.#running.values()) if (transfer.node === node) return transfer
    return undefined
  }

  all(): readonly Transfer[] {
    return [...this.#running.values()]
  }

  countBelow(prefix: string): number {
    let count = 0
    for (const { key } of this.#running.values()) if (key.startsWith(prefix)) count++
    return count
  }
}
