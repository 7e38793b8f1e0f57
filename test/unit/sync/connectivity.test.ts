import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../../engine/base/clock.ts'
import { silentLog } from '../../../engine/base/log.ts'
import { Connectivity, FAILURE_BURST_MS } from '../../../engine/sync/connectivity.ts'
import { evidenceOf } from '../../../engine/sync/connectivity-evidence.ts'
import { ERRORS, type ErrorCode, PailError } from '../../../shared/errors.ts'
import {
  CONNECTIVITY_TRANSITIONS,
  type ConnectivityEvent,
  type ConnectivityState,
  transition,
} from '../../../shared/states.ts'
import { FakeClock, settle } from '../../support/fake-clock.ts'

const failure = (code: ErrorCode) => new PailError(code, 'test')

function setUp() {
  const clock = new FakeClock()
  const probes: number[] = []
  const world: { answer: ErrorCode | 'ok' | 'black-hole' } = { answer: 'ok' }
  const connectivity = new Connectivity({
    clock,
    random: new SeededRandom(1),
    log: silentLog,
    probe: async () => {
      probes.push(clock.monotonicMs())
      if (world.answer === 'black-hole') return new Promise<void>(() => {})
      if (world.answer !== 'ok') throw failure(world.answer)
    },
  })
  const history: ConnectivityState[] = []
  connectivity.onDidChange(({ to }) => history.push(to))
  return { clock, probes, world, connectivity, history }
}

async function goOffline({ world, connectivity }: ReturnType<typeof setUp>) {
  world.answer = 'net/unreachable'
  connectivity.noteFailure(failure('net/unreachable'))
  await settle()
  expect(connectivity.state).toBe('offline')
}

