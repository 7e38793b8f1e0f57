/**
 * The life of a process that holds an engine: signals, defects, and the end.
 *
 * Keeps: a signal unmounts everything and keeps the journal; a second one does not wait; a defect
 *        is logged with its stack and does not end the mounts of other programs.
 */
import { PailError } from '../../shared/errors.ts'
import type { Clock } from '../base/clock.ts'
import { type EndRule, FaultRule, FIRST_CALL_WAIT_MS, workOf } from './end-rule.ts'
import type { ServedEngine } from './serve.ts'

const STOP_DEADLINE_MS = 20_000
const FAULT_STOP_DEADLINE_MS = 3_000
const END_CHECK_MS = 500
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** sysexits.h EX_SOFTWARE. */
export const EXIT_SOFTWARE = 70

export type RunOptions = {
  readonly clock: Clock
  /** Absent: only a signal, a shutdown call or too many defects end it. */
  readonly endRule?: EndRule
}

/** @returns the exit code, when everything is closed or the time for it is over */
export async function runEngine(served: ServedEngine, options: RunOptions): Promise<number> {
  const done = new AbortController()
  const ends: Promise<number>[] = [
    served.ended.then(() => 0),
    onSignal(served, options.clock, done.signal),
    onFaults(served, options.clock, done.signal),
  ]
  if (options.endRule) ends.push(onNothingLeft(served, options.endRule, options.clock, done.signal))
  try {
    return await Promise.race(ends)
  } finally {
    done.abort()
  }
}

function onSignal(served: ServedEngine, clock: Clock, until: AbortSignal): Promise<number> {
  return new Promise((resolve) => {
    let count = 0
    const take = (signal: NodeJS.Signals) => {
      count++
      served.log.write('info', 'engine/signal', { signal, count })
      if (count > 1) return resolve(EXIT_SOFTWARE)
      stopWithin(served, clock, STOP_DEADLINE_MS).then(resolve)
    }
    for (const signal of SIGNALS) process.on(signal, take)
    until.addEventListener('abort', () => {
      for (const signal of SIGNALS) process.off(signal, take)
    })
  })
}

function onFaults(served: ServedEngine, clock: Clock, until: AbortSignal): Promise<number> {
  const rule = new FaultRule()
  return new Promise((resolve) => {
    const take = (thrown: unknown) => {
      served.log.write('error', 'engine/defect', { error: thrown })
      if (!rule.observe(clock.nowMs())) return
      stopWithin(served, clock, FAULT_STOP_DEADLINE_MS).then(() => resolve(EXIT_SOFTWARE))
    }
    process.on('uncaughtException', take)
    process.on('unhandledRejection', take)
    until.addEventListener('abort', () => {
      process.off('uncaughtException', take)
      process.off('unhandledRejection', take)
    })
  })
}

async function onNothingLeft(
  served: ServedEngine,
  rule: EndRule,
  clock: Clock,
  until: AbortSignal,
): Promise<number> {
  const startedMs = clock.monotonicMs()
  while (!until.aborted) {
    const work = workOf(await served.status())
    const nowMs = clock.monotonicMs()
    const isFirst = served.host.callsAnswered === 0 && nowMs - startedMs < FIRST_CALL_WAIT_MS
    const isAsked = isFirst || served.host.callsInFlight > 0
    if (rule.observe({ ...work, nowMs, isAsked })) {
      served.log.write('info', 'engine/nothing-left', work)
      return stopWithin(served, clock, STOP_DEADLINE_MS)
    }
    await clock.sleep(END_CHECK_MS, until).catch(() => undefined)
  }
  return 0
}

/** Never rejects: a process that wants to end does. */
async function stopWithin(served: ServedEngine, clock: Clock, limitMs: number): Promise<number> {
  const stopped = served.stop({ force: true }).then(
    () => 0,
    (thrown: unknown) => {
      served.log.write('error', 'engine/stop-failed', { error: PailError.from(thrown) })
      return EXIT_SOFTWARE
    },
  )
  return Promise.race([stopped, clock.sleep(limitMs).then(() => EXIT_SOFTWARE)])
}
