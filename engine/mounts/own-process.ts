/**
 * What an engine does to its own process: hides its memory, and ends for certain.
 */
import koffi from 'koffi'

/** prctl(2), linux/prctl.h: no core dump, and other programs of this user cannot read the memory. */
const PR_SET_DUMPABLE = 4

/** Keys live in the memory of this process: it leaves no core dump behind. */
export function hideMemory(): void {
  if (process.platform !== 'linux') return
  const prctl = koffi
    .load(null)
    .func('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)')
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
}

/**
 * Ends the process without joining its threads: one of them may be stuck in a read of /dev/fuse,
 * and an ordinary exit waits for it. Everything that matters is on disk already.
 */
export function exitNow(code: number): never {
  if (process.platform !== 'win32') koffi.load(null).func('void _exit(int)')(code)
  process.exit(code)
}
