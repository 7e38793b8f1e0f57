import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../../engine/base/clock.ts'
import { silentLog } from '../../../engine/base/log.ts'
import { Connectivity } from '../../../engine/sync/connectivity.ts'
import {
  BACKGROUND_ATTEMPT_MS,
  BACKGROUND_ONLINE_WAIT_MS,
  BACKGROUND_TRIES_MAX,
  EndpointRequests,
  SUSPENDED_MS_MAX,
} from '../../../engine/sync/endpoint-requests.ts'
import {
  IDLE_SLOTS_MAX,
  INTERACTIVE_SLOTS_MIN,
} from '../../../engine/sync/endpoint-requests-slots.ts'
import { CONCURRENCY_START } from '../../../engine/sync/pacer.ts'
import { INTERACTIVE_DEADLINE_MS, type RequestUrgency } from '../../../engine/sync/requests.ts'
import { type ErrorCode, PailError } from '../../../shared/errors.ts'
import { FakeClock, settle } from '../../support/fake-clock.ts'

const failure = (code: ErrorCode) => new PailError(code, 'test')
const never = <T = void>() => new Promise<T>(() => {})

function setUp(seed = 1) {
  const clock = new FakeClock()
  const random = new SeededRandom(seed)
  const world: { probe: ErrorCode | 'ok' } = { probe: 'ok' }
  const probe = async () => {
    if (world.probe !== 'ok') throw failure(world.probe)
  }
  const connectivity = new Connectivity({ clock, random, log: silentLog, probe })
  const resets: number[] = []
  const resetSockets = () => resets.push(clock.monotonicMs())
  const requests = new EndpointRequests({ clock, random, connectivity, resetSockets })
  return { clock, world, connectivity, requests, resets }
}

async function goOffline({ world, connectivity }: ReturnType<typeof setUp>) {
  world.probe = 'net/unreachable'
  connectivity.noteFailure(failure('net/unreachable'))
  await settle()
  expect(connectivity.isOnline).toBe(false)
}

/** Fails with each code in turn, then succeeds. */
function script(codes: readonly ErrorCode[]) {
  const state = { tries: 0 }
  const work = async () => {
    const code = codes[state.tries++]
    if (code) throw failure(code)
    return 'done'
  }
  return { state, work }
}

