/** The room that files take on this computer, as the window shows it. */
import { fireEvent, screen, within } from '@testing-library/react'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { diskSentence, limitFault, roomParts } from '../../../renderer/view/room.ts'
import { PailError } from '../../../shared/errors.ts'
import { FakeBridge, forgetWindow, open, prepareWindow } from './fake-main.tsx'
import { mountRow, statusOf } from './rows.ts'

beforeEach(prepareWindow)
afterEach(forgetWindow)

const { room } = new FakeBridge()

async function openOffline(bridge: FakeBridge): Promise<HTMLElement> {
  bridge.status = statusOf(mountRow())
  open(bridge)
  fireEvent.click(await screen.findByRole('button', { name: 'Offline' }))
  return screen.findByRole('region', { name: 'On this computer' })
}

describe('The room on this computer', () => {
  test('is shown as what waits, what is kept and what was fetched, against the limit', async () => {
    const section = await openOffline(new FakeBridge())
    await within(section).findByText('12 MB')
    within(section).getByText('1.2 GB')
    within(section).getByText('3.4 GB of at most 20 GB')
    within(section).getByText(/90 GB of this disk are free; what Pail fetches leaves 50 GB/)
  })

  test('is given back by a button, which says how much it was', async () => {
    const bridge = new FakeBridge()
    const section = await openOffline(bridge)
    const button = await within(section).findByRole('button', { name: 'Free up space' })
    bridge.room = { ...bridge.room, cachedBytes: 400_000_000 }
    fireEvent.click(button)
    await screen.findByText('3.0 GB given back')
    expect(bridge.inputsOf('cache/free')).toEqual([{}])
  })

  test('has a limit that is set in gigabytes, and refuses what is none', async () => {
    const bridge = new FakeBridge()
    const section = await openOffline(bridge)
    fireEvent.click(await within(section).findByRole('button', { name: 'Limit…' }))
    const field = await screen.findByLabelText('Limit in GB')
    fireEvent.change(field, { target: { value: '0.1' } })
    await screen.findByText('At least 0.2 GB.')
    fireEvent.change(field, { target: { value: '50' } })
    fireEvent.click(screen.getByRole('button', { name: 'Set the limit' }))
    await expect.poll(() => bridge.inputsOf('cache/set')).toEqual([{ limitBytes: 50_000_000_000 }])
    await screen.findByText('Fetched files take at most 50 GB')
  })

  test('says why it cannot be told', async () => {
    const bridge = new FakeBridge()
    bridge.failures.set('cache/get', new PailError('internal/bug', 'x', {}))
    const section = await openOffline(bridge)
    await within(section).findByText('What lies here could not be told')
  })
})

describe('The bar', () => {
  test('ends where fetched files reach their limit', () => {
    const full = { ...room, cachedBytes: 20e9, pinnedBytes: 20e9, pendingBytes: 0 }
    expect(roomParts(full).map(({ percent }) => percent)).toEqual([0, 50, 50])
  })

  test('shows whatever there is, however little', () => {
    const [pending] = roomParts({ ...room, pendingBytes: 1 })
    expect(pending?.percent).toBeGreaterThan(0.5)
  })

  test('is never longer than whole when a lowered limit is not met yet', () => {
    const over = { ...room, cachedBytes: 30e9, pinnedBytes: 0, pendingBytes: 0 }
    expect(roomParts(over).map(({ percent }) => percent)).toEqual([0, 0, 100])
  })
})

test('a disk that is nearly full is told', () => {
  const disk = { freeBytes: 40e9, totalBytes: 500e9, floorBytes: 50e9 }
  expect(diskSentence({ ...room, disk })).toContain('nothing more is fetched')
})

test.each([
  ['', 'Type a number of gigabytes.'],
  [0.1, 'At least 0.2 GB.'],
  [2_000_000, 'At most 1,000,000 GB.'],
  [0.2, undefined],
  [20, undefined],
])('a limit of %j', (typed, fault) => {
  expect(limitFault(typed)).toBe(fault)
})
