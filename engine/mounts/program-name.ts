/** The name of a process, as the kernel keeps it: at most 15 characters. */
import { readFileSync } from 'node:fs'
import type { Clock } from '../base/clock.ts'

const LINE_END = /\n$/
/** A program that writes many files is asked for with each of them. */
const NAME_FRESH_MS = 1_000
const NAMES_KEPT_MAX = 64

export class ProgramNames {
  readonly #clock: Clock
  readonly #kept = new Map<number, { readonly name: string; readonly atMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @returns undefined: it ended meanwhile, or the system has no /proc */
  of(pid: number): string | undefined {
    const nowMs = this.#clock.monotonicMs()
    const kept = this.#kept.get(pid)
    if (kept && nowMs - kept.atMs < NAME_FRESH_MS) return kept.name
    const name = readName(pid)
    this.#kept.delete(pid)
    if (this.#kept.size >= NAMES_KEPT_MAX) this.#kept.clear()
    if (name !== undefined) this.#kept.set(pid, { name, atMs: nowMs })
    return name
  }
}

/** Takes some microseconds and never waits: /proc is no disk. */
function readName(pid: number): string | undefined {
  if (pid < 1) return undefined
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').replace(LINE_END, '') || undefined
  } catch {
    return undefined
  }
}
