import { fireEvent, screen, within } from '@testing-library/react'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isDefaultList, junkSentence, patternFault } from '../../../renderer/view/junk.ts'
import { PailError } from '../../../shared/errors.ts'
import { PATTERNS_MAX } from '../../../shared/junk.ts'
import { FakeBridge, forgetWindow, open, prepareWindow } from './fake-main.tsx'
import { mountRow, statusOf } from './rows.ts'

beforeEach(prepareWindow)
afterEach(forgetWindow)

async function openSettings(bridge: FakeBridge): Promise<void> {
  bridge.status = statusOf(mountRow())
  open(bridge)
  fireEvent.click(await screen.findByRole('button', { name: 'Settings' }))
}

describe('names that are never uploaded', () => {
  test('are shown with what happens to such files and how many there are', async () => {
    await openSettings(new FakeBridge())
    const section = await screen.findByRole('region', { name: 'Never uploaded' })
    await within(section).findByText(/stay on this computer and are never uploaded\./)
    within(section).getByText(/3 items of such names are here now\./)
    const names = within(section).getByRole('list', { name: 'Names that are never uploaded' })
    expect(within(names).getAllByRole('listitem')).toHaveLength(2)
    expect(within(section).getByRole('button', { name: 'Reset the list' })).toHaveProperty(
      'disabled',
      true,
    )
  })

  test('are added, taken off, and reset to those that Pail comes with', async () => {
    const bridge = new FakeBridge()
    bridge.junk = { ...bridge.junk, patterns: ['.DS_Store', '*.tmp'] }
    await openSettings(bridge)
    fireEvent.change(await screen.findByLabelText('Add a name'), { target: { value: ' *.bak ' } })
    fireEvent.click(screen.getByRole('button', { name: 'Add' }))
    await expect
      .poll(() => bridge.inputsOf('junk/set'))
      .toEqual([{ patterns: ['.DS_Store', '*.tmp', '*.bak'] }])
    const remove = await screen.findByRole('button', { name: 'Take *.tmp off the list' })
    await expect.poll(() => remove.hasAttribute('disabled')).toBe(false)
    fireEvent.click(remove)
    await expect.poll(() => bridge.inputsOf('junk/set')[1]).toEqual({ patterns: ['.DS_Store'] })
    const reset = screen.getByRole('button', { name: 'Reset the list' })
    await expect.poll(() => reset.hasAttribute('disabled')).toBe(false)
    fireEvent.click(reset)
    await expect
      .poll(() => bridge.inputsOf('junk/set')[2])
      .toEqual({ patterns: ['.DS_Store', '._*'] })
  })

  test('say what is wrong with a name, and ask nothing of the engine', async () => {
    const bridge = new FakeBridge()
    await openSettings(bridge)
    fireEvent.change(await screen.findByLabelText('Add a name'), { target: { value: '*' } })
    fireEvent.click(screen.getByRole('button', { name: 'Add' }))
    await screen.findByText('A pattern needs a character that is no wildcard.')
    expect(bridge.inputsOf('junk/set')).toEqual([])
  })

  test('stay as they were when the engine refuses the change', async () => {
    const bridge = new FakeBridge()
    bridge.failures.set('junk/set', new PailError('engine/stopped', 'gone'))
    await openSettings(bridge)
    fireEvent.click(await screen.findByRole('button', { name: 'Take ._* off the list' }))
    await screen.findByText('The list was not changed')
    await screen.findByRole('button', { name: 'Take ._* off the list' })
  })

  test('have a fault for each way to be no name, and none for what is one', () => {
    expect(patternFault([], '')).toBe('Type a name.')
    expect(patternFault([], 'a/b')).toMatch(/without slashes/)
    expect(patternFault([], '**')).toMatch(/no wildcard/)
    expect(patternFault([], 'x'.repeat(256))).toMatch(/at most 255/)
    expect(patternFault(['thumbs.DB'], 'Thumbs.db')).toBe('It is on the list already.')
    const full = Array.from({ length: PATTERNS_MAX }, (_, at) => `n${at}`)
    expect(patternFault(full, 'one-more')).toBe('The list has room for 200 names.')
    expect(patternFault(['._*'], '*.tmp')).toBeUndefined()
  })

  test('are the list that Pail comes with in whatever order', () => {
    const view = { patterns: ['b', 'a'], defaults: ['a', 'b'], localItems: 0 }
    expect(isDefaultList(view)).toBe(true)
    expect(isDefaultList({ ...view, patterns: ['a'] })).toBe(false)
    expect(junkSentence({ ...view, patterns: [] })).toMatch(/every file is uploaded/)
  })
})
