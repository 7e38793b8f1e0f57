import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Database } from '../../../engine/store/database.ts'
import {
  DEBT_MAX,
  freshBudget,
  LISTS_PER_MONTH_DEFAULT,
  pollingMode,
  refilled,
  spent,
  TOKENS_MAX,
} from '../../../engine/sync/request-budget.ts'
import { classOf, RequestLedgers } from '../../../engine/sync/request-ledger.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const DAY_MS = 24 * 3600_000
const ENDPOINT = 'https://s3.example.com'

function openLedger(clock: FakeClock, folder = temporaryFolder()) {
  const database = Database.open(join(folder, 'pail.db'), clock)
  const ledgers = new RequestLedgers(database, clock)
  const close = () => {
    ledgers.save()
    database.close()
  }
  return { folder, ledger: ledgers.of(ENDPOINT, 'key'), ledgers, close }
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pail-ledger-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

describe('The budget of LIST requests', () => {
  test('a month of polling stays within the free tier, however it is spread', () => {
    let budget = { ...freshBudget(LISTS_PER_MONTH_DEFAULT, 0), tokens: 0 }
    let polls = 0
    for (let atMs = 0; atMs <= 30 * DAY_MS; atMs += 600_000) {
      budget = refilled(budget, atMs)
      while (pollingMode(budget) === 'normal') {
        budget = spent(budget, 1)
        polls++
      }
    }
    expect(polls).toBeLessThanOrEqual(LISTS_PER_MONTH_DEFAULT)
    expect(polls).toBeGreaterThan(LISTS_PER_MONTH_DEFAULT * 0.99)
  })

  test('fifty minutes of looking are saved up, as much is given on credit, then it saves', () => {
    let budget = freshBudget(LISTS_PER_MONTH_DEFAULT, 0)
    expect(pollingMode(budget)).toBe('normal')
    budget = spent(budget, TOKENS_MAX)
    expect(pollingMode(budget)).toBe('credit')
    budget = spent(budget, DEBT_MAX * 10)
    expect(pollingMode(budget)).toBe('saving')
    expect(pollingMode(refilled(budget, DAY_MS))).toBe('credit')
  })

  test('a clock that jumps a day ahead and back neither empties nor overfills it', () => {
    const before = { ...freshBudget(LISTS_PER_MONTH_DEFAULT, 10 * DAY_MS), tokens: 10 }
    const ahead = refilled(before, 11 * DAY_MS)
    expect(ahead.tokens).toBeCloseTo(10 + LISTS_PER_MONTH_DEFAULT / 30)
    const back = refilled(ahead, 10 * DAY_MS)
    expect(back.tokens).toBe(ahead.tokens)
    expect(refilled(back, 400 * DAY_MS).tokens).toBe(TOKENS_MAX)
  })
})

describe('The ledger of requests', () => {
  test('classes are those that are billed', () => {
    expect(classOf('ListObjectsV2')).toBe('list')
    expect(classOf('GetObject')).toBe('read')
    expect(classOf('HeadObject')).toBe('read')
    expect(classOf('DeleteObjects')).toBe('delete')
    expect(['PutObject', 'UploadPart', 'CopyObject'].map(classOf)).toEqual(Array(3).fill('write'))
  })

  test('counts by day and month, over restarts, and a new day begins at nothing', () => {
    const clock = new FakeClock(Date.UTC(2027, 0, 10, 23))
    const first = openLedger(clock)
    for (let count = 0; count < 3; count++) first.ledger.note('ListObjectsV2')
    first.ledger.note('PutObject')
    first.close()
    const second = openLedger(clock, first.folder)
    second.ledger.note('ListObjectsV2')
    expect(second.ledger.view().day).toEqual({ list: 4, write: 1, read: 0, delete: 0 })
    clock.jumpWall(2 * 3600_000)
    second.ledger.note('GetObject')
    const { day, month } = second.ledger.view()
    expect(day).toEqual({ list: 0, write: 0, read: 1, delete: 0 })
    expect(month).toEqual({ list: 4, write: 1, read: 1, delete: 0 })
    expect(second.ledgers.of(ENDPOINT, 'other').view().month.list).toBe(0)
    second.close()
  })

  test('a budget that a person raised is kept, and helps at once', () => {
    const clock = new FakeClock()
    const first = openLedger(clock)
    for (let count = 0; count < 1_000; count++) first.ledger.note('ListObjectsV2')
    expect(first.ledger.mode).toBe('saving')
    first.ledger.setListsPerMonth(50_000)
    expect(first.ledger.mode).toBe('normal')
    first.close()
    const second = openLedger(clock, first.folder)
    expect(second.ledger.view()).toMatchObject({ listsPerMonth: 50_000, polling: 'normal' })
    second.close()
  })
})
