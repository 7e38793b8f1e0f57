/**
 * Runs `pail` as a process of its own, as a person does.
 *
 * Keeps: every process it started ends with the test, by its id.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'

const ROOT = resolve(import.meta.dirname, '../..')
const EXTERNAL = ['electron', 'koffi', '@photostructure/sqlite', '@napi-rs/keyring']

export type Finished = {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export type RunOptions = {
  readonly environment?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly timeoutMs?: number
}

export type Running = {
  readonly child: ChildProcess
  readonly pid: number
  readonly finished: Promise<Finished>
  /** Resolves when a line on stdout contains `text`; rejects when the process ends before. */
  waitFor(text: string): Promise<void>
}

const RUN_LIMIT_MS = 60_000

/** What a login shell gives every program; nothing of the tester's own settings. */
export function plainEnvironment(home: string): Record<string, string> {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin', HOME: home, LANG: 'C.UTF-8' }
}

export class Pail {
  readonly #command: readonly string[]
  readonly #environment: Readonly<Record<string, string>>

  /** @param command program and first arguments: `['bin/pail']`, or Node and a bundle */
  constructor(command: readonly string[], environment: Readonly<Record<string, string>>) {
    this.#command = command
    this.#environment = environment
  }

  run(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    return this.start(args, options).finished
  }

  start(args: readonly string[], options: RunOptions = {}): Running {
    const [program = '', ...first] = this.#command
    const child = spawn(program, [...first, ...args], {
      cwd: options.cwd ?? ROOT,
      env: { ...this.#environment, ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return observe(child, options.timeoutMs ?? RUN_LIMIT_MS)
  }
}

function observe(child: ChildProcess, limitMs: number): Running {
  let stdout = ''
  let stderr = ''
  const checks = new Set<() => void>()
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8')
    for (const check of checks) check()
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8')
  })
  const limit = setTimeout(() => child.kill('SIGKILL'), limitMs)
  const finished = new Promise<Finished>((settle, reject) => {
    child.once('error', reject)
    // `close`, not `exit`: a background engine that held these pipes would be a defect.
    child.once('close', (code, signal) => {
      clearTimeout(limit)
      settle({ code, signal, stdout, stderr })
    })
  })
  const waitFor = (text: string) =>
    new Promise<void>((settle, reject) => {
      const check = () => {
        if (stdout.includes(text)) settle()
      }
      checks.add(check)
      check()
      finished.then(
        (end) => reject(new Error(`ended before "${text}": ${JSON.stringify(end)}`)),
        reject,
      )
    })
  return { child, pid: child.pid ?? -1, finished, waitFor }
}

export type FakeCli = {
  /** Folder of cli.cjs and engine.cjs. */
  readonly folder: string
  readonly cliPath: string
  dispose(): void
}

/** Bundles the command line and the engine process with the fake engine in place of the real one. */
export async function buildFakeCli(): Promise<FakeCli> {
  const folder = mkdtempSync(join(tmpdir(), 'pail-cli-'))
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  await build({
    absWorkingDir: ROOT,
    entryPoints: {
      cli: 'test/support/fake-cli.ts',
      engine: 'test/support/fake-engine-process.ts',
    },
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20.18',
    external: EXTERNAL,
    logLevel: 'warning',
  })
  return {
    folder,
    cliPath: join(folder, 'cli.cjs'),
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  }
}
