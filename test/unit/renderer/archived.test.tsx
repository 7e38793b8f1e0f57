import { fireEvent, screen, within } from '@testing-library/react'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FakeBridge, forgetWindow, open, prepareWindow } from './fake-main.tsx'
import { mountRow, statusOf } from './rows.ts'

beforeEach(prepareWindow)
afterEach(forgetWindow)

const DIR = '/home/ana/Pail/data'
const SENTENCE = 'It is archived. Restore it to read it: that takes up to 12 h.'

describe('archived files', () => {
  test('that a program wanted are named with how long it takes, and restored by a click', async () => {
    const bridge = new FakeBridge()
    bridge.status = {
      ...statusOf(mountRow()),
      unavailable: [
        { path: `${DIR}/cold.bin`, atMs: 1, why: 'archived', sentence: SENTENCE },
        { path: `${DIR}/far.bin`, atMs: 1, why: 'network' },
      ],
      restores: [
        { path: `${DIR}/thaw.bin`, state: 'restoring', askedMs: 1, sentence: 'On its way.' },
      ],
    }
    open(bridge)
    fireEvent.click(await screen.findByRole('button', { name: /^Offline/ }))
    const archived = await screen.findByRole('region', { name: 'Archived' })
    within(archived).getByText(SENTENCE)
    within(archived).getByText('On its way.')
    expect(within(archived).queryByText(`${DIR}/far.bin`)).toBeNull()
    const missed = screen.getByRole('region', { name: 'Wanted, and not here' })
    expect(within(missed).queryByText(`${DIR}/cold.bin`)).toBeNull()
    const restores = within(archived).getAllByRole('button', { name: 'Restore' })
    expect(restores).toHaveLength(1)
    for (const restore of restores) fireEvent.click(restore)
    await expect
      .poll(() => bridge.inputsOf('archive/restore'))
      .toEqual([{ paths: [`${DIR}/cold.bin`] }])
    await screen.findByText('cold.bin is being restored: up to 12 h')
  })
})

describe('a Git repository in a folder', () => {
  const hint = { hint: 'git' as const, path: `${DIR}/repo`, sentence: 'It is a Git repository.' }

  test('is told of in the row of the folder, where it can be kept or dismissed', async () => {
    const bridge = new FakeBridge()
    bridge.status = statusOf(mountRow({ hints: [hint] }))
    open(bridge)
    const note = await screen.findByRole('note')
    within(note).getByText(/It is a Git repository/)
    fireEvent.click(within(note).getByRole('button', { name: 'Keep offline' }))
    await expect
      .poll(() => bridge.inputsOf('pins/set'))
      .toEqual([{ path: `${DIR}/repo`, mode: 'pinned' }])
    fireEvent.click(within(note).getByRole('button', { name: 'Dismiss' }))
    await expect.poll(() => bridge.inputsOf('hints/dismiss')).toEqual([{ dir: DIR, hint: 'git' }])
  })
})
