/** The name of a process, as the kernel keeps it: at most 15 characters. */
import { readFileSync } from 'node:fs'

const LINE_END = /\n$/

/** Reading it takes some microseconds and never waits: /proc is no disk. */
export function programName(pid: number): string | undefined {
  if (pid < 1) return undefined
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').replace(LINE_END, '') || undefined
  } catch {
    // It ended meanwhile, or the system has no /proc.
    return undefined
  }
}
