import { fireEvent, screen, within } from '@testing-library/react'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PailError } from '../../../shared/errors.ts'
import type { ConflictView, QueueEntry, RecentView } from '../../../shared/sync-model.ts'
import { syncView } from '../../support/sync-view.ts'
import { FakeBridge, forgetWindow, open, prepareWindow } from './fake-main.tsx'
import { mountRow, statusOf, syncWith } from './rows.ts'

beforeEach(prepareWindow)
afterEach(forgetWindow)

const DIR = '/home/ana/Pail/data'
const WAITING: QueueEntry = {
  seq: 1,
  bucket: 'data',
  path: 'runs/scan.raw',
  op: 'put',
  direction: 'up',
  state: 'waiting',
  sizeBytes: 3.1e6,
  doneBytes: 0,
  bytesPerSecond: 0,
  attempts: 2,
  reason: 'There is no connection to the bucket.',
  nextTry: { when: 'online' },
}
const CONFLICT: ConflictView = {
  id: 7,
  bucket: 'data',
  atMs: 0,
  theirs: { path: 'a.csv', sizeBytes: 2e6, modifiedMs: 0, etag: '"9f86d0"' },
  ours: {
    path: 'a (conflict lab 2026-11-21 1305).csv',
    sizeBytes: 3e6,
    modifiedMs: 0,
    host: 'lab',
    isUploaded: false,
  },
}

async function openActivity(bridge: FakeBridge): Promise<void> {
  open(bridge)
  fireEvent.click(await screen.findByRole('button', { name: /^Activity/ }))
}

const tab = async (name: RegExp) => fireEvent.click(await screen.findByRole('tab', { name }))