describe('Connectivity', () => {
  test('one failed request does not make an endpoint offline that answers a probe', async () => {
    const { connectivity, probes, history } = setUp()
    connectivity.noteFailure(failure('net/unreachable'))
    await settle()
    expect(probes).toHaveLength(1)
    expect(connectivity.state).toBe('online')
    expect(history).toEqual([])
  })

  test('tells one pause from the next by how often the endpoint answered again', async () => {
    const world = setUp()
    const { connectivity, clock } = world
    connectivity.noteSuccess()
    expect(connectivity.returns).toBe(0)
    connectivity.noteFailure(failure('net/timeout'))
    await settle()
    // The probe was answered: it was only a moment.
    expect([connectivity.state, connectivity.returns]).toEqual(['online', 1])
    await clock.advance(FAILURE_BURST_MS)
    await goOffline(world)
    await clock.advance(60_000)
    expect(connectivity.returns).toBe(1)
    world.world.answer = 'ok'
    await clock.advance(60_000)
    expect([connectivity.state, connectivity.returns]).toEqual(['online', 2])
  })

  test('a failed request and a failed probe make it offline, at once when nothing listens', async () => {
    const world = setUp()
    await goOffline(world)
    expect(world.connectivity.refusal?.code).toBe('net/offline')
    expect(world.clock.monotonicMs()).toBe(0)
  })

  test('two failures in a row make it offline while the probe hangs, a burst counts as one', async () => {
    const { connectivity, world, clock } = setUp()
    world.answer = 'black-hole'
    for (let i = 0; i < 20; i++) connectivity.noteFailure(failure('net/reset'))
    expect(connectivity.state).toBe('online')
    await clock.advance(FAILURE_BURST_MS)
    connectivity.noteFailure(failure('net/timeout'))
    expect(connectivity.state).toBe('offline')
  })

  test('failures with a success between them do not add up', async () => {
    const { connectivity, clock } = setUp()
    for (let i = 0; i < 50; i++) {
      connectivity.noteFailure(failure('net/timeout'))
      await clock.advance(2 * FAILURE_BURST_MS)
      connectivity.noteSuccess()
    }
    expect(connectivity.state).toBe('online')
  })

  test('a black-holed probe ends by itself and counts as failed', async () => {
    const { connectivity, world, clock } = setUp()
    world.answer = 'black-hole'
    connectivity.noteFailure(failure('net/timeout'))
    await clock.advance(5_000)
    expect(connectivity.state).toBe('offline')
  })

  test('while offline it probes with delays that grow from 1 s to 30 s, and is online by one success', async () => {
    const state = setUp()
    const { clock, probes, connectivity, world, history } = state
    await goOffline(state)
    await clock.advance(600_000)
    const gaps = probes.slice(1).map((at, i) => at - (probes[i] ?? 0))
    expect(gaps[0]).toBeGreaterThanOrEqual(1_000)
    expect(gaps[0]).toBeLessThanOrEqual(2_000)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(30_000)
    expect(gaps.slice(6).every((gap) => gap >= 15_000)).toBe(true)
    world.answer = 'ok'
    await clock.advance(30_000)
    expect(connectivity.state).toBe('online')
    expect(history).toEqual(['offline', 'online'])
    const sent = probes.length
    await clock.advance(600_000)
    expect(probes).toHaveLength(sent)
    expect(clock.pending).toBe(0)
  })

  test('a request that succeeds makes it online without waiting for the probe', async () => {
    const state = setUp()
    await goOffline(state)
    state.connectivity.noteSuccess()
    expect(state.connectivity.state).toBe('online')
    expect(state.clock.pending).toBe(0)
  })

  test.each<[ErrorCode, ConnectivityState, ErrorCode]>([
    ['auth/bad-key', 'needs-sign-in', 'auth/bad-key'],
    ['auth/denied', 'needs-sign-in', 'auth/denied'],
    ['net/captive-portal', 'captive-portal', 'net/captive-portal'],
    ['net/tls', 'captive-portal', 'net/captive-portal'],
    ['auth/clock-skewed', 'clock-skewed', 'auth/clock-skewed'],
    ['net/timeout', 'offline', 'net/offline'],
  ])('a probe that fails with %s leads to %s', async (code, to, refusal) => {
    const { connectivity, world, clock } = setUp()
    world.answer = code
    connectivity.resumed()
    await settle()
    expect(connectivity.state).toBe(to)
    expect(connectivity.refusal?.code).toBe(refusal)
    world.answer = 'ok'
    await clock.advance(3_000)
    expect(connectivity.state).toBe('online')
  })

  test('regression: keys that may not read one object made the whole endpoint need sign-in', async () => {
    const { connectivity, probes } = setUp()
    for (let i = 0; i < 10; i++) connectivity.noteFailure(failure('auth/denied'))
    await settle()
    expect(connectivity.state).toBe('online')
    expect(probes).toHaveLength(0)
  })

  test('refused keys of a request are believed only when a probe says so too', async () => {
    const { connectivity, probes } = setUp()
    connectivity.noteFailure(failure('auth/bad-key'))
    await settle()
    expect(connectivity.state).toBe('online')
    expect(probes).toHaveLength(1)
  })

  test('a server that is unwell is not an endpoint that is away', async () => {
    const state = setUp()
    state.world.answer = 's3/server'
    for (let i = 0; i < 10; i++) {
      state.connectivity.noteFailure(failure('s3/server'))
      state.connectivity.noteFailure(failure('s3/busy'))
      await state.clock.advance(1_000)
    }
    expect(state.connectivity.state).toBe('online')
    await goOffline(state)
    state.world.answer = 's3/busy'
    await state.clock.advance(60_000)
    expect(state.connectivity.state).toBe('offline')
    state.world.answer = 's3/no-bucket'
    await state.clock.advance(60_000)
    expect(state.connectivity.state).toBe('online')
  })

  test('the network comes back behind a portal, then with bad keys, then for good', async () => {
    const state = setUp()
    await goOffline(state)
    for (const answer of ['net/captive-portal', 'auth/bad-key', 'ok'] as const) {
      state.world.answer = answer
      await state.clock.advance(30_000)
    }
    expect(state.history).toEqual(['offline', 'captive-portal', 'needs-sign-in', 'online'])
  })

  test('after sleep it asks at once, also when the next probe was far away', async () => {
    const state = setUp()
    await goOffline(state)
    await state.clock.advance(300_000)
    const sent = state.probes.length
    state.world.answer = 'ok'
    state.clock.jumpWall(8 * 3_600_000)
    state.connectivity.resumed()
    await settle()
    expect(state.probes).toHaveLength(sent + 1)
    expect(state.connectivity.state).toBe('online')
  })

  test('a probe from before sleep is not waited for, and its late answer is ignored', async () => {
    const { connectivity, world, clock, probes, history } = setUp()
    world.answer = 'black-hole'
    connectivity.noteFailure(failure('net/timeout'))
    world.answer = 'ok'
    connectivity.resumed()
    await settle()
    expect(probes).toHaveLength(2)
    await clock.advance(60_000)
    expect(history).toEqual([])
    expect(clock.pending).toBe(0)
  })

  test('work offline sends no request until it is switched off', async () => {
    const { connectivity, probes, clock, history } = setUp()
    connectivity.workOffline(true)
    connectivity.workOffline(true)
    connectivity.noteSuccess()
    connectivity.noteFailure(failure('net/timeout'))
    connectivity.resumed()
    await clock.advance(3_600_000)
    expect(probes).toHaveLength(0)
    expect(connectivity.refusal?.code).toBe('net/offline')
    connectivity.workOffline(false)
    connectivity.workOffline(false)
    await settle()
    expect(history).toEqual(['work-offline', 'offline', 'online'])
  })

  test('who waits for the network goes on when it is back, or when asked to stop', async () => {
    const state = setUp()
    await expect(state.connectivity.waitOnline()).resolves.toBeUndefined()
    await goOffline(state)
    const stop = new AbortController()
    const stopped = state.connectivity.waitOnline(stop.signal)
    const waiting = state.connectivity.waitOnline(new AbortController().signal)
    stop.abort(new Error('enough'))
    await expect(stopped).rejects.toThrow('enough')
    await expect(state.connectivity.waitOnline(stop.signal)).rejects.toThrow('enough')
    state.world.answer = 'ok'
    await state.clock.advance(3_000)
    await waiting
    await goOffline(state)
    const closed = state.connectivity.waitOnline()
    state.connectivity.close()
    await expect(closed).rejects.toMatchObject({ code: 'engine/stopped' })
    expect(state.clock.pending).toBe(0)
  })

  test('the table refuses what it does not hold, and every state can come back to online', () => {
    expect(() => transition(CONNECTIVITY_TRANSITIONS, 'online', 'verified')).toThrow(
      /no transition/,
    )
    expect(() => transition(CONNECTIVITY_TRANSITIONS, 'work-offline', 'verified')).toThrow()
    for (const start of Object.keys(CONNECTIVITY_TRANSITIONS) as ConnectivityState[]) {
      const reached = new Set<ConnectivityState>([start])
      for (const state of reached) {
        const row: Partial<Record<ConnectivityEvent, ConnectivityState>> =
          CONNECTIVITY_TRANSITIONS[state]
        for (const to of Object.values(row)) {
          expect(to).not.toBe(state)
          reached.add(to)
        }
      }
      expect(reached).toContain('online')
      expect(reached.size).toBe(6)
    }
  })

  test('no code of this computer or of the file system is evidence about the endpoint', () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      if (/^(net|auth|s3)\//.test(code)) continue
      expect(evidenceOf(failure(code)), code).toBe('none')
    }
  })
})