describe('EndpointRequests', () => {
  test('a request that fails for a while is tried again, with a pause, and succeeds', async () => {
    const { clock, requests } = setUp()
    const { state, work } = script(['s3/server', 'net/reset', 's3/bad-reply'])
    expect(await clock.until(requests.run('background', work))).toBe('done')
    expect(state.tries).toBe(4)
    expect(clock.monotonicMs()).toBeGreaterThan(0)
    expect([requests.running, clock.pending]).toEqual([0, 0])
  })

  test('what is hopeless is tried once', async () => {
    for (const urgency of ['interactive', 'background'] as const) {
      const { clock, requests } = setUp()
      const { state, work } = script(['auth/denied'])
      await expect(clock.until(requests.run(urgency, work))).rejects.toMatchObject({
        code: 'auth/denied',
      })
      expect(state.tries).toBe(1)
      expect([requests.running, clock.pending]).toEqual([0, 0])
    }
  })

  test('a background request has so many tries and ends with the last error', async () => {
    const { clock, requests } = setUp()
    const { state, work } = script([...Array<ErrorCode>(20).fill('s3/server')])
    await expect(clock.until(requests.run('background', work))).rejects.toMatchObject({
      code: 's3/server',
    })
    expect(state.tries).toBe(BACKGROUND_TRIES_MAX)
  })

  test('an interactive request goes on until its deadline and ends with the last error', async () => {
    const { clock, requests } = setUp()
    const { state, work } = script([...Array<ErrorCode>(1000).fill('s3/server')])
    await expect(clock.until(requests.run('interactive', work))).rejects.toMatchObject({
      code: 's3/server',
    })
    expect(clock.monotonicMs()).toBe(INTERACTIVE_DEADLINE_MS)
    expect(state.tries).toBeGreaterThan(2)
    expect([requests.running, clock.pending]).toEqual([0, 0])
  })

  test('bytes of attempts that fail are no progress: they would come again and again', async () => {
    const { clock, requests } = setUp()
    const spoiled = async (_: AbortSignal, progressed: () => void) => {
      await clock.sleep(1_000)
      progressed()
      throw failure('s3/bad-reply')
    }
    await expect(clock.until(requests.run('interactive', spoiled))).rejects.toMatchObject({
      code: 's3/bad-reply',
    })
    expect(clock.monotonicMs()).toBeLessThanOrEqual(1_000 + INTERACTIVE_DEADLINE_MS)
    expect([requests.running, clock.pending]).toEqual([0, 0])
  })

  test('a slow attempt whose bytes go on coming is not cut off because one before it failed', async () => {
    const { clock, requests } = setUp()
    let tries = 0
    const slow = async (_: AbortSignal, progressed: () => void) => {
      tries++
      for (let piece = 0; piece < 20; piece++) {
        await clock.sleep(1_000)
        progressed()
        if (tries === 1 && piece === 2) throw failure('net/reset')
      }
      return 'done'
    }
    expect(await clock.until(requests.run('interactive', slow))).toBe('done')
    expect([tries, clock.pending]).toEqual([2, 0])
  })

  test('a defect in the work is a bug, not a retry, also when it throws at once', async () => {
    const { clock, requests } = setUp()
    const broken = () => {
      throw new TypeError('oops')
    }
    await expect(clock.until(requests.run('background', broken))).rejects.toMatchObject({
      code: 'internal/bug',
    })
    expect(requests.running).toBe(0)
  })

  test('every file operation ends within 10 s of a black-holed endpoint that ignores its abort', async () => {
    const { clock, requests, world, connectivity } = setUp()
    world.probe = 'net/timeout'
    const started = clock.monotonicMs()
    const ends: number[] = []
    const all = Array.from({ length: 200 }, () =>
      requests
        .run('interactive', () => never())
        .catch((thrown: unknown) => {
          expect(thrown).toBeInstanceOf(PailError)
          ends.push(clock.monotonicMs() - started)
        }),
    )
    await clock.until(Promise.all(all))
    expect(ends).toHaveLength(200)
    expect(Math.max(...ends)).toBeLessThanOrEqual(10_000)
    expect(connectivity.state).toBe('offline')
    expect([requests.running, requests.waiting]).toEqual([0, 0])
  })

  test('once the endpoint is known to be offline, a program gets its answer at once', async () => {
    const state = setUp()
    await goOffline(state)
    const { work, state: done } = script([])
    await expect(state.requests.run('interactive', work)).rejects.toMatchObject({
      code: 'net/offline',
    })
    expect(done.tries).toBe(0)
  })

  test('programs that wait when the endpoint goes offline are not kept until their deadline', async () => {
    const state = setUp()
    state.world.probe = 'net/unreachable'
    const { work } = script([...Array<ErrorCode>(1000).fill('net/unreachable')])
    const outcome = state.requests.run('interactive', work)
    await expect(state.clock.until(outcome)).rejects.toMatchObject({ code: 'net/offline' })
    expect(state.clock.monotonicMs()).toBeLessThan(1_000)
  })

  test('bytes that move put the deadline off, and it ends all the same when they stop', async () => {
    const { clock, requests } = setUp()
    const outcome = requests.run('interactive', async (signal, progressed) => {
      for (let i = 0; i < 10; i++) {
        await clock.sleep(4_000, signal)
        progressed()
      }
      return 'slow but sure'
    })
    expect(await clock.until(outcome)).toBe('slow but sure')
    const started = clock.monotonicMs()
    const stalled = requests.run('interactive', async (signal, progressed) => {
      await clock.sleep(4_000, signal)
      progressed()
      await never()
    })
    await expect(clock.until(stalled)).rejects.toMatchObject({ code: 'net/timeout' })
    expect(clock.monotonicMs() - started).toBeLessThanOrEqual(
      4_000 + INTERACTIVE_DEADLINE_MS + 8_000,
    )
  })

  test('a request that is lost on a dead socket gets a second one before the deadline', async () => {
    const { clock, requests } = setUp()
    let tries = 0
    const outcome = requests.run('interactive', async () => {
      if (++tries === 1) await never()
      return tries
    })
    expect(await clock.until(outcome)).toBe(2)
    expect(clock.monotonicMs()).toBeLessThan(INTERACTIVE_DEADLINE_MS)
  })

  test('a background request that makes no progress is bounded too', async () => {
    const { clock, requests } = setUp()
    let tries = 0
    const outcome = requests.run('background', async () => {
      if (++tries === 1) await never()
    })
    await clock.until(outcome)
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(BACKGROUND_ATTEMPT_MS)
    expect(tries).toBe(2)
  })

  test('in the background a short absence of the network does not surface, a long one does', async () => {
    const state = setUp()
    await goOffline(state)
    const short = state.requests.run('background', async () => 'sent')
    await state.clock.advance(1_000)
    state.world.probe = 'ok'
    expect(await state.clock.until(short)).toBe('sent')
    await goOffline(state)
    const started = state.clock.monotonicMs()
    const long = state.requests.run('background', async () => 'sent')
    await expect(state.clock.until(long)).rejects.toMatchObject({ code: 'net/offline' })
    expect(state.clock.monotonicMs() - started).toBe(BACKGROUND_ONLINE_WAIT_MS)
    state.connectivity.close()
    expect(state.clock.pending).toBe(0)
  })

  test('a flood of uploads does not delay a listing', async () => {
    const { requests } = setUp()
    const flood = Array.from({ length: 500 }, () => requests.run('background', () => never()))
    for (const upload of flood) upload.catch(() => {})
    await settle()
    expect(requests.running).toBeLessThanOrEqual(CONCURRENCY_START)
    const listings = Array.from({ length: INTERACTIVE_SLOTS_MIN }, (_, i) =>
      requests.run('interactive', async () => i),
    )
    expect(await Promise.all(listings)).toHaveLength(INTERACTIVE_SLOTS_MIN)
  })

  test('when slots come free, programs go before uploads that waited longer', async () => {
    const { requests } = setUp()
    const order: string[] = []
    const free: Array<() => void> = []
    const hold = () => new Promise<void>((resolve) => free.push(resolve))
    const running = [
      ...Array.from({ length: 6 }, () => requests.run('background', hold)),
      ...Array.from({ length: 4 }, () => requests.run('interactive', hold)),
    ]
    await settle()
    const upload = requests.run('background', async () => void order.push('upload'))
    const listing = requests.run('interactive', async () => void order.push('listing'))
    await settle()
    expect(order).toEqual([])
    for (const resolve of free) resolve()
    await Promise.all([...running, upload, listing])
    expect(order).toEqual(['listing', 'upload'])
  })

  test('busy replies of one round trip halve the concurrency once', async () => {
    const { clock, requests } = setUp()
    const tries = new Map<number, number>()
    const all = Array.from({ length: CONCURRENCY_START }, (_, i) =>
      requests.run('interactive', async () => {
        const count = (tries.get(i) ?? 0) + 1
        tries.set(i, count)
        await clock.sleep(50)
        if (count === 1) throw failure('s3/busy')
      }),
    )
    await clock.advance(60)
    expect(requests.concurrencyMax).toBe(CONCURRENCY_START / 2)
    await clock.until(Promise.all(all))
    expect([requests.running, requests.waiting, clock.pending]).toEqual([0, 0, 0])
  })

  test('a caller that gives up is let go at once, wherever its request is', async () => {
    const state = setUp()
    const { clock, requests } = state
    const blockers = Array.from({ length: 50 }, () => requests.run('background', () => never()))
    for (const blocker of blockers) blocker.catch(() => {})
    await settle()
    const before = { running: requests.running, waiting: requests.waiting }
    const places: Array<(signal: AbortSignal) => Promise<unknown>> = [
      // in the queue
      (signal) => requests.run('background', async () => {}, signal),
      // in an attempt that ignores its signal
      (signal) => requests.run('interactive', () => never(), signal),
      // between two tries
      (signal) => requests.run('interactive', script(['s3/server']).work, signal),
    ]
    for (const place of places) {
      const caller = new AbortController()
      const outcome = place(caller.signal)
      await settle()
      caller.abort(new PailError('vfs/interrupted', 'the program gave up'))
      await expect(outcome).rejects.toMatchObject({ code: 'vfs/interrupted' })
      expect({ running: requests.running, waiting: requests.waiting }).toEqual(before)
      await expect(place(caller.signal)).rejects.toMatchObject({ code: 'vfs/interrupted' })
    }
    expect(state.connectivity.state).toBe('online')
    await clock.advance(1_000)
  })

  test('after sleep sockets are dropped and what was under way is sent again at once', async () => {
    const { requests, resets, clock, connectivity } = setUp()
    let tries = 0
    const outcome = requests.run('background', async () => {
      if (++tries === 1) await never()
      return 'sent again'
    })
    await settle()
    requests.resumed()
    expect(await outcome).toBe('sent again')
    expect(resets).toEqual([0])
    expect([clock.monotonicMs(), connectivity.state]).toEqual([0, 'online'])
  })

  test('slots are never lost and never exceeded, in any mix of outcomes and cancellations', async () => {
    const step = fc.record({
      urgency: fc.constantFrom<RequestUrgency>('interactive', 'background'),
      outcomes: fc.array(
        fc.constantFrom<ErrorCode | 'ok' | 'hang' | 'deaf' | 'bug'>(
          'ok',
          'ok',
          'hang',
          'deaf',
          'bug',
          's3/busy',
          's3/server',
          'net/unreachable',
          'auth/denied',
        ),
        { maxLength: 6 },
      ),
      tookMs: fc.nat(3_000),
      cancelAfterMs: fc.option(fc.nat(6_000)),
      event: fc.constantFrom('none', 'none', 'none', 'resume', 'offline', 'online'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.nat(), async (steps, seed) => {
        const { clock, requests, connectivity, world } = setUp(seed)
        let inWork = 0
        const all: Array<Promise<unknown>> = []
        for (const { urgency, outcomes, tookMs, cancelAfterMs, event } of steps) {
          let tries = 0
          const caller = new AbortController()
          const work = async (signal: AbortSignal) => {
            const outcome = outcomes[tries++] ?? 'ok'
            inWork++
            expect(requests.running).toBeGreaterThan(0)
            signal.addEventListener('abort', () => inWork--, { once: true })
            if (outcome === 'deaf') await never()
            if (outcome === 'hang') {
              await clock.sleep(3_600_000, signal)
            }
            await clock.sleep(tookMs, signal)
            inWork--
            if (outcome === 'bug') throw new TypeError('bug')
            if (outcome !== 'ok' && outcome !== 'hang') throw failure(outcome as ErrorCode)
          }
          all.push(requests.run(urgency, work, caller.signal).catch((thrown: unknown) => thrown))
          if (cancelAfterMs !== null) {
            clock.after(cancelAfterMs, () => caller.abort(failure('vfs/interrupted')))
          }
          if (event === 'resume') requests.resumed()
          if (event === 'offline') world.probe = 'net/unreachable'
          if (event === 'online') world.probe = 'ok'
          await clock.advance(17)
          expect(inWork).toBeLessThanOrEqual(requests.running)
        }
        await clock.until(Promise.all(all))
        expect([requests.running, requests.waiting]).toEqual([0, 0])
        // Nothing is left behind that would make the next ones wait.
        world.probe = 'ok'
        await clock.advance(60_000)
        const next = Array.from({ length: 100 }, () => requests.run('background', async () => 1))
        expect(await clock.until(Promise.all(next))).toHaveLength(100)
        connectivity.close()
        await clock.advance(10_000)
        expect([requests.running, requests.waiting]).toEqual([0, 0])
      }),
      { numRuns: 60 },
    )
  })
})

describe('EndpointRequests over sleep', () => {
  test('suspended, what nobody waits for stops and waits, and goes on at once after it', async () => {
    const { clock, requests, resets } = setUp()
    let attempts = 0
    const work = (signal: AbortSignal) => {
      attempts++
      if (attempts > 1) return Promise.resolve('done')
      return new Promise<string>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
      })
    }
    const upload = requests.run('background', work)
    await settle()
    requests.suspend()
    await clock.advance(1_000)
    expect(attempts, 'nothing new is begun').toBe(1)
    clock.jumpWall(8 * 3600_000)
    requests.resumed()
    expect(await upload).toBe('done')
    expect(attempts).toBe(2)
    expect(resets, 'no socket of before is used').toHaveLength(1)
    expect([requests.running, clock.pending]).toEqual([0, 0])
  })

  test('a sleep that does not come about ends by itself', async () => {
    const { clock, requests } = setUp()
    requests.suspend()
    const upload = requests.run('background', async () => 'done')
    await clock.advance(SUSPENDED_MS_MAX - 1)
    expect(requests.running).toBe(0)
    await clock.advance(1)
    expect(await upload).toBe('done')
  })

  test('idle requests wait for all others, and leave the line nearly free', async () => {
    const { requests } = setUp()
    let running = 0
    for (let count = 0; count < 20; count++) {
      requests
        .run('idle', () => {
          running++
          return never()
        })
        .catch(() => {})
    }
    await settle()
    expect(running).toBe(IDLE_SLOTS_MAX)
    expect(await requests.run('interactive', async () => 'at once')).toBe('at once')
  })
})
