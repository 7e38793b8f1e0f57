import { fireEvent, screen, within } from '@testing-library/react'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isDefaultList, junkSentence, patternFault } from '../../../renderer/view/junk.ts'
import { budgetFault, budgetPercent, paceSentence } from '../../../renderer/view/requests.ts'
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

describe('the requests of a connection', () => {
  test('are shown beside their budget, with how often it looks by itself and why', async () => {
    await openSettings(new FakeBridge())
    const row = await screen.findByTestId('connection')
    await within(row).findByText('214 of 2,000 list requests this month, 14 today')
    within(row).getByText(
      'One folder is looked at every 10 s, because a program or a window is in it.',
    )
    within(row).getByRole('progressbar', { name: 'Request budget of Lab' })
  })

  test('have a budget that is changed in a dialog, which counts every class', async () => {
    const bridge = new FakeBridge()
    await openSettings(bridge)
    fireEvent.click(await screen.findByRole('button', { name: 'Request budget of Lab' }))
    const dialog = await screen.findByRole('dialog', { name: 'Requests of Lab' })
    for (const text of ['214', '1,204', '40']) within(dialog).getByText(text)
    const field = within(dialog).getByLabelText('List requests a month')
    fireEvent.change(field, { target: { value: '' } })
    within(dialog).getByText('Type a whole number.')
    fireEvent.change(field, { target: { value: '50,000' } })
    fireEvent.click(within(dialog).getByRole('button', { name: 'Set the budget' }))
    await expect
      .poll(() => bridge.inputsOf('connections/set-budget'))
      .toMatchObject([{ listsPerMonth: 50_000 }])
    await screen.findByText('Lab has 50,000 list requests a month')
  })

  test('say why they are as frequent as they are, or why there are none', () => {
    const { requests } = new FakeBridge()
    const facts = { isMounted: true, isWorkingOffline: false }
    const said = (watching: Partial<NonNullable<typeof requests.watching>>, polling = 'normal') =>
      paceSentence(
        {
          ...requests,
          polling: polling === 'credit' ? 'credit' : 'normal',
          watching: { folders: 1, everyMs: 10_000, why: 'in-use', pages: 1, ...watching },
        },
        facts,
      )
    expect(said({ folders: 4, everyMs: 5_000, why: 'changing' })).toBe(
      '4 folders are looked at, one of them every 5 s, because something in it changed a moment ago.',
    )
    expect(said({ everyMs: 60_000, why: 'saving', pages: 3 })).toBe(
      'One folder is looked at every minute (3 requests for one look), because more was asked than the budget brings.',
    )
    expect(said({}, 'credit')).toMatch(/Folders that are not in use wait/)
    expect(said({ why: 'left', everyMs: 90_000 })).toMatch(/every 2 min, because it was used/)
    const { watching: _, ...idle } = requests
    expect(paceSentence(idle, facts)).toMatch(/^No folder is in use/)
    expect(paceSentence(requests, { ...facts, isMounted: false })).toMatch(
      /^Nothing of it is mount/,
    )
    expect(paceSentence(requests, { ...facts, isWorkingOffline: true })).toMatch(
      /^You work offline/,
    )
  })

  test('have a budget that is a whole number, and a bar that ends at all of it', () => {
    const { requests } = new FakeBridge()
    expect(['', 1.5, -1, 100_000_001].map(budgetFault)).not.toContain(undefined)
    expect([0, 2_000, 100_000_000].map(budgetFault)).toEqual([undefined, undefined, undefined])
    expect(budgetPercent({ ...requests, listsPerMonth: 0 })).toBe(100)
    expect(budgetPercent({ ...requests, listsPerMonth: 428 })).toBe(50)
  })
})

describe('an endpoint without encryption', () => {
  test('has a mark with its meaning in the list of connections and on its folders', async () => {
    const bridge = new FakeBridge()
    const endpointUrl = 'http://storage.example.org'
    bridge.connections = [{ ...(bridge.connections[0] as object), endpointUrl }]
    bridge.status = statusOf(mountRow({ endpointUrl }))
    open(bridge)
    const folder = await screen.findByRole('listitem', { name: 'data' })
    const mark = within(folder).getByRole('button', { name: 'Unprotected' })
    expect(mark.getAttribute('aria-description')).toMatch(/others on the way can read your files/)
    fireEvent.click(screen.getByRole('button', { name: 'Settings' }))
    within(await screen.findByTestId('connection')).getByRole('button', { name: 'Unprotected' })
    fireEvent.click(screen.getByRole('button', { name: 'Buckets' }))
    await screen.findByRole('table', { name: 'Buckets' })
    screen.getByRole('button', { name: 'Unprotected' })
  })

  test('has none when it is on this computer, or encrypted', async () => {
    const bridge = new FakeBridge()
    bridge.status = statusOf(mountRow({ endpointUrl: 'http://127.0.0.1:9000' }))
    open(bridge)
    await screen.findByRole('listitem', { name: 'data' })
    expect(screen.queryByRole('button', { name: 'Unprotected' })).toBeNull()
    fireEvent.click(screen.getByRole('button', { name: 'Buckets' }))
    await screen.findByRole('table', { name: 'Buckets' })
    expect(screen.queryByRole('button', { name: 'Unprotected' })).toBeNull()
  })
})
