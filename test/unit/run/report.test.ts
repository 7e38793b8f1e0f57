/** What `npm test` says in the end. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { afterSecondLook, countTests, failuresIn, summary } from '../../report.mjs'

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

describe('A test that failed', () => {
  const file = '/a/test/mount/a.test.ts'
  const failed = {
    status: 'failed',
    fullName: 'A folder shows a file',
    failureMessages: ['\u001b[31mexpected 1 to be 2\u001b[39m\n    at /a/test/mount/a.test.ts:3:4'],
  }
  const failures = [{ file, name: 'A folder shows a file', message: 'expected 1 to be 2' }]
  const result = { name: 'mount', passed: 4, failed: 1, skipped: 0, seconds: 2, failures }

  test('is found in the report, with what it says', () => {
    const path = join(folder, 'failed.json')
    const passed = { status: 'passed', fullName: 'A folder hides nothing' }
    const testResults = [{ name: file, assertionResults: [passed, failed] }]
    writeFileSync(path, JSON.stringify({ testResults }))
    expect(failuresIn(path)).toEqual(failures)
  })

  test('is named in the end, where it lies and what it said', () => {
    const { text } = summary([result], { isComplete: true })
    expect(text).toContain('failed: test/mount/a.test.ts: A folder shows a file')
    expect(text).toContain('expected 1 to be 2')
    expect(lastLine(text)).toBe('4 passed, 1 failed')
  })

  test('and failed again is a failure', () => {
    expect(afterSecondLook(result, failures)).toEqual({ ...result, unsteady: [] })
  })

  test('and then passed is counted as passed, and still named', () => {
    const looked = afterSecondLook(result, [])
    expect(looked).toMatchObject({ passed: 5, failed: 0, failures: [], unsteady: failures })
    const { text, isGood } = summary([looked], { isComplete: true })
    expect(text).toContain('failed, then passed: test/mount/a.test.ts: A folder shows a file')
    expect([isGood, lastLine(text)]).toEqual([true, '5 passed, 0 failed'])
  })
})
