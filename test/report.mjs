/** What a test run says in the end: counts that cannot hide a failure. Pure, apart from one read. */
import { readFileSync } from 'node:fs'

/** @typedef {{ name: string, passed: number, failed: number, seconds: number }} Result */

/**
 * A file that did not even load, an error outside of any test, or no test at all: each has failed.
 * @param {string} path of the JSON report
 * @param {{ exitCode: number, places: readonly string[] }} expected places: each must have run a test
 */
export function countTests(path, { exitCode, places }) {
  /** @type {{ numPassedTests: number, numFailedTests: number, numPendingTests: number,
   *   testResults: { name: string, status: string, assertionResults: unknown[] }[] }} */
  let report
  try {
    report = JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return { passed: 0, failed: 1 }
  }
  const files = report.testResults
  const broken = files.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  )
  const silent = places.filter((place) => !files.some(({ name }) => name.includes(place)))
  const passed = report.numPassedTests
  let failed = report.numFailedTests + report.numPendingTests + broken.length + silent.length
  if (failed === 0 && (exitCode !== 0 || passed === 0)) failed = 1
  return { passed, failed }
}

/**
 * A table for a person, then the plain line for a program. No test at all is no success.
 * @param {readonly Result[]} results
 */
export function summary(results) {
  const lines = results.map(({ name, passed, failed, seconds }) => {
    const mark = failed > 0 ? 'FAILED' : 'ok'
    return `  ${mark.padEnd(7)} ${name}: ${passed} passed, ${failed} failed, ${seconds.toFixed(0)} s`
  })
  const passed = results.reduce((sum, result) => sum + result.passed, 0)
  const failed = results.reduce((sum, result) => sum + result.failed, 0)
  const text = `\n${lines.join('\n')}\n\n${passed} passed, ${failed} failed\n`
  return { text, isGood: failed === 0 && passed > 0 }
}
