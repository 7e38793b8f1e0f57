/**
 * Runs file operations in a process of its own (file-program.ts), so that a hang is seen and ended.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'
import type { FileResult, FileTask } from './file-program.ts'

/** A task is many calls: it may take longer than each of them. */
const HANG_MS = 120_000
const THREADS = '48'

/** A task that did not end. */
export const HUNG: FileResult = { error: 'HANG', failed: 'HANG', slowestMs: HANG_MS }

export class FileWorker {
  readonly #child: ChildProcess
  readonly #folder: string
  readonly #waiting = new Map<number, (result: FileResult) => void>()
  #nextId = 1

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child
    this.#folder = folder
    if (!child.stdout) throw new Error('a worker without output')
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { id, result } = JSON.parse(line) as { id: number; result: FileResult }
      this.#waiting.get(id)?.(result)
    })
  }

  static async start(): Promise<FileWorker> {
    const folder = await mkdtemp(join(tmpdir(), 'pail-file-worker-'))
    const outfile = join(folder, 'program.mjs')
    await build({
      entryPoints: [resolve(import.meta.dirname, 'file-program.ts')],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      logLevel: 'error',
    })
    const child = spawn(process.execPath, [outfile], {
      env: { ...process.env, UV_THREADPOOL_SIZE: THREADS },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    return new FileWorker(child, folder)
  }

  /** @param limitMs for the task as a whole */
  run(task: FileTask, limitMs = HANG_MS): Promise<FileResult> {
    const id = this.#nextId++
    return new Promise((settle) => {
      const timer = setTimeout(() => settle({ ...HUNG, slowestMs: limitMs }), limitMs)
      this.#waiting.set(id, (result) => {
        clearTimeout(timer)
        settle(result)
      })
      this.#child.stdin?.write(`${JSON.stringify({ id, task })}\n`)
    })
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL')
    await rm(this.#folder, { recursive: true, force: true })
  }
}
