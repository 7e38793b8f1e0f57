import { describe, expect, test } from 'vitest'
import { PailError } from '../../../shared/errors.ts'
import { settle } from '../../support/fake-clock.ts'
import {
  CONNECTION,
  failureOf,
  mountView,
  setUpDesktop,
  statusView,
  WORKING_ENGINE,
} from './desktop-fakes.ts'

const DIR = '/home/ana/Pail/data'
type Lives = Parameters<typeof setUpDesktop>[0]

async function connected(lives?: Lives) {
  const bench = setUpDesktop(lives)
  bench.supervisor.start()
  const { id } = await bench.connections.add(CONNECTION)
  const input = { connectionId: id, bucket: 'data', subpath: 'runs', dir: DIR, readOnly: true }
  return { ...bench, input }
}

function failing(error: PailError) {
  return {
    ...WORKING_ENGINE,
    'mounts/start': () => {
      throw error
    },
  }
}

describe('MountKeeper', () => {
  test('remembers a mount before the engine hears of it', async () => {
    const seen: number[] = []
    const bench = await connected([
      {
        ...WORKING_ENGINE,
        'mounts/start': ({ dir }) => {
          seen.push(bench.settings.data.mounts.length)
          return mountView({ dir })
        },
      },
    ])
    await bench.mounts.start(bench.input)
    expect(seen).toEqual([1])
  })

  test('hands over bucket, subpath and read-only, and makes folders below ~/Pail alone', async () => {
    const { mounts, links, input, chosen, folders } = await connected()
    await mounts.start(input)
    chosen.dir = '/data/bucket'
    await folders.choose()
    await mounts.start({ ...input, dir: '/data/bucket' })
    const expected = { bucket: 'data', subpath: 'runs', readOnly: true }
    expect(links[0]?.callsOf('mounts/start')).toMatchObject([
      { ...expected, dir: DIR, createDir: true },
      { ...expected, dir: '/data/bucket', createDir: false },
    ])
  })

  test('forgets a mount that the engine refused the first time', async () => {
    const refusal = new PailError('mount/folder-not-empty', 'has files')
    const { mounts, settings, input } = await connected([failing(refusal)])
    expect((await failureOf(mounts.start(input)))?.code).toBe('mount/folder-not-empty')
    expect(settings.data.mounts).toEqual([])
  })

  test('refuses a folder that the person did not choose', async () => {
    const { mounts, links, settings, input } = await connected()
    for (const dir of ['/etc', '/home/ana/Pail', '/home/ana/Pail/../.ssh', 'relative']) {
      expect((await failureOf(mounts.start({ ...input, dir })))?.code, dir).toBe('input/invalid')
    }
    expect(links[0]?.callsOf('mounts/start')).toEqual([])
    expect(settings.data.mounts).toEqual([])
  })

  test('keeps an unmounted folder in the list and does not bring it back', async () => {
    const { mounts, board, clock, links, input } = await connected()
    await mounts.start(input)
    await mounts.stop({ dir: DIR, force: false })
    expect(board.read().mounts).toMatchObject([{ dir: DIR, state: 'stopped', isWanted: false }])
    links[0]?.crash()
    await clock.advance(60_000)
    expect(links[1]?.callsOf('mounts/start')).toEqual([])
  })

  test('keeps a folder in the list when it cannot be unmounted', async () => {
    const busy = {
      ...WORKING_ENGINE,
      'mounts/stop': () => {
        throw new PailError('mount/busy', 'in use')
      },
    }
    const { mounts, settings, input } = await connected([busy])
    await mounts.start(input)
    expect((await failureOf(mounts.remove(DIR)))?.code).toBe('mount/busy')
    expect(settings.data.mounts).toMatchObject([{ dir: DIR, isActive: true }])
  })

  test('tries again after a restart until the network is back, and says why meanwhile', async () => {
    let isOnline = false
    const flaky = {
      ...WORKING_ENGINE,
      'mounts/start': ({ dir }: { dir: string }) => {
        if (!isOnline) throw new PailError('net/offline', 'no route')
        return mountView({ dir })
      },
    }
    const { mounts, board, clock, links, input } = await connected([WORKING_ENGINE, flaky])
    await mounts.start(input)
    links[0]?.crash()
    await clock.advance(5_000)
    expect(board.read().mounts).toMatchObject([{ state: 'offline' }])
    expect(board.read().mounts[0]?.reason).toContain('Reconnect')
    isOnline = true
    await clock.advance(60_000)
    links[1]?.tell(statusView([mountView()]))
    expect(board.read().mounts).toMatchObject([
      { state: 'mounted', isMounted: true, connectionName: 'Lab' },
    ])
    expect(mounts.faults.size).toBe(0)
  })

  test('asks for the keys when the keychain has lost them', async () => {
    const { mounts, board, clock, links, keychain, input } = await connected()
    await mounts.start(input)
    keychain.secrets.clear()
    links[0]?.crash()
    await clock.advance(5_000)
    expect(board.read().mounts).toMatchObject([{ state: 'needs-sign-in', isMounted: false }])
    expect(links[1]?.callsOf('mounts/start')).toEqual([])
  })

  test('shows folders that the command line mounted, without a connection', async () => {
    const { board, links } = await connected()
    await settle()
    links[0]?.tell(statusView([mountView({ dir: '/mnt/cli' })]))
    const [row] = board.read().mounts
    expect(row).toMatchObject({ dir: '/mnt/cli', isWanted: false })
    expect(row?.connectionId).toBeUndefined()
  })
})
