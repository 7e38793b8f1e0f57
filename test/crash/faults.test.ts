/**
 * Goal: a full or broken disk costs a program an error at the most, never a byte that was
 *       acknowledged, and everything works again when the disk does.
 * Method: a fixed history with the N-th call failing, for every N; for the database its N-th
 *         change, and a limit on its pages (SQLite's own way of testing).
 */
import { describe, expect, test } from 'vitest'
import type { DiskCall, DiskErrno } from '../support/memory-disk.ts'
import { FILLING, runFaulty } from './fault-run.ts'
import type { Simulation } from './simulation.ts'

const READS: readonly DiskCall[] = ['read', 'open', 'list', 'space']
const READS_MAX = 40
const PAGES_MAX = 8
const FAILURES_SHOWN = 10
const DATABASE_PAGES = 1_000_000

type Case = {
  readonly name: string
  readonly breakIt: (simulation: Simulation) => void
  readonly heal: (simulation: Simulation) => void
}

/** @returns what went wrong; that nothing failed for any program would be wrong, too */
async function failuresOf(cases: readonly Case[], steps?: typeof FILLING): Promise<string[]> {
  const failures: string[] = []
  let told = 0
  for (const { name, breakIt, heal } of cases) {
    if (failures.length >= FAILURES_SHOWN) break
    try {
      const answers = await runFaulty(breakIt, heal, steps)
      told += answers.filter((answer) => answer !== 'ok').length
    } catch (thrown) {
      failures.push(`${name}: ${thrown instanceof Error ? thrown.stack : thrown}`)
    }
  }
  if (told === 0) failures.push('no fault reached a program')
  return failures
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1)
}

const heal = ({ engine }: Simulation) => engine.disk.healed()

/** Calls of one kind that the history makes when nothing fails. */
async function countOf(count: (simulation: Simulation) => () => number): Promise<number> {
  let total: () => number = () => 0
  await runFaulty(
    (simulation) => {
      total = count(simulation)
    },
    () => {
      const found = total()
      total = () => found
    },
  )
  return total()
}

/** The N-th change of the database fails, as with a full disk. */
function failChange(nth: number, isLasting: boolean): Omit<Case, 'name'> {
  let isHealed = false
  return {
    breakIt: ({ engine }) => {
      const { database } = engine.stores
      const run = database.run.bind(database)
      let count = 0
      database.run = (sql, ...values) => {
        count++
        const isHit = count === nth || (isLasting && count > nth)
        if (isHit && !isHealed) throw new Error('database or disk is full')
        return run(sql, ...values)
      }
    },
    heal: () => {
      isHealed = true
    },
  }
}

describe('A disk', () => {
  for (const errno of ['ENOSPC', 'EIO'] as const satisfies readonly DiskErrno[]) {
    test(`that fails once with ${errno}, at any change, costs nothing that was acknowledged`, async () => {
      const steps = await countOf(({ engine }) => {
        const before = engine.disk.stepCount
        return () => engine.disk.stepCount - before
      })
      expect(steps).toBeGreaterThan(20)
      const cases = numbers(steps).map((at) => ({
        name: `change ${at} of ${steps}`,
        breakIt: ({ engine }: Simulation) => engine.disk.fail({ at, errno }),
        heal,
      }))
      expect(await failuresOf(cases)).toEqual([])
    })

    test(`that keeps failing with ${errno} costs nothing that was acknowledged before`, async () => {
      const cases = numbers(12).map((at) => ({
        name: `from change ${at * 3} on`,
        breakIt: ({ engine }: Simulation) =>
          engine.disk.fail({ at: at * 3, errno, isLasting: true }),
        heal,
      }))
      expect(await failuresOf(cases)).toEqual([])
    })
  }

  test('that cannot be read once never answers with other bytes', async () => {
    const cases = numbers(READS_MAX).map((at) => ({
      name: `read ${at}`,
      breakIt: ({ engine }: Simulation) => engine.disk.fail({ at, errno: 'EIO', calls: READS }),
      heal,
    }))
    expect(await failuresOf(cases)).toEqual([])
  })
})

describe('A database', () => {
  test('that fails once, at any change, costs nothing that was acknowledged', async () => {
    const changes = await countOf(({ engine }) => {
      const { database } = engine.stores
      const run = database.run.bind(database)
      let count = 0
      database.run = (sql, ...values) => {
        count++
        return run(sql, ...values)
      }
      return () => count
    })
    expect(changes).toBeGreaterThan(50)
    const cases = numbers(changes).map((nth) => ({
      name: `change ${nth} of ${changes}`,
      ...failChange(nth, false),
    }))
    expect(await failuresOf(cases)).toEqual([])
  })

  test('that keeps failing costs nothing that was acknowledged before', async () => {
    const cases = numbers(12).map((nth) => ({
      name: `from change ${nth * 10} on`,
      ...failChange(nth * 10, true),
    }))
    expect(await failuresOf(cases)).toEqual([])
  })

  test('that finds no page more on the disk costs nothing that was acknowledged', async () => {
    const cases = numbers(PAGES_MAX).map((pages) => ({
      name: `${pages - 1} pages left`,
      breakIt: ({ engine }: Simulation) => {
        const { database } = engine.stores
        const now = Number(database.get('PRAGMA page_count')?.page_count)
        database.get(`PRAGMA max_page_count = ${now + pages - 1}`)
      },
      heal: ({ engine }: Simulation) => {
        engine.stores.database.get(`PRAGMA max_page_count = ${DATABASE_PAGES}`)
      },
    }))
    expect(await failuresOf(cases, FILLING)).toEqual([])
  })
})
