/**
 * Runs pjdfstest (crates.io), reads its reports, and says what two of them mean together.
 */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { cargoToolPath } from '../../build/cargo-tools.mjs'

const run = promisify(execFile)
/** Longer than the granularity of a local disk's times. */
const NAP_SECONDS = 0.02
const OUTPUT_BYTES_MAX = 64 << 20

type CaseResult = 'ok' | 'FAILED' | 'skipped'
export type Report = ReadonlyMap<string, { readonly result: CaseResult; readonly why: string }>

/** Everything that it can check on Linux; `users` are the two that it becomes. */
export async function writeConfiguration(path: string, users: readonly string[]): Promise<void> {
  const entries = users.map((user) => `["${user}", "${user}"]`).join(', ')
  const features = [
    'posix_fallocate',
    'rename_ctime',
    'stat_st_birthtime',
    'utime_now',
    'utimensat',
  ]
  const lines = [
    '[features]',
    ...features.map((name) => `${name} = {}`),
    '[settings]',
    `naptime = ${NAP_SECONDS}`,
    '[dummy_auth]',
    `entries = [${entries}]`,
  ]
  await writeFile(path, `${lines.join('\n')}\n`)
}

/** @param other a second file system, for cases about moves from one to another */
export async function pjdfstest(config: string, dir: string, other: string): Promise<Report> {
  const options = { maxBuffer: OUTPUT_BYTES_MAX, env: { ...process.env, NO_COLOR: '1' } }
  try {
    return parseReport(
      (await run(cargoToolPath('pjdfstest'), argumentsOf(config, dir, other), options)).stdout,
    )
  } catch (thrown) {
    // It ends with 1 when a case fails; its output tells which.
    const { stdout = '' } = thrown as { stdout?: string }
    const report = parseReport(stdout)
    if (report.size === 0) throw thrown
    return report
  }
}

const argumentsOf = (config: string, dir: string, other: string) => [
  '-c',
  config,
  '-p',
  dir,
  '-s',
  other,
]

/** Each line `name ok|FAILED|skipped`, followed by indented lines that say why. */
export function parseReport(output: string): Report {
  const cases = new Map<string, { result: CaseResult; why: string }>()
  let last: { why: string } | undefined
  for (const line of output.split('\n')) {
    const [, name, result] = /^(\S+::\S+)\s+(ok|FAILED|skipped)$/.exec(line) ?? []
    if (name !== undefined && isResult(result)) {
      const report = { result, why: '' }
      cases.set(name, report)
      last = report
    } else if (last && line.startsWith('\t')) last.why = `${last.why} ${line.trim()}`.trim()
  }
  return cases
}

function isResult(text: string | undefined): text is CaseResult {
  return text === 'ok' || text === 'FAILED' || text === 'skipped'
}

export function countOf(report: Report, result: CaseResult): number {
  return [...report.values()].filter((one) => one.result === result).length
}

export type Verdict = {
  /** What the local disk passes, Pail misses, and nobody gave a reason for. */
  readonly unexplained: readonly string[]
  readonly explained: readonly string[]
  /** Cases with a reason that pass after all, or that there are none of. */
  readonly outdated: readonly string[]
}

export function judge(
  local: Report,
  mounted: Report,
  reasons: ReadonlyMap<string, string>,
): Verdict {
  const missed = [...local.keys()].filter(
    (name) => local.get(name)?.result === 'ok' && mounted.get(name)?.result !== 'ok',
  )
  return {
    unexplained: missed.filter((name) => !reasons.has(name)),
    explained: missed.filter((name) => reasons.has(name)),
    outdated: [...reasons.keys()].filter((name) => !missed.includes(name)),
  }
}
