/** The process that works inside the mounts, as the benchmark sees it. */
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { Timed, WorkAnswer, WorkRequest } from './work.ts'

/** Thrown when work was stopped because it took longer than a case may. */
export class OverLimit extends Error {
  override readonly name = 'OverLimit'
}

export class Worker {
  #child: ChildProcess | undefined

  /** @throws OverLimit after `limitMs`; the process that did the work is killed then */
  async do(request: WorkRequest, limitMs: number): Promise<Timed> {
    const child = this.#started()
    const answer = await new Promise<WorkAnswer>((settle) => {
      const finish = (result: WorkAnswer) => {
        clearTimeout(limit)
        child.removeAllListeners('message').removeAllListeners('exit')
        settle(result)
      }
      const limit = setTimeout(() => {
        this.stop()
        finish({ failure: 'limit' })
      }, limitMs)
      child.once('message', (message) => finish(message as WorkAnswer))
      child.once('exit', () => finish({ failure: 'the worker ended' }))
      child.send(request)
    })
    if ('timed' in answer) return answer.timed
    if (answer.failure === 'limit') throw new OverLimit(request.op)
    throw new Error(answer.failure)
  }

  stop(): void {
    this.#child?.kill('SIGKILL')
    this.#child = undefined
  }

  #started(): ChildProcess {
    if (this.#child && this.#child.exitCode === null && this.#child.signalCode === null) {
      return this.#child
    }
    this.#child = fork(join(import.meta.dirname, 'workloads.ts'))
    return this.#child
  }
}
