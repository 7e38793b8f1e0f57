/** What a test run says in the end: counts that cannot hide a failure. Pure, apart from one read. */
import { readFileSync } from 'node:fs'

/** @typedef {{ passed: number, failed: number, skipped: number, reason?: string }} Counts */
/** @typedef {{ file: string, name: string, message: string }} Failure */
/** @typedef {Counts & { name: string, seconds: number, failures?: readonly Failure[],
 *   unsteady?: readonly Failure[] }} Result */

/** Of each message: the summary is to be read as a whole. */
const MESSAGE_CHARS_MAX = 600
const ESCAPES = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g')

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

/**
 * @param {string} path of the JSON report
 * @returns {Failure[]} each test that failed: its file, its whole name, and the first thing it says
 */
export function failuresIn(path) {
  /** @type {{ testResults: { name: string, assertionResults:
   *   { status: string, fullName: string, failureMessages?: string[] }[] }[] }} */
  let report
  try {
    report = JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return []
  }
  return report.testResults.flatMap(({ name: file, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ fullName, failureMessages }) => ({
        file,
        name: fullName,
        message: firstWords(failureMessages?.[0] ?? ''),
      })),
  )
}

/** @param {string} message with colours, a difference and a stack */
function firstWords(message) {
  const words = message.replaceAll(ESCAPES, '').split(/\n\s+at /)[0] ?? ''
  return words.slice(0, MESSAGE_CHARS_MAX).trim()
}

/**
 * What remains of a step's failures when those tests ran once more, by themselves. A test that
 * passed then is counted as passed and named as unsteady: it is to be looked into.
 * @param {Result} result of the step, with its failures
 * @param {readonly Failure[]} again those that failed again
 * @returns {Result}
 */
export function afterSecondLook(result, again) {
  const first = result.failures ?? []
  /** @param {Failure} one */
  const isAgain = (one) => again.some(({ file, name }) => file === one.file && name === one.name)
  const unsteady = first.filter((failure) => !isAgain(failure))
  return {
    ...result,
    passed: result.passed + unsteady.length,
    failed: result.failed - unsteady.length,
    failures: first.filter(isAgain),
    unsteady,
  }
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
  lines.push(...results.flatMap(({ failures = [] }) => failures.map(told('failed'))))
  lines.push(...results.flatMap(({ unsteady = [] }) => unsteady.map(told('failed, then passed'))))
  /** @param {'passed' | 'failed' | 'skipped'} key */
  const total = (key) => results.reduce((sum, result) => sum + result[key], 0)
  const counts = { passed: total('passed'), failed: total('failed'), skipped: total('skipped') }
  const text = `\n${lines.join('\n')}\n\n${plain(counts)}\n`
  const isAll = counts.skipped === 0 || !isComplete
  return { text, isGood: counts.failed === 0 && counts.passed > 0 && isAll }
}

/** @param {string} what @returns {(failure: Failure) => string} */
function told(what) {
  return ({ file, name, message }) => {
    const place = file.slice(file.lastIndexOf('/test/') + 1)
    return `\n  ${what}: ${place}: ${name}\n${message.replaceAll(/^/gm, '    ')}`
  }
}
