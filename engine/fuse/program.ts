/** Runs one small program of the system: absolute path, argument list, plain environment, no shell. */
import { type StdioOptions, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { present } from '../base/assert.ts'
import type { Clock } from '../base/clock.ts'

/** What such a program says in one line; more is cut. */
const MESSAGE_CHARACTERS_MAX = 2_000

export type ProgramResult = {
  readonly status: number | null
  /** What it wrote to its standard error. */
  readonly message: string
}

export type ProgramOptions = {
  readonly args: readonly string[]
  readonly clock: Clock
  readonly limitMs: number
  readonly environment?: Readonly<Record<string, string>>
  /** Passed on as descriptor 3. */
  readonly descriptor?: number
}

export function findProgram(candidates: readonly string[]): string | undefined {
  return candidates.find((path) => existsSync(path))
}

/** Ends within the limit: then the program is killed and the status is null. */
export function runProgram(path: string, options: ProgramOptions): Promise<ProgramResult> {
  const passed: StdioOptions = options.descriptor === undefined ? [] : [options.descriptor]
  const child = spawn(path, options.args, {
    stdio: ['ignore', 'ignore', 'pipe', ...passed],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', ...options.environment },
    cwd: '/',
  })
  let message = ''
  present(child.stderr, 'standard error of a program').on('data', (part: Buffer) => {
    message = (message + part.toString()).slice(0, MESSAGE_CHARACTERS_MAX)
  })
  const cancelLimit = options.clock.after(options.limitMs, () => child.kill('SIGKILL'))
  return new Promise((resolve, reject) => {
    child.once('error', (failure) => {
      cancelLimit()
      reject(failure)
    })
    child.once('close', (status) => {
      cancelLimit()
      resolve({ status, message: message.trim() })
    })
  })
}
