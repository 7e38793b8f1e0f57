import { describe, expect, test } from 'vitest'
import { restartDelayMs } from '../../../main/supervisor.ts'
import { settle } from '../../support/fake-clock.ts'
import { CONNECTION, failureOf, mountView, setUpDesktop, statusView } from './desktop-fakes.ts'

const DIR = '/home/ana/Pail/data'

async function withMount() {
  const bench = setUpDesktop()
  bench.supervisor.start()
  const { id } = await bench.connections.add(CONNECTION)
  const input = { connectionId: id, bucket: 'data', subpath: '', dir: DIR, readOnly: false }
  await bench.mounts.start(input)
  return { ...bench, id }
}

describe('EngineSupervisor', () => {
  test('starts the engine again after a crash and brings wanted mounts back', async () => {
    const { links, clock, keychain, id } = await withMount()
    links[0]?.crash()
    keychain.secrets.set(id, 'rotated')
    await clock.advance(restartDelayMs(1))
    expect(links).toHaveLength(2)
    const [again] = links[1]?.callsOf('mounts/start') ?? []
    // The secret is read from the keychain each time: nothing kept it.
    expect(again).toMatchObject({ dir: DIR, credentials: { secretAccessKey: 'rotated' } })
  })

  test('refuses calls while the engine is away, in a sentence about the restart', async () => {
    const { links, supervisor, board } = await withMount()
    links[0]?.crash()
    await settle()
    expect((await failureOf(supervisor.call('engine/status', {})))?.code).toBe('engine/stopped')
    const { engine, mounts } = board.read()
    expect(engine.state).toBe('restarting')
    expect(engine.reason).toContain('restarts')
    expect(mounts[0]?.state).toBe('starting')
  })

  test('waits longer after each crash, and no longer than half a minute', async () => {
    expect([1, 2, 3, 4].map(restartDelayMs)).toEqual([500, 1000, 2000, 4000])
    expect(restartDelayMs(100)).toBe(30_000)
    const { links, clock } = await withMount()
    for (const delayMs of [500, 1000, 2000]) {
      const before = links.length
      links.at(-1)?.crash()
      await clock.advance(delayMs - 1)
      expect(links).toHaveLength(before)
      await clock.advance(1)
      expect(links).toHaveLength(before + 1)
    }
  })

  test('lets go of an engine that does not end within five seconds of the end of a session', async () => {
    const { clock, supervisor } = await withMount()
    const startedMs = clock.monotonicMs()
    await clock.until(supervisor.stop('system'))
    expect(clock.monotonicMs() - startedMs).toBeLessThanOrEqual(5_000)
  })

  test('asks its own engine to shut down when the app quits, and starts no other', async () => {
    const { links, clock, supervisor } = await withMount()
    const stopped = supervisor.stop()
    await settle()
    expect(links[0]?.callsOf('engine/shutdown')).toHaveLength(1)
    links[0]?.crash()
    await clock.until(stopped)
    await clock.advance(60_000)
    expect(links).toHaveLength(1)
    expect(clock.pending).toBe(0)
  })

  test('ends in bounded time although the engine never ends', async () => {
    const { links, clock, supervisor } = await withMount()
    const startMs = clock.monotonicMs()
    await clock.until(supervisor.stop())
    expect(links[0]?.isClosed).toBe(true)
    expect(clock.monotonicMs() - startMs).toBeLessThanOrEqual(30_000)
  })

  test('shows what the engine says as soon as it says it', async () => {
    const { links, board, clock } = await withMount()
    const heard: number[] = []
    board.onDidChange(({ mounts }) => heard.push(mounts[0]?.pendingFiles ?? -1))
    await clock.advance(1000)
    heard.length = 0
    for (let files = 1; files <= 50; files++) {
      links[0]?.tell(statusView([mountView({ pendingFiles: files, pendingBytes: files * 10 })]))
    }
    await clock.advance(1000)
    // Fifty changes at once are told as one, and it is the last.
    expect(heard).toEqual([50])
  })
})
