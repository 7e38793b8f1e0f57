import { describe, expect, test } from 'vitest'
import { ReadSessions } from '../../../engine/sync/read-session.ts'

const FILE = 7

describe('A descriptor goes on with a newer version', () => {
  test('when nobody has seen a byte of the older one', async () => {
    const sessions = new ReadSessions(FILE)
    const session = sessions.open(true)
    sessions.noteReplaced()
    await expect(sessions.read(session, async () => 1)).rejects.toThrow('vfs/stale')
    expect(sessions.restart(session)).toBe(true)
    expect(await sessions.read(session, async () => 1)).toBe(1)
  })

  test('but not after a read, beside pages kept elsewhere, or after another open', async () => {
    const sessions = new ReadSessions(FILE)
    const read = sessions.open(true)
    await sessions.read(read, async () => 1)
    expect(sessions.restart(read)).toBe(false)
    expect(sessions.restart(sessions.open(false))).toBe(false)
    const first = sessions.open(true)
    sessions.open(false)
    expect(sessions.restart(first)).toBe(false)
  })

  test('and a read of the older one that was under way is done again', async () => {
    const sessions = new ReadSessions(FILE)
    const session = sessions.open(true)
    let tries = 0
    const count = await sessions.read(session, async () => {
      tries++
      if (tries === 1) {
        sessions.noteReplaced()
        sessions.restart(session)
        throw new Error('of the older version')
      }
      return tries
    })
    expect(count).toBe(2)
  })
})
