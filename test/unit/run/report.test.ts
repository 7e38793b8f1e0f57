/** What `npm test` says in the end. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { countTests, summary } from '../../report.mjs'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pail-report-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

type Report = Partial<Record<'numPassedTests' | 'numFailedTests' | 'numPendingTests', number>>

function count(report: Report, exitCode: number, files: object[] = [], places: string[] = []) {
  const path = join(folder, 'report.json')
  const none = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0 }
  writeFileSync(path, JSON.stringify({ ...none, testResults: files, ...report }))
  return countTests(path, { exitCode, places })
}

describe('The count of a test run', () => {
  test('is what the runner counted', () => {
    expect(count({ numPassedTests: 7, numFailedTests: 2 }, 1)).toEqual({
      passed: 7,
      failed: 2,
      skipped: 0,
    })
    expect(count({ numPassedTests: 7 }, 0)).toEqual({ passed: 7, failed: 0, skipped: 0 })
  })

  test('takes no test at all for a failure', () => {
    expect(count({}, 0)).toMatchObject({ passed: 0, failed: 1, skipped: 0 })
  })

  test('takes a missing report for a failure', () => {
    const path = join(folder, 'nothing.json')
    expect(countTests(path, { exitCode: 0, places: [] })).toMatchObject({
      passed: 0,
      failed: 1,
      skipped: 0,
    })
  })

  test('takes an error outside of any test for a failure', () => {
    expect(count({ numPassedTests: 7 }, 1)).toMatchObject({ passed: 7, failed: 1, skipped: 0 })
  })

  test('names what could not run on this machine', () => {
    const counts = count({ numPassedTests: 7, numPendingTests: 1 }, 0)
    expect(counts).toEqual({ passed: 7, failed: 0, skipped: 1 })
  })

  test('takes a file that did not load for a failure', () => {
    const broken = { name: '/a/test/unit/a.test.ts', status: 'failed', assertionResults: [] }
    expect(count({ numPassedTests: 7 }, 1, [broken])).toEqual({ passed: 7, failed: 1, skipped: 0 })
  })

  test('takes a project that ran nothing for a failure', () => {
    const file = { name: '/a/test/model/a.test.ts', status: 'passed', assertionResults: [{}] }
    const places = ['test/model/', 'test/crash/']
    expect(count({ numPassedTests: 1 }, 0, [file], places)).toEqual({
      passed: 1,
      failed: 1,
      skipped: 0,
      reason: 'no test ran in test/crash/',
    })
  })
})

const unit = { name: 'unit', passed: 3, failed: 0, skipped: 0, seconds: 1 }
const lastLine = (text: string) => text.trimEnd().split('\n').at(-1)

describe('The summary', () => {
  test('ends with the plain line', () => {
    const mount = { name: 'mount', passed: 4, failed: 1, skipped: 0, seconds: 2 }
    const { text, isGood } = summary([unit, mount], { isComplete: true })
    expect(lastLine(text)).toBe('7 passed, 1 failed')
    expect(isGood).toBe(false)
  })

  test('is good only when something passed', () => {
    expect(summary([], { isComplete: false }).isGood).toBe(false)
    expect(summary([unit], { isComplete: true }).isGood).toBe(true)
  })

  test('lets a test be left out only where not everything can run', () => {
    const some = { ...unit, skipped: 2 }
    expect(lastLine(summary([some], { isComplete: false }).text)).toMatch('3 passed, 0 failed, 2')
    expect(summary([some], { isComplete: false }).isGood).toBe(true)
    expect(summary([some], { isComplete: true }).isGood).toBe(false)
  })
})