describe('the activity', () => {
  test('shows what waits with its reason, and tries it again at a click', async () => {
    const bridge = new FakeBridge()
    bridge.status = statusOf(mountRow({ pendingFiles: 1, pendingBytes: 3.1e6 }))
    bridge.queue = [WAITING]
    await openActivity(bridge)
    const row = await screen.findByRole('listitem', { name: 'scan.raw' })
    within(row).getByText(
      'There is no connection to the bucket. Goes on when the network is back. (tried 2 times before)',
    )
    within(row).getByText('data/runs')
    within(row).getByText('3.1 MB')
    fireEvent.click(within(row).getByRole('button', { name: 'Try scan.raw again now' }))
    const path = `${DIR}/runs/scan.raw`
    await expect.poll(() => bridge.inputsOf('uploads/retry')).toEqual([{ seq: 1 }])
    fireEvent.click(within(row).getByRole('button', { name: 'Show scan.raw in its folder' }))
    await expect.poll(() => bridge.inputsOf('folders/reveal')).toEqual([{ path }])
  })

  test('shows how far an upload is', async () => {
    const bridge = new FakeBridge()
    bridge.status = statusOf(mountRow({ pendingFiles: 1, pendingBytes: 100e6 }))
    const running = { state: 'running' as const, sizeBytes: 100e6, doneBytes: 31e6 }
    bridge.queue = [{ ...WAITING, ...running, bytesPerSecond: 4.2e6, attempts: 0 }]
    await openActivity(bridge)
    const row = await screen.findByRole('listitem', { name: 'scan.raw' })
    within(row).getByText('31 % · 4.2 MB/s · 17 s left')
    within(row).getByRole('progressbar', { name: 'scan.raw: 31 %' })
    expect(within(row).queryByRole('button', { name: /again/ })).toBeNull()
  })

  test('draws only the rows in sight of a long queue', async () => {
    const bridge = new FakeBridge()
    bridge.status = statusOf(mountRow())
    bridge.queue = Array.from({ length: 500 }, (_, seq) => ({
      ...WAITING,
      seq,
      path: `file-${seq}`,
    }))
    await openActivity(bridge)
    await screen.findByRole('listitem', { name: 'file-0' })
    const rows = within(screen.getByRole('list', { name: 'Queue' })).getAllByRole('listitem')
    expect(rows.length).toBeLessThan(60)
  })

  test('says so when a list is empty, when it cannot be read, and while the engine is away', async () => {
    const bridge = new FakeBridge()
    bridge.status = statusOf(mountRow())
    bridge.failures.set('recent/list', new PailError('engine/stopped', 'gone'))
    await openActivity(bridge)
    await screen.findByText('Nothing is waiting')
    await tab(/Needs attention/)
    await screen.findByText('Nothing needs you')
    await tab(/Conflicts/)
    await screen.findByText('No conflicts')
    await tab(/Recent/)
    await screen.findByText('This list could not be read')
    const engine = { state: 'restarting' as const, isShared: false, reason: 'It was killed.' }
    bridge.tell({ engine, mounts: [] })
    await screen.findByText('The engine starts')
    within(screen.getByRole('main')).getByText('It was killed.')
  })

  test('opens with what needs a person: cause, remedy, and what the server said', async () => {
    const bridge = new FakeBridge()
    const error = { path: 'a', code: 'auth/denied' as const, sentence: 'Denied.', atMs: 5 }
    bridge.status = statusOf(mountRow({ errors: [error] }))
    const entry = { seq: 1, bucket: 'data', path: 'a.csv', atMs: 0, attempts: 1, detail: 'no' }
    const told = { ...entry, serverCode: 'AccessDenied', requestId: '17C4', httpStatus: 403 }
    const sentence = 'Check the access key.'
    bridge.attention = [{ cause: 'auth/denied', sentence, total: 7, entries: [told] }]
    await openActivity(bridge)
    const card = await screen.findByRole('region', { name: sentence })
    for (const text of ['7 files · auth/denied', 'data/a.csv', 'and 6 more']) {
      within(card).getByText(text)
    }
    within(card).getByText('AccessDenied · HTTP 403 · request 17C4')
    fireEvent.click(within(card).getByRole('button', { name: 'Try a.csv again now' }))
    await expect.poll(() => bridge.inputsOf('uploads/retry')).toEqual([{ seq: 1 }])
    fireEvent.click(within(card).getByRole('button', { name: 'Try all of these again' }))
    await expect.poll(() => bridge.inputsOf('uploads/retry')[1]).toEqual({ cause: 'auth/denied' })
    fireEvent.click(within(card).getByRole('button', { name: 'Enter newer keys…' }))
    await screen.findByRole('dialog', { name: 'Newer keys for Lab' })
  })

  test('restores an archived file that a change waits for, where it is now', async () => {
    const bridge = new FakeBridge()
    const error = { path: 'a', code: 's3/archived' as const, sentence: 'Archived.', atMs: 5 }
    const restoring = { state: 'restoring' as const, askedMs: 1, sentence: 'Ready in 12 h.' }
    bridge.status = {
      ...statusOf(mountRow({ errors: [error] })),
      restores: [{ path: `${DIR}/thaw.bin`, ...restoring }],
    }
    const entry = { bucket: 'data', atMs: 0, attempts: 1, detail: 'InvalidObjectState' }
    const entries = [
      { ...entry, seq: 1, path: 'before/cold.bin', pathNow: 'after/cold.bin' },
      { ...entry, seq: 2, path: 'thaw.bin' },
    ]
    bridge.attention = [{ cause: 's3/archived', sentence: 'Restore it.', total: 2, entries }]
    await openActivity(bridge)
    const card = await screen.findByRole('region', { name: 'Restore it.' })
    within(card).getByText('Ready in 12 h.')
    expect(within(card).getAllByRole('button', { name: /^Restore/ })).toHaveLength(1)
    fireEvent.click(within(card).getByRole('button', { name: 'Restore cold.bin' }))
    const path = `${DIR}/after/cold.bin`
    await expect.poll(() => bridge.inputsOf('archive/restore')).toEqual([{ paths: [path] }])
    fireEvent.click(within(card).getByRole('button', { name: 'Show cold.bin in its folder' }))
    await expect.poll(() => bridge.inputsOf('folders/reveal')).toEqual([{ path }])
  })

  test('asks the server again for a mounted folder whose keys were refused', async () => {
    const bridge = new FakeBridge()
    bridge.status = statusOf(mountRow({ state: 'needs-sign-in', isMounted: true }))
    await openActivity(bridge)
    const card = await screen.findByRole('region', { name: 'data: Needs sign-in' })
    fireEvent.click(within(card).getByRole('button', { name: 'Try again' }))
    await expect.poll(() => bridge.inputsOf('uploads/retry')).toEqual([{ path: DIR }])
    expect(bridge.inputsOf('mounts/start')).toEqual([])
  })

  test('brings back files that were removed in great number at one click', async () => {
    const bridge = new FakeBridge()
    const examples = ['runs/a.h5', 'runs/b.h5']
    const held = { count: 1204, sinceMs: Date.now(), examples }
    bridge.status = statusOf(mountRow({ heldDeletes: held }))
    const entry = { seq: 1, bucket: 'data', path: 'runs/a.h5', atMs: 0, attempts: 1, detail: '' }
    const cause = 'mount/deletes-held' as const
    bridge.attention = [{ cause, sentence: 'Answer.', total: 1204, entries: [entry] }]
    await openActivity(bridge)
    const name = 'data: 1,204 removed files are still in the bucket'
    const card = await screen.findByRole('region', { name })
    within(card).getByText('runs/a.h5, runs/b.h5 and 1,202 more')
    within(card).getByText(/Until you answer nothing is lost/)
    // One question, asked once.
    expect(screen.queryByRole('region', { name: 'Answer.' })).toBeNull()
    fireEvent.click(within(card).getByRole('button', { name: 'Bring them back' }))
    await expect
      .poll(() => bridge.inputsOf('deletes/answer'))
      .toEqual([{ dir: DIR, answer: 'undo' }])
  })

  test('deletes them in the bucket only after another question, whose default is no', async () => {
    const bridge = new FakeBridge()
    bridge.status = statusOf(mountRow({ heldDeletes: { count: 1204, sinceMs: Date.now() } }))
    await openActivity(bridge)
    fireEvent.click(await screen.findByRole('button', { name: 'Delete in the bucket…' }))
    const dialog = await screen.findByRole('dialog', { name: 'Delete 1,204 files in the bucket?' })
    await expect.poll(() => document.activeElement?.textContent).toBe('Cancel')
    expect(bridge.inputsOf('deletes/answer')).toEqual([])
    fireEvent.click(within(dialog).getByRole('button', { name: 'Delete 1,204 files' }))
    await expect
      .poll(() => bridge.inputsOf('deletes/answer'))
      .toEqual([{ dir: DIR, answer: 'allow' }])
  })

  test.each(['mine', 'theirs', 'both'])(
    'resolves a conflict by keeping %s, as it was shown',
    async (keep) => {
      const bridge = new FakeBridge()
      const sync = syncWith({ counts: { ...syncView().counts, conflicts: 1 } })
      bridge.status = { ...statusOf(mountRow()), sync }
      bridge.conflicts = [CONFLICT]
      await openActivity(bridge)
      const card = await screen.findByRole('listitem', { name: 'a.csv' })
      for (const text of ['2.0 MB', '3.0 MB', '9f86d0', 'none yet']) within(card).getByText(text)
      within(card).getByText('Mine, from lab, not yet in the bucket')
      fireEvent.click(within(card).getByRole('button', { name: `Keep ${keep}` }))
      await expect
        .poll(() => bridge.inputsOf('conflicts/resolve'))
        .toEqual([{ id: 7, keep, theirsEtag: '"9f86d0"' }])
    },
  )

  test('filters what happened lately', async () => {
    const bridge = new FakeBridge()
    bridge.status = statusOf(mountRow())
    const base = { atMs: 0, kind: 'uploaded', bucket: 'data', path: 'a', count: 1, sizeBytes: 5 }
    const events: RecentView[] = [
      { ...base, id: 2, origin: 'remote', sentence: 'b.csv came into the bucket.' },
      { ...base, id: 1, origin: 'local', sentence: 'a.csv is in the bucket.' },
    ]
    bridge.recent = events
    await openActivity(bridge)
    await tab(/Recent/)
    await screen.findByText('b.csv came into the bucket.')
    fireEvent.change(screen.getByLabelText('Filter recent events'), { target: { value: 'a.csv' } })
    expect(screen.queryByText('b.csv came into the bucket.')).toBeNull()
    screen.getByText('a.csv is in the bucket.')
    fireEvent.click(screen.getByLabelText('Others'))
    await screen.findByText('No event is like this.')
  })
})

describe('the foot of the sidebar', () => {
  test('pauses and resumes uploads at a switch of its own', async () => {
    const bridge = new FakeBridge()
    bridge.status = statusOf(mountRow())
    open(bridge)
    await screen.findByRole('listitem', { name: 'data' })
    fireEvent.click(screen.getByRole('switch', { name: 'Pause uploads' }))
    await expect.poll(() => bridge.inputsOf('uploads/pause')).toEqual([{}])
    bridge.tell({ ...statusOf(mountRow()), sync: syncWith({ isPaused: true }) })
    await within(screen.getByTestId('verdict')).findByText('Uploads are paused')
    expect(screen.getByRole('switch', { name: 'Work offline' })).toHaveProperty('checked', false)
    fireEvent.click(screen.getByRole('switch', { name: 'Pause uploads' }))
    await expect.poll(() => bridge.inputsOf('uploads/resume')).toEqual([{}])
  })
})
