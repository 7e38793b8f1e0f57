import { cleanup, fireEvent, screen, within } from '@testing-library/react'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PailError } from '../../../shared/errors.ts'
import { syncView } from '../../support/sync-view.ts'
import { FakeBridge, forgetWindow, open, prepareWindow } from './fake-main.tsx'
import { mountRow, statusOf, syncWith } from './rows.ts'

beforeEach(prepareWindow)
afterEach(forgetWindow)

const button = (name: string | RegExp) => screen.findByRole('button', { name })
const verdict = () => screen.findByTestId('verdict')

describe('the window', () => {
  test('shows the way in when there is nothing yet', async () => {
    const bridge = new FakeBridge()
    bridge.connections = []
    open(bridge)
    await screen.findByText('Your buckets, as folders')
    fireEvent.click(await button('Add a connection'))
    await screen.findByRole('dialog')
  })

  test('follows the pending count as main tells it', async () => {
    const bridge = new FakeBridge()
    bridge.status = statusOf(mountRow())
    open(bridge)
    const row = await screen.findByRole('listitem', { name: 'data' })
    within(row).getByText('Nothing to upload')
    bridge.tell(statusOf(mountRow({ pendingFiles: 3, pendingBytes: 310e6 })))
    await within(row).findByText(/3 files, 310 MB/)
    expect((await verdict()).textContent).toBe('3 files, 310 MB still to upload')
    bridge.tell(statusOf(mountRow()))
    await within(row).findByText('Nothing to upload')
    expect((await verdict()).textContent).toBe('Everything you saved is in the bucket')
  })

  test('names state, reason, connection and read-only on each row', async () => {
    const bridge = new FakeBridge()
    const reason = 'Check the access key.'
    bridge.status = statusOf(mountRow({ state: 'needs-sign-in', reason, readOnly: true }))
    open(bridge)
    const row = await screen.findByRole('listitem', { name: 'data' })
    for (const text of ['Needs sign-in', reason, 'Read-only', 'Lab', '/home/ana/Pail/data']) {
      within(row).getByText(text)
    }
    fireEvent.click(within(row).getByRole('button', { name: 'Try again' }))
    await expect.poll(() => bridge.inputsOf('mounts/start')).toMatchObject([{ bucket: 'data' }])
  })

  test('unmounts only after saying what is not yet uploaded', async () => {
    const bridge = new FakeBridge()
    bridge.status = statusOf(mountRow({ pendingFiles: 2, pendingBytes: 5e6 }))
    open(bridge)
    fireEvent.click(await button('Unmount data'))
    const dialog = await screen.findByRole('dialog')
    within(dialog).getByText(/2 files, 5.0 MB still to upload/)
    expect(bridge.inputsOf('mounts/stop')).toEqual([])
    fireEvent.click(within(dialog).getByRole('button', { name: 'Wait' }))
    bridge.tell(statusOf(mountRow()))
    await expect
      .poll(() => bridge.inputsOf('mounts/stop'))
      .toEqual([{ dir: '/home/ana/Pail/data', force: false }])
  })

  test('never detaches a busy folder unless the person says so', async () => {
    const bridge = new FakeBridge()
    bridge.status = statusOf(mountRow())
    bridge.failures.set('mounts/stop', new PailError('mount/busy', 'open', { programs: 'vim' }))
    open(bridge)
    fireEvent.click(await button('Unmount data'))
    const dialog = await screen.findByRole('dialog')
    fireEvent.click(within(dialog).getByRole('button', { name: 'Unmount' }))
    await within(dialog).findByText('Programs still use the folder')
    within(dialog).getByText(/programs: vim/)
    fireEvent.click(within(dialog).getByRole('button', { name: 'Detach anyway' }))
    await expect
      .poll(() => bridge.inputsOf('mounts/stop'))
      .toMatchObject([{ force: false }, { force: true }])
  })

  test('names the programs that use a folder before it is unmounted', async () => {
    const bridge = new FakeBridge()
    bridge.status = statusOf(mountRow())
    const dir = '/home/ana/Pail/data'
    const holders = [
      { pid: 4711, program: 'python3', paths: [`${dir}/run-7/out.csv`] },
      { pid: 4712, program: 'bash', paths: [dir] },
    ]
    bridge.holders = { ...bridge.holders, holders }
    open(bridge)
    fireEvent.click(await button('Unmount data'))
    const programs = await screen.findByRole('region', { name: 'Programs that use the folder' })
    for (const text of ['python3', '4711', 'run-7/out.csv', 'works in this folder']) {
      within(programs).getByText(text)
    }
  })

  test('says where files went that were in the folder while nothing was mounted', async () => {
    const bridge = new FakeBridge()
    const dir = '/home/ana/Pail/data (found 2026-11-21 0931)'
    bridge.status = statusOf(mountRow({ found: { dir, count: 2 } }))
    open(bridge)
    const row = await screen.findByRole('listitem', { name: 'data' })
    within(row).getByText(/2 entries were in this folder while nothing was mounted/)
    within(row).getByText(dir)
  })

  test('says what is kept offline, how much of it is here, and whether it would do', async () => {
    const bridge = new FakeBridge()
    bridge.status = statusOf(mountRow())
    open(bridge)
    fireEvent.click(await button('Offline'))
    await screen.findByText('Nothing is kept offline')
    const path = '/home/ana/Pail/data'
    const half = { percent: 50, files: 4, bytes: 10e6, readyFiles: 2, readyBytes: 5e6 }
    bridge.pins = [{ path, mode: 'pinned', sinceMs: 0, ...half }]
    cleanup()
    open(bridge)
    fireEvent.click(await button('Offline'))
    const row = await screen.findByRole('listitem', { name: 'data' })
    within(row).getByText('2 of 4 files, 5.0 MB of 10 MB')
    within(row).getByText('50 %')
    bridge.check = {
      ...bridge.check,
      ...half,
      isReady: false,
      missingCount: 2,
      missing: [{ path: `${path}/big`, reason: 'Free space on this disk.' }],
    }
    fireEvent.click(await button('Ready for a flight?'))
    await screen.findByText('Not ready yet')
    screen.getByText('2 files are not on this computer.')
    screen.getByText(`${path}/big`)
    fireEvent.click(within(row).getByRole('button', { name: 'Stop keeping' }))
    await expect.poll(() => bridge.inputsOf('pins/set')).toEqual([{ path, mode: 'none' }])
  })

  test('works offline at a switch, and says so', async () => {
    const bridge = new FakeBridge()
    bridge.status = statusOf(mountRow())
    open(bridge)
    await screen.findByRole('listitem', { name: 'data' })
    fireEvent.click(await screen.findByRole('switch', { name: 'Work offline' }))
    await expect.poll(() => bridge.inputsOf('network/work-offline')).toEqual([{ isWanted: true }])
    bridge.status = {
      ...statusOf(mountRow({ state: 'offline', pendingFiles: 2, pendingBytes: 5e6 })),
      isWorkingOffline: true,
      sync: syncWith({
        isWorkingOffline: true,
        counts: { ...syncView().counts, pendingFiles: 2, pendingBytes: 5e6 },
      }),
    }
    bridge.tell(bridge.status)
    expect(await screen.findAllByText('Working offline')).toHaveLength(1)
    expect((await verdict()).textContent).toContain('2 files, 5.0 MB still to upload')
  })

  test('takes the keys out of a paste and keeps none of it readable', async () => {
    const bridge = new FakeBridge()
    bridge.connections = []
    open(bridge)
    fireEvent.click(await button('Add a connection'))
    const paste = await screen.findByLabelText('Paste a credential')
    fireEvent.change(paste, { target: { value: 'AKEY:canary-secret' } })
    await screen.findByText(/as in an s3fs password file/)
    expect(paste).toHaveProperty('value', '')
    expect(screen.getByLabelText('Access key')).toHaveProperty('value', 'AKEY')
    expect(screen.getByLabelText('Secret key')).toHaveProperty('type', 'password')
    expect(document.body.textContent).not.toContain('canary-secret')
  })

  test('says what to do when the keys are refused, and keeps the form', async () => {
    const bridge = new FakeBridge()
    bridge.connections = []
    bridge.failures.set('connections/add', new PailError('auth/bad-key', 'SignatureDoesNotMatch'))
    open(bridge)
    fireEvent.click(await button('Add a connection'))
    fireEvent.change(await screen.findByLabelText('Paste a credential'), {
      target: { value: 'AKEY:SKEY' },
    })
    fireEvent.change(screen.getByRole('combobox', { name: 'Endpoint' }), {
      target: { value: 's3.example.org' },
    })
    fireEvent.click(screen.getByRole('button', { name: 'Connect' }))
    const alert = await within(screen.getByRole('dialog')).findByRole('alert')
    within(alert).getByText(/Check the access key and the secret key/)
    expect(bridge.inputsOf('connections/add')).toMatchObject([
      { endpointUrl: 'https://s3.example.org', accessKeyId: 'AKEY', name: 's3.example.org' },
    ])
    expect(screen.getByLabelText('Access key')).toHaveProperty('value', 'AKEY')
  })

  test('asks for a name when the keys may not list buckets', async () => {
    const bridge = new FakeBridge()
    bridge.failures.set('buckets/list', new PailError('auth/denied', 'AccessDenied'))
    open(bridge)
    fireEvent.click(await button('Buckets'))
    fireEvent.change(await screen.findByLabelText('Bucket name'), { target: { value: 'mine' } })
    fireEvent.click(screen.getByRole('button', { name: 'Mount…' }))
    await screen.findByRole('dialog', { name: 'Mount mine' })
  })

  test('says why a folder is read-only, how old its listing is, and what it is for', async () => {
    const bridge = new FakeBridge()
    const rights = { list: 'yes', read: 'yes', write: 'no', delete: 'no' } as const
    const reason = 'The keys may read here, but not write.'
    bridge.status = statusOf(
      mountRow({ readOnly: true, rights, reason, listedMs: Date.now() - 180_500 }),
    )
    open(bridge)
    const row = await screen.findByRole('listitem', { name: 'data' })
    for (const text of ['Read-only', reason, 'listed 3 min ago']) within(row).getByText(text)
  })

  test('refreshes a folder from its menu', async () => {
    const bridge = new FakeBridge()
    bridge.status = statusOf(mountRow())
    open(bridge)
    fireEvent.click(await button('More for data'))
    fireEvent.click(await screen.findByRole('menuitem', { name: 'Refresh' }))
    const dir = '/home/ana/Pail/data'
    await expect.poll(() => bridge.inputsOf('folders/refresh')).toEqual([{ dir }])
    await screen.findByText('data was refreshed: 2 changes')
  })

  test('makes a folder one that sends, from its menu', async () => {
    const bridge = new FakeBridge()
    bridge.status = statusOf(mountRow())
    open(bridge)
    fireEvent.click(await button('More for data'))
    fireEvent.click(await screen.findByRole('menuitem', { name: 'Make it a send folder' }))
    await expect
      .poll(() => bridge.inputsOf('folders/set-role'))
      .toEqual([{ dir: '/home/ana/Pail/data', role: 'send', options: {} }])
  })

  test('keeps a mounted folder at hand when its keys are refused, and mounts it no second time', async () => {
    const bridge = new FakeBridge()
    const reason = 'Check the keys.'
    bridge.status = statusOf(mountRow({ state: 'needs-sign-in', isMounted: true, reason }))
    open(bridge)
    const row = await screen.findByRole('listitem', { name: 'data' })
    within(row).getByRole('button', { name: 'Open' })
    within(row).getByRole('button', { name: 'Unmount data' })
    fireEvent.click(within(row).getByRole('button', { name: 'Enter newer keys…' }))
    const dialog = await screen.findByRole('dialog', { name: 'Newer keys for Lab' })
    fireEvent.change(within(dialog).getByLabelText('Paste a credential'), {
      target: { value: 'AKNEW:SKNEW' },
    })
    fireEvent.click(within(dialog).getByRole('button', { name: 'Use these keys' }))
    await screen.findByText('Lab has its newer keys')
    expect(bridge.inputsOf('mounts/start')).toEqual([])
  })

  test('offers newer keys where the buckets cannot be listed for want of them', async () => {
    const bridge = new FakeBridge()
    bridge.failures.set('buckets/list', new PailError('auth/bad-key', 'SignatureDoesNotMatch'))
    open(bridge)
    fireEvent.click(await button('Buckets'))
    fireEvent.click(await button('Enter newer keys…'))
    await screen.findByRole('dialog', { name: 'Newer keys for Lab' })
  })

  test('takes newer keys where a folder needs them, and mounts it with them', async () => {
    const bridge = new FakeBridge()
    bridge.status = statusOf(mountRow({ state: 'needs-sign-in', reason: 'Check the keys.' }))
    open(bridge)
    fireEvent.click(await button('Enter newer keys…'))
    const dialog = await screen.findByRole('dialog', { name: 'Newer keys for Lab' })
    fireEvent.change(within(dialog).getByLabelText('Paste a credential'), {
      target: { value: 'AKNEW:SKNEW' },
    })
    fireEvent.click(within(dialog).getByRole('button', { name: 'Use these keys' }))
    await expect
      .poll(() => bridge.inputsOf('connections/renew'))
      .toMatchObject([{ accessKeyId: 'AKNEW', secretAccessKey: 'SKNEW' }])
    await expect.poll(() => bridge.inputsOf('mounts/start')).toMatchObject([{ bucket: 'data' }])
  })
})
