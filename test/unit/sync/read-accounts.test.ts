import { beforeEach, describe, expect, test } from 'vitest'
import {
  BATCH_MS_MAX,
  BATCH_QUIET_MS,
  type FetchedFiles,
  PROGRAMS_MAX,
  ReadAccounts,
  TOLD_BYTES_MIN,
} from '../../../engine/sync/read-accounts.ts'
import { FakeClock } from '../../support/fake-clock.ts'

let clock: FakeClock
let told: FetchedFiles[]
let accounts: ReadAccounts

beforeEach(() => {
  clock = new FakeClock()
  told = []
  accounts = new ReadAccounts(clock, (fetched) => told.push(fetched))
})

const read = (key: string, program = 'indexer', bytes = TOLD_BYTES_MIN) =>
  accounts.note({ program, key, bytes })

describe('What a program caused to be fetched', () => {
  test('is told once it is quiet, with its files and the folder that they are in', async () => {
    read('photos/may/1.tif')
    read('photos/may/1.tif')
    read('photos/june/2.tif')
    await clock.advance(BATCH_QUIET_MS - 1)
    expect(told).toEqual([])
    await clock.advance(1)
    const bytes = 3 * TOLD_BYTES_MIN
    expect(told).toEqual([{ program: 'indexer', key: 'photos/', count: 2, bytes }])
  })

  test('of one file names the file; of files at the top, no folder', async () => {
    read('photos/1.tif', 'viewer')
    read('1.tif')
    read('photos/1.tif')
    await clock.advance(BATCH_QUIET_MS)
    expect(told.map(({ program, key }) => [program, key])).toEqual([
      ['viewer', 'photos/1.tif'],
      ['indexer', ''],
    ])
  })

  test('is told now and then while it never rests', async () => {
    for (let passedMs = 0; passedMs <= BATCH_MS_MAX; passedMs += BATCH_QUIET_MS / 2) {
      read('a')
      await clock.advance(BATCH_QUIET_MS / 2)
    }
    expect(told).toHaveLength(1)
  })

  test('is not told when it is little', async () => {
    read('a', 'viewer', TOLD_BYTES_MIN - 1)
    await clock.advance(BATCH_MS_MAX)
    expect(told).toEqual([])
  })

  test('of more programs than are counted at once is told early, and in the end', () => {
    for (let index = 0; index <= PROGRAMS_MAX; index++) read('a', `program ${index}`)
    expect(told).toHaveLength(1)
    accounts.close()
    expect(told).toHaveLength(PROGRAMS_MAX + 1)
  })
})
