import { describe, expect, test } from 'vitest'
import { PailError } from '../../../shared/errors.ts'
import { CONNECTION, failureOf, SECRET, setUpDesktop, WORKING_ENGINE } from './desktop-fakes.ts'

const refusing = {
  ...WORKING_ENGINE,
  'buckets/list': () => {
    throw new PailError('auth/bad-key', 'SignatureDoesNotMatch')
  },
}

describe('Connections', () => {
  test('keeps the secret in the keychain and everything else in the settings', async () => {
    const { connections, keychain, settings, supervisor } = setUpDesktop()
    supervisor.start()
    const view = await connections.add(CONNECTION)
    expect([...keychain.secrets]).toEqual([[view.id, SECRET]])
    expect(settings.data.connections).toHaveLength(1)
    expect(JSON.stringify([settings.data, view, connections.list()])).not.toContain(SECRET)
  })

  test('stores nothing when the endpoint refuses the keys', async () => {
    const { connections, keychain, settings, supervisor } = setUpDesktop([refusing])
    supervisor.start()
    const failure = await failureOf(connections.add(CONNECTION))
    expect(failure?.code).toBe('auth/bad-key')
    expect(keychain.secrets.size).toBe(0)
    expect(settings.data.connections).toEqual([])
  })

  test('stores nothing when there is no keychain, and says so', async () => {
    const { connections, keychain, settings, supervisor } = setUpDesktop()
    supervisor.start()
    keychain.isAvailable = false
    const failure = await failureOf(connections.add(CONNECTION))
    expect(failure?.code).toBe('keychain/unavailable')
    expect(settings.data.connections).toEqual([])
  })

  test('takes the secret out of the keychain again when the settings cannot be written', async () => {
    const { connections, keychain, settings, supervisor } = setUpDesktop()
    supervisor.start()
    settings.isWritable = false
    const failure = await failureOf(connections.add(CONNECTION))
    expect(failure?.code).toBe('settings/unwritable')
    expect(keychain.secrets.size).toBe(0)
  })

  test('counts and limits the requests of a connection by its address and key', async () => {
    const view = { polling: 'normal' }
    const engine = {
      ...WORKING_ENGINE,
      'requests/get': () => view,
      'requests/set-budget': () => view,
    }
    const { connections, links, supervisor } = setUpDesktop([engine])
    supervisor.start()
    const { id } = await connections.add(CONNECTION)
    await connections.requests(id)
    await connections.setBudget(id, 5_000)
    const key = { endpointUrl: CONNECTION.endpointUrl, accessKeyId: CONNECTION.accessKeyId }
    const calls = links[0]?.calls.filter(({ call }) => call.startsWith('requests/'))
    expect(calls).toEqual([
      { call: 'requests/get', input: key },
      { call: 'requests/set-budget', input: { ...key, listsPerMonth: 5_000 } },
    ])
  })

  test('refuses a name that is taken, whatever its case, also when two come at once', async () => {
    const { connections, keychain, supervisor } = setUpDesktop()
    supervisor.start()
    const both = await Promise.all([
      failureOf(connections.add(CONNECTION)),
      failureOf(connections.add({ ...CONNECTION, name: 'LAB' })),
    ])
    expect(both.filter((failure) => failure?.code === 'connection/exists')).toHaveLength(1)
    expect(connections.list()).toHaveLength(1)
    expect(keychain.secrets.size).toBe(1)
  })

  test('tries a bucket named by hand instead of listing, and lists it when listing is denied', async () => {
    const denied = {
      ...WORKING_ENGINE,
      'buckets/list': () => {
        throw new PailError('auth/denied', 'AccessDenied')
      },
    }
    const { connections, supervisor, links } = setUpDesktop([denied])
    supervisor.start()
    const { id } = await connections.add({ ...CONNECTION, bucket: 'only-mine' })
    expect(links[0]?.callsOf('buckets/list')).toEqual([])
    expect(await connections.buckets(id)).toEqual([{ name: 'only-mine' }])
  })

  test('is not removed while a folder needs it, and takes its secret along when it is', async () => {
    const { connections, mounts, keychain, supervisor } = setUpDesktop()
    supervisor.start()
    const { id } = await connections.add(CONNECTION)
    const dir = '/home/ana/Pail/data'
    await mounts.start({ connectionId: id, bucket: 'data', subpath: '', dir, readOnly: false })
    expect((await failureOf(connections.remove(id)))?.code).toBe('connection/in-use')
    await mounts.remove(dir)
    await connections.remove(id)
    expect(keychain.secrets.size).toBe(0)
    expect(connections.list()).toEqual([])
  })

  test('takes newer keys, and hands them to the engine for what is mounted with the older ones', async () => {
    const { connections, keychain, supervisor, links } = setUpDesktop()
    supervisor.start()
    const { id, accessKeyId: replaces } = await connections.add(CONNECTION)
    const newer = { accessKeyId: 'AKNEWER', secretAccessKey: 'another-secret' }
    expect((await connections.renew({ id, ...newer })).accessKeyId).toBe('AKNEWER')
    expect([...keychain.secrets]).toEqual([[id, newer.secretAccessKey]])
    expect(links[0]?.callsOf('connections/renew')).toMatchObject([{ credentials: newer, replaces }])
  })

  test('keeps the keys that it has when the endpoint refuses the newer ones', async () => {
    let isRefusing = false
    const choosy = {
      ...WORKING_ENGINE,
      'buckets/list': () => {
        if (isRefusing) throw new PailError('auth/bad-key', 'SignatureDoesNotMatch')
        return [{ name: 'data' }]
      },
    }
    const { connections, keychain, supervisor, links } = setUpDesktop([choosy])
    supervisor.start()
    const { id } = await connections.add(CONNECTION)
    isRefusing = true
    const input = { id, accessKeyId: 'AKNEWER', secretAccessKey: 'refused' }
    expect((await failureOf(connections.renew(input)))?.code).toBe('auth/bad-key')
    expect([...keychain.secrets]).toEqual([[id, SECRET]])
    expect(connections.list()[0]?.accessKeyId).toBe(CONNECTION.accessKeyId)
    expect(links[0]?.callsOf('connections/renew')).toEqual([])
  })

  test('refuses an endpoint that is not a web address before anything is asked', async () => {
    const { connections, links, supervisor } = setUpDesktop()
    supervisor.start()
    const input = { ...CONNECTION, endpointUrl: 'file:///etc/passwd' }
    expect((await failureOf(connections.add(input)))?.code).toBe('input/invalid')
    expect(links[0]?.callsOf('buckets/list') ?? []).toEqual([])
  })
})
