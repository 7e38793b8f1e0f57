/**
 * `npm test`: set-up, then everything there is. `npm run check`: what needs no network and no FUSE.
 *
 *   node test/run.mjs                everything
 *   node test/run.mjs check          format, lint, types, tidy, unit
 *   node test/run.mjs screenshots    only the pictures of docs/images
 *   node test/run.mjs mount e2e      only these projects of vitest.config.ts
 *   node test/run.mjs conformance    suites of others against a mount; builds them first
 *
 * Keeps: the last line is `N passed, N failed`; a project that ran no test has failed. What a test
 * left behind (a mount, a process) is ended, and fails the run.
 */
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { installCargoTools } from '../build/cargo-tools.mjs'
import { ROOT, SetupError } from '../build/common.mjs'
import { installPythonTools } from '../build/python-tools.mjs'
import { setUp } from '../build/setup.mjs'
import { versitygwPath } from '../build/versitygw.mjs'
import { endLeftovers } from './leftovers.mjs'
import { afterSecondLook, countTests, failuresIn, summary } from './report.mjs'

const CHECK = ['tidy', 'unit', 'renderer']
const DEEPER = [['contract', 'model', 'crash'], ['mount'], ['faults'], ['e2e']]
/** Programs in mounts mostly wait: two files at once take little more than one. */
const MOUNT_FILES_AT_ONCE = 2
/** No step takes half of this on two cores; one that hangs must not hang the run. */
const STEP_MS_MAX = 25 * 60 * 1000
/**
 * Tests with real servers, kernels and clocks meet whatever else the machine does. So few failures
 * are looked at again, each test by itself; more than these are no chance.
 */
const SECOND_LOOKS_MAX = 3
/** A million operations, each through the kernel. */
const CONFORMANCE_MS_MAX = 4 * 60 * 60 * 1000

/** @typedef {import('./report.mjs').Result} Result */

// Short: sockets live below it, and their paths end at 107 bytes. Open: other users are tested, too.
const runFolder = mkdtempSync(join(tmpdir(), 'pail-'))
chmodSync(runFolder, 0o755)
/** @type {NodeJS.ProcessEnv} */
const runEnv = {
  ...process.env,
  TMPDIR: runFolder,
  UV_THREADPOOL_SIZE: process.env.UV_THREADPOOL_SIZE ?? '16',
}

/** @type {import('node:child_process').ChildProcess | undefined} */
let running

/**
 * Runs one program as a process group of its own, so that all of it can be ended.
 * @param {string} program below node_modules/.bin
 * @param {readonly string[]} args
 * @param {Record<string, string>} [env]
 * @param {number} [limitMs]
 * @returns {Promise<number>} its exit code
 */
