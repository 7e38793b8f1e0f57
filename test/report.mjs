/** What a test run says in the end: counts that cannot hide a failure. Pure, apart from one read. */
import { readFileSync } from 'node:fs'

/** @typedef {{ passed: number, failed: number, skipped: number, reason?: string }} Counts */
/** @typedef {Counts & { name: string, seconds: number }} Result */

/**
 * A file that did not even load, an error outside of any test, or no test at all: each has failed.
 * A test may be left out where the machine cannot run it (not root, no FUSE), and is then named.
 * @param {string} path of the JSON report
 * @param {{ exitCode: number, places: readonly string[] }} expected places: each must have run a test
 * @returns {Counts}
 */
export function countTests(path, { exitCode, places }) {
  /** @type {{ numPassedTests: number, numFailedTests: number, numPendingTests: number,
   *   testResults: { name: string, status: string, assertionResults: unknown[] }[] }} */
  let report
  try {
    report = JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return { passed: 0, failed: 1, skipped: 0, reason: 'the runner left no report' }
  }
  const files = report.testResults
  const broken = files.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  )
  const silent = places.filter((place) => !files.some(({ name }) => name.includes(place)))
  const passed = report.numPassedTests
  let failed = report.numFailedTests + broken.length + silent.length
  const isOther = failed === 0 && (exitCode !== 0 || passed === 0)
  if (isOther) failed = 1
  const counts = { passed, failed, skipped: report.numPendingTests }
  if (silent.length > 0) return { ...counts, reason: `no test ran in ${silent.join(', ')}` }
  return isOther ? { ...counts, reason: 'an error outside of any test, or no test' } : counts
}

/** @param {Counts} counts */
function plain({ passed, failed, skipped }) {
  const rest = skipped > 0 ? `, ${skipped} skipped` : ''
  return `${passed} passed, ${failed} failed${rest}`
}

/**
 * A table for a person, then the plain line for a program. No test at all is no success, and where
 * everything can run (`isComplete`) a test that did not is none either.
 * @param {readonly Result[]} results
 * @param {{ isComplete: boolean }} options
 */
export function summary(results, { isComplete }) {
  const lines = results.map((result) => {
    const mark = result.failed > 0 ? 'FAILED' : 'ok'
    const reason = result.reason ? ` (${result.reason})` : ''
    const seconds = `${result.seconds.toFixed(0)} s`
    return `  ${mark.padEnd(7)} ${result.name}: ${plain(result)}, ${seconds}${reason}`
  })
  /** @param {'passed' | 'failed' | 'skipped'} key */
  const total = (key) => results.reduce((sum, result) => sum + result[key], 0)
  const counts = { passed: total('passed'), failed: total('failed'), skipped: total('skipped') }
  const text = `\n${lines.join('\n')}\n\n${plain(counts)}\n`
  const isAll = counts.skipped === 0 || !isComplete
  return { text, isGood: counts.failed === 0 && counts.passed > 0 && isAll }
}
