import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../../engine/base/clock.ts'
import { FetchBudget, type FetchKind } from '../../../engine/sync/fetcher-budget.ts'
import { settle } from '../../support/fake-clock.ts'

const never = new AbortController().signal

/** Enters and notes the order in which room was given. */
async function enter(budget: FetchBudget, order: string[], kind: FetchKind, bytes: number) {
  const leave = await budget.enter(kind, bytes, never)
  order.push(kind)
  return leave
}

describe('FetchBudget', () => {
  test('what a program waits for goes before read-ahead and prefetch', async () => {
    const budget = new FetchBudget(100)
    const order: string[] = []
    const leave = await budget.enter('demand', 100, never)
    const waiting = (['prefetch', 'ahead', 'demand'] as const).map((kind) =>
      enter(budget, order, kind, 20),
    )
    await settle()
    expect(order).toEqual([])
    leave()
    leave()
    for (const each of await Promise.all(waiting)) each()
    expect(order).toEqual(['demand', 'ahead', 'prefetch'])
    expect(budget.bytes).toBe(0)
  })

  test('read-ahead and prefetch leave room for what a program waits for', async () => {
    const budget = new FetchBudget(100)
    const order: string[] = []
    for (let i = 0; i < 10; i++) void enter(budget, order, 'prefetch', 25)
    for (let i = 0; i < 10; i++) void enter(budget, order, 'ahead', 25)
    await settle()
    expect(budget.bytes).toBe(100)
    expect(order.filter((kind) => kind === 'prefetch')).toHaveLength(1)
  })

  test('a fetch larger than the budget goes alone', async () => {
    const budget = new FetchBudget(100)
    const leave = await budget.enter('demand', 500, never)
    const order: string[] = []
    const next = enter(budget, order, 'demand', 1)
    await settle()
    expect(order).toEqual([])
    leave()
    ;(await next)()
  })

  test('never gives more than it has, whatever comes, goes and gives up', async () => {
    for (const seed of [1, 2, 3]) {
      const random = new SeededRandom(seed)
      const budget = new FetchBudget(100)
      const leaves: Array<() => void> = []
      const aborts: AbortController[] = []
      for (let i = 0; i < 500; i++) {
        const kind = (['demand', 'ahead', 'prefetch'] as const)[Math.floor(random.next() * 3)]
        const abort = new AbortController()
        aborts.push(abort)
        budget.enter(kind ?? 'demand', 1 + Math.floor(random.next() * 40), abort.signal).then(
          (leave) => leaves.push(leave),
          () => {},
        )
        if (random.next() < 0.3) aborts[Math.floor(random.next() * aborts.length)]?.abort()
        await settle()
        expect(budget.bytes, `seed ${seed}`).toBeLessThanOrEqual(100)
        if (random.next() < 0.6) leaves.shift()?.()
      }
      for (const abort of aborts) abort.abort()
      await settle()
      while (leaves.length > 0) {
        leaves.shift()?.()
        await settle()
      }
      expect(budget.bytes, `seed ${seed}`).toBe(0)
    }
  })
})
