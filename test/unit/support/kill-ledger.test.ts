import { describe, expect, test } from 'vitest'
import { KillLedger, type Verdict } from '../../support/kill-ledger.ts'

const failing = () => Promise.reject(new Error('the engine is gone'))
const working = () => Promise.resolve()

async function ledgerWith(...contents: Array<string | undefined>): Promise<KillLedger> {
  const ledger = new KillLedger()
  for (const content of contents) await ledger.record('write', { f: content }, working)
  return ledger
}

describe('The ledger of promises', () => {
  test.each<[string, Array<string | undefined>, string | undefined, Verdict]>([
    ['the promised content', ['old', 'new'], 'new', 'fine'],
    ['a removed file that is absent', ['old', undefined], undefined, 'fine'],
    ['a file that is gone', ['old'], undefined, 'lost'],
    ['an older content', ['old', 'new'], 'old', 'corrupt'],
    ['a removed file that is back', ['old', undefined], 'old', 'resurrected'],
  ])('judges %s', async (_, contents, seen, verdict) => {
    expect((await ledgerWith(...contents)).judge('f', seen)).toBe(verdict)
  })

  test('lets an operation that was cut off have happened or not, and nothing in between', async () => {
    const after: Array<[string | undefined, Verdict]> = [
      ['old', 'fine'],
      ['new', 'fine'],
      ['half', 'torn'],
      [undefined, 'lost'],
    ]
    for (const [seen, verdict] of after) {
      const ledger = await ledgerWith('old')
      await expect(ledger.record('write', { f: 'new' }, failing)).rejects.toThrow('gone')
      expect(ledger.judge('f', seen), `seen ${seen}`).toBe(verdict)
      expect(ledger.judge('f', seen), 'is believed from there on').toBe('fine')
    }
  })

  test('counts what was acknowledged and nothing else', async () => {
    const ledger = await ledgerWith('a', 'b')
    await expect(ledger.record('write', { g: 'c' }, failing)).rejects.toThrow('gone')
    expect(ledger.acknowledged).toBe(2)
    expect(ledger.present('')).toEqual(['f'])
  })
})
