/** What must still be taken away when a person stops a run with Ctrl-C. */

type Ending = () => Promise<void>

const endings = new Set<Ending>()
let isInterrupted = false

/**
 * @returns the ending itself: run once, by the caller or by the interrupt, whichever is first
 * @throws after an interrupt: nothing new is begun then
 */
export function onInterrupt(ending: Ending): Ending {
  if (isInterrupted) throw new Error('interrupted')
  let ended: Promise<void> | undefined
  const once = () => {
    endings.delete(once)
    ended ??= ending()
    return ended
  }
  endings.add(once)
  return once
}

export function watchInterrupts(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      isInterrupted = true
      const all = [...endings].reverse().map((end) => end())
      Promise.allSettled(all).then(() => process.exit(130))
    })
  }
}
