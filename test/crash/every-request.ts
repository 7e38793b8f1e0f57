/**
 * Kills the engine at every request of a piece of work in turn, before it reaches the bucket and
 * after it was carried out, and lets the next engine finish the work.
 */
import type { Simulation } from './simulation.ts'

export type Moment = { readonly nth: number; readonly when: 'before' | 'after' }

export type Work = {
  /** A new history up to where the requests begin. Equal every time. */
  readonly prepare: () => Promise<Simulation>
  /** What must be true at each moment. Throws when it is not. */
  readonly check?: (simulation: Simulation, what: string) => void
  /** The engine started again, and nothing was sent yet. */
  readonly restarted?: (simulation: Simulation, what: string) => Promise<void>
  /** Everything was sent. Without: the bucket and the folder are as the reference. */
  readonly drained?: (simulation: Simulation, what: string) => Promise<void>
  /** Which moments are tried; without: all. */
  readonly isTried?: (moment: Moment) => boolean
}

const DEAD = 'the process is dead'

/** @returns how many moments were tried */
export async function killAtEveryRequest(work: Work): Promise<number> {
  let count = 0
  for (let nth = 1; ; nth++) {
    for (const when of ['before', 'after'] as const) {
      if (work.isTried && !work.isTried({ nth, when })) continue
      if (!(await killAt(work, { nth, when }))) return count
      count++
    }
  }
}

/** @returns false when the work was done before the moment came */
export async function killAt(work: Work, { nth, when }: Moment): Promise<boolean> {
  const simulation = await work.prepare()
  const what = `killed ${when} request ${nth}`
  try {
    let failure: unknown
    let stopped: ReturnType<Simulation['stop']> | undefined
    const hook = () => {
      try {
        work.check?.(simulation, what)
      } catch (thrown) {
        failure ??= thrown
      }
      if (simulation.calls.length < nth) return
      stopped ??= simulation.stop()
      throw new Error(DEAD)
    }
    simulation.setScript([{ fault: { kind: 'hook', when, hook } }])
    await simulation.flushUntil(() => stopped !== undefined)
    const last = simulation.calls[nth - 1] ?? 'none'
    if (!stopped) simulation.setScript([])
    if (stopped) {
      await simulation.resume(stopped)
      await work.restarted?.(simulation, `${what} (${last})`)
    }
    if (failure) throw failure
    if (work.drained) await work.drained(simulation, `${what} (${last})`)
    else await simulation.drain(`${what} (${last})`)
    work.check?.(simulation, what)
    return stopped !== undefined
  } finally {
    await simulation.close()
  }
}
