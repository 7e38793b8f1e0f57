/**
 * A folder served through the kernel by a process of its own (fuse-child.ts), for tests.
 *
 * The test's own process must not serve what it touches: a blocked file operation would wait for
 * itself. `close` always leaves nothing mounted.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import type { FuseChildCommand } from './fuse-child.ts'

export const run = promisify(execFile)
const REPOSITORY = resolve(import.meta.dirname, '../..')
const ANSWER_LIMIT_MS = 20_000

export type ChildAnswer = Readonly<Record<string, unknown>>

/**
 * Bundles fuse-child.ts and what it needs at run time into a folder that every user may read.
 * @returns the folder; `fuse-child.mjs` is in it
 */
export async function buildFuseChild(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pail-fuse-child-'))
  await build({
    entryPoints: [join(REPOSITORY, 'test/support/fuse-child.ts')],
    outfile: join(folder, 'fuse-child.mjs'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['koffi'],
    logLevel: 'error',
  })
  for (const name of ['koffi', '@koromix']) {
    const to = join(folder, 'node_modules', name)
    await mkdir(to, { recursive: true })
    await cp(join(REPOSITORY, 'node_modules', name), to, { recursive: true })
  }
  await run('chmod', ['-R', 'a+rX', folder])
  return folder
}

export type Command = { readonly program: string; readonly args: readonly string[] }

export class ServedFolder {
  readonly dir: string
  readonly process: ChildProcess
  readonly #answers: ChildAnswer[] = []
  readonly #waiting: Array<(answer: ChildAnswer) => void> = []
  #stderr = ''

  constructor(dir: string, command: Command) {
    // `close` unmounts and removes it, as root: nothing but a folder made for the test may get here.
    if (!dir.startsWith(join(tmpdir(), 'pail-'))) throw new Error(`${dir} is no test folder`)
    this.dir = dir
    this.process = spawn(command.program, command.args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, UV_THREADPOOL_SIZE: '4' },
    })
    this.process.stderr?.on('data', (part) => {
      this.#stderr += String(part)
    })
    const { stdout } = this.process
    if (!stdout) throw new Error('the child has no output')
    createInterface({ input: stdout }).on('line', (line) => {
      const answer = JSON.parse(line) as ChildAnswer
      const waiting = this.#waiting.shift()
      if (waiting) waiting(answer)
      else this.#answers.push(answer)
    })
  }

  /** Starts the child as this user, and waits until it says that the mount is ready. */
  static async start(bundle: string, ...args: string[]): Promise<ServedFolder> {
    const dir = await mkdtemp(join(tmpdir(), 'pail-mount-'))
    const served = new ServedFolder(dir, {
      program: process.execPath,
      args: [join(bundle, 'fuse-child.mjs'), dir, ...args],
    })
    try {
      await served.expectReady()
      return served
    } catch (thrown) {
      await served.close()
      throw thrown
    }
  }

  async expectReady(): Promise<void> {
    const answer = await this.nextAnswer()
    if (answer.ready !== true) throw new Error(JSON.stringify(answer))
  }

  path(...names: string[]): string {
    return join(this.dir, ...names)
  }

  async ask(command: FuseChildCommand): Promise<ChildAnswer> {
    this.process.stdin?.write(`${JSON.stringify(command)}\n`)
    return this.nextAnswer()
  }

  async stats(): Promise<{ requests: Record<string, number> } & ChildAnswer> {
    const stats = await this.ask({ do: 'stats' })
    return { ...stats, requests: stats.requests as Record<string, number> }
  }

  nextAnswer(): Promise<ChildAnswer> {
    const answer = this.#answers.shift()
    if (answer) return Promise.resolve(answer)
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`no answer within ${ANSWER_LIMIT_MS} ms ${this.#stderr}`))
      }, ANSWER_LIMIT_MS)
      this.#waiting.push((found) => {
        clearTimeout(timer)
        resolve(found)
      })
    })
  }

  /** @returns the exit status, or the signal's name */
  async exited(): Promise<number | string | null> {
    const { exitCode, signalCode } = this.process
    if (exitCode !== null || signalCode !== null) return exitCode ?? signalCode
    return new Promise((resolve) => {
      this.process.once('exit', (status, signal) => resolve(status ?? signal))
    })
  }

  /** Whatever happened before: nothing of it runs or is mounted afterwards. */
  async close(): Promise<void> {
    this.process.kill('SIGKILL')
    await this.exited()
    // Not mounted any more is what most tests leave.
    await run('umount', ['-l', this.dir]).catch(() => undefined)
    // Never recursive: a mount that is still there, or a folder of the system, must survive this.
    await rmdir(this.dir).catch(() => undefined)
  }
}