function runStep(program, args, env = {}, limitMs = STEP_MS_MAX) {
  const path = join(ROOT, 'node_modules/.bin', program)
  const child = spawn(path, args, {
    cwd: ROOT,
    env: { ...runEnv, ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  })
  running = child
  const timer = setTimeout(() => {
    process.stdout.write(`${program} did not end in time\n`)
    endGroup('SIGKILL')
  }, limitMs)
  return new Promise((resolve) => {
    child.on('error', () => resolve(127))
    child.on('exit', (code) => resolve(code ?? 1))
  }).finally(() => clearTimeout(timer))
}

/** @param {NodeJS.Signals} signal */
function endGroup(signal) {
  if (!running?.pid) return
  try {
    process.kill(-running.pid, signal)
  } catch {
    // It has ended already.
  }
}

/**
 * @param {string} name
 * @param {string} program
 * @param {readonly string[]} args
 * @returns {Promise<Result>}
 */
async function checkStep(name, program, args) {
  const start = performance.now()
  const isFine = (await runStep(program, args)) === 0
  const seconds = (performance.now() - start) / 1000
  return { name, passed: isFine ? 1 : 0, failed: isFine ? 0 : 1, skipped: 0, seconds }
}

/** @param {string} project of vitest.config.ts */
function placeOf(project) {
  if (project === 'tidy') return 'test/tidy.test.ts'
  return project === 'renderer' ? 'test/unit/renderer/' : `test/${project}/`
}

/**
 * @param {readonly string[]} projects
 * @param {{ env?: Record<string, string>, workersMax?: number }} [options]
 * @returns {Promise<Result[]>} one for each project
 */
async function vitestStep(projects, { env, workersMax } = {}) {
  const report = join(runFolder, `${projects.join('-')}.json`)
  const args = vitestArguments(projects, report)
  const atOnce = projects.includes('mount') ? MOUNT_FILES_AT_ONCE : workersMax
  if (atOnce !== undefined) args.push(`--maxWorkers=${atOnce}`)
  const start = performance.now()
  const limitMs = projects.includes('conformance') ? CONFORMANCE_MS_MAX : STEP_MS_MAX
  const code = await runStep('vitest', args, env, limitMs)
  const seconds = (performance.now() - start) / 1000
  const counts = countTests(report, { exitCode: code, places: projects.map(placeOf) })
  return [{ name: projects.join(', '), seconds, ...counts, failures: failuresIn(report) }]
}

/** @param {readonly string[]} projects @param {string} report */
function vitestArguments(projects, report) {
  const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  for (const project of projects) args.push('--project', project)
  return args
}

/**
 * @param {readonly string[]} projects
 * @returns {Promise<Result[]>} what is left when a few failures have been looked at again
 */
async function deeperStep(projects) {
  const results = await vitestStep(projects)
  return Promise.all(results.map((result) => secondLook(projects, result)))
}

/** @param {readonly string[]} projects @param {Result} result @returns {Promise<Result>} */
async function secondLook(projects, result) {
  const { failures = [], failed } = result
  const isFew = failures.length > 0 && failures.length <= SECOND_LOOKS_MAX
  // What failed outside of any test cannot be tried again by itself.
  if (!isFew || failures.length !== failed) return result
  /** @type {import('./report.mjs').Failure[]} */
  const again = []
  for (const [index, failure] of failures.entries()) {
    const report = join(runFolder, `${projects.join('-')}-again-${index}.json`)
    const pattern = `^${failure.name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`
    const args = [...vitestArguments(projects, report), failure.file, '-t', pattern]
    const code = await runStep('vitest', args)
    const { passed } = countTests(report, { exitCode: code, places: [] })
    if (code !== 0 || passed !== 1) again.push(failure)
  }
  return afterSecondLook(result, again)
}

/** @returns {Promise<Result[]>} */
async function check() {
  return [
    await checkStep('format and lint', 'biome', ['check', '--error-on-warnings', '.']),
    await checkStep('types', 'tsc', ['-b']),
    await checkStep('unused code', 'knip', []),
    // The quick tests wait for nothing but the processor: all of it is theirs.
    ...(await vitestStep(CHECK, { workersMax: availableParallelism() })),
  ]
}

/**
 * @param {readonly string[]} wanted
 * @returns {Promise<Result[]>}
 */
async function runWanted(wanted) {
  if (wanted.length === 1 && wanted[0] === 'check') return check()
  if (wanted.length === 1 && wanted[0] === 'screenshots') {
    return vitestStep(['e2e'], { env: { PAIL_SCREENSHOTS: '1' } })
  }
  if (wanted.length > 0) return vitestStep(wanted)
  const results = await check()
  for (const projects of DEEPER) results.push(...(await deeperStep(projects)))
  return results
}

/** @param {readonly string[]} wanted @returns {Promise<Result[]>} */
async function setUpAndRun(wanted) {
  const start = performance.now()
  try {
    const isCheck = wanted.includes('check')
    await setUp(isCheck ? 'check' : 'tests')
    if (!isCheck) runEnv.PAIL_VERSITYGW = versitygwPath()
    if (wanted.includes('conformance')) {
      await installCargoTools()
      await installPythonTools()
    }
    return await runWanted(wanted)
  } catch (thrown) {
    const text = thrown instanceof SetupError ? thrown.message : thrown
    process.stdout.write(`pail: ${text}\n`)
    const seconds = (performance.now() - start) / 1000
    return [{ name: 'set-up', passed: 0, failed: 1, skipped: 0, seconds }]
  }
}

for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.on(signal, () => endGroup(signal))
}
const results = await setUpAndRun(process.argv.slice(2))
const leftovers = await endLeftovers(runFolder)
for (const sentence of leftovers) process.stdout.write(`left behind: ${sentence}\n`)
if (leftovers.length > 0) {
  results.push({ name: 'clean-up', passed: 0, failed: leftovers.length, skipped: 0, seconds: 0 })
}
rmSync(runFolder, { recursive: true, force: true })
const { text, isGood } = summary(results, { isComplete: Boolean(process.env.CI) })
process.stdout.write(text)
process.exitCode = isGood ? 0 : 1
