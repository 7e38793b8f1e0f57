import { fireEvent, screen, within } from '@testing-library/react'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bucketRows } from '../../../renderer/view/bucket-rows.ts'
import { abortSentence, ageWords, foundWords } from '../../../renderer/view/foreign-uploads.ts'
import { PailError } from '../../../shared/errors.ts'
import { FakeBridge, forgetWindow, open, prepareWindow } from './fake-main.tsx'
import { CONNECTION_ID, mountRow, statusOf } from './rows.ts'

beforeEach(prepareWindow)
afterEach(forgetWindow)

const DIR = '/home/ana/Pail/data'
const DAY_MS = 24 * 3_600_000
const upload = (key: string, days: number, sizeBytes: number) => ({
  key,
  uploadId: `id of ${key}`,
  startedMs: Date.now() - days * DAY_MS,
  sizeBytes,
})

async function openDialog(bridge: FakeBridge): Promise<HTMLElement> {
  bridge.status = statusOf(mountRow())
  open(bridge)
  fireEvent.click(await screen.findByRole('button', { name: 'More for data' }))
  fireEvent.click(await screen.findByRole('menuitem', { name: 'Unfinished uploads…' }))
  return screen.findByRole('dialog', { name: 'Unfinished uploads in data' })
}

describe('uploads that others never ended', () => {
  test('are shown with age and size, and nothing is chosen at first', async () => {
    const bridge = new FakeBridge()
    bridge.foreign = [upload('scans/old.h5', 33, 4.2e9), upload('today.bin', 0, 0)]
    const dialog = await openDialog(bridge)
    await within(dialog).findByText('2 uploads, 4.2 GB')
    for (const text of ['scans/old.h5', '33 days ago', '4.2 GB', 'just now', '0 bytes']) {
      within(dialog).getByText(text)
    }
    expect(within(dialog).getByRole('button', { name: 'Abort chosen…' })).toHaveProperty(
      'disabled',
      true,
    )
  })

  test('are aborted by name, after a question', async () => {
    const bridge = new FakeBridge()
    bridge.foreign = [upload('scans/old.h5', 33, 4.2e9), upload('today.bin', 0, 0)]
    const dialog = await openDialog(bridge)
    const older = await within(dialog).findByRole('button', { name: /older than a week/ })
    fireEvent.click(older)
    fireEvent.click(within(dialog).getByRole('button', { name: 'Abort chosen…' }))
    within(dialog).getByText(/What was sent of it, 4.2 GB, is deleted in the bucket/)
    expect(bridge.inputsOf('uploads/abort')).toEqual([])
    fireEvent.click(within(dialog).getByRole('button', { name: 'Abort 1 upload' }))
    await expect
      .poll(() => bridge.inputsOf('uploads/abort'))
      .toEqual([{ dir: DIR, ids: ['id of scans/old.h5'] }])
    await screen.findByText('1 upload aborted')
    await expect.poll(() => bridge.inputsOf('uploads/foreign').length).toBe(2)
  })

  test('are none, or cannot be asked for: both are said', async () => {
    const dialog = await openDialog(new FakeBridge())
    await within(dialog).findByText('No upload of others is open here.')
    forgetWindow()
    const refused = new FakeBridge()
    refused.failures.set('uploads/foreign', new PailError('auth/denied', 'AccessDenied'))
    await within(await openDialog(refused)).findByText('The bucket could not be asked')
  })

  test('are counted in words', () => {
    const uploads = [upload('a', 1, 1e9), upload('b', 1, 2e9)]
    expect(foundWords({ uploads, count: 1204 })).toBe(
      '1,204 uploads; the oldest 2, 3.0 GB, are shown',
    )
    expect(abortSentence(uploads)).toMatch(/^What was sent of them, 3.0 GB, is deleted/)
    expect(ageWords(upload('a', 400, 0), Date.now())).toBe('400 days ago')
  })

  test('are asked for through the mounted folder that shows most of the bucket', () => {
    const mounts = [
      mountRow({ dir: '/a', prefix: 'runs/' }),
      mountRow({ dir: '/b' }),
      mountRow({ dir: '/c', state: 'stopped' }),
    ]
    const rowsOf = (shown: typeof mounts) =>
      bucketRows({ buckets: [{ name: 'data' }], mounts: shown, connectionId: CONNECTION_ID })
    expect(rowsOf(mounts)[0]).toMatchObject({ mountedAt: ['/a', '/b'], widestDir: '/b' })
    expect(rowsOf(mounts.slice(2))[0]).not.toHaveProperty('widestDir')
  })
})
