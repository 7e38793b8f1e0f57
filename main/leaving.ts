/**
 * From "quit" to the end of the process: asks when uploads are pending, then ends the engine.
 *
 * Keeps: one question at a time; the engine is asked to shut down before the process ends.
 */

import type { WindowStatus } from '../shared/window-contract.ts'
import type { EngineCaller } from './engine-link.ts'
import { type QuitAnswer, type QuitQuestion, quitQuestion } from './quit.ts'

export type LeavingParts = {
  readonly status: () => WindowStatus
  readonly engine: EngineCaller
  readonly ask: (question: QuitQuestion) => Promise<QuitAnswer>
  /** Ends mounts and engine; bounded in time. */
  readonly stop: (hurry: 'person' | 'system') => Promise<void>
  readonly exit: () => void
}

export class Leaving {
  readonly #parts: LeavingParts
  #isAsking = false
  #isWaiting = false
  #stopping: Promise<void> | undefined

  constructor(parts: LeavingParts) {
    this.#parts = parts
  }

  get isStopping(): boolean {
    return this.#stopping !== undefined
  }

  /** The person asked to quit. May end in nothing, when they cancel. */
  async quit(): Promise<void> {
    if (this.#isAsking || this.#stopping !== undefined) return
    const question = quitQuestion(this.#parts.status())
    if (question === undefined) return this.#stop('person')
    this.#isAsking = true
    const answer = await this.#parts.ask(question).finally(() => {
      this.#isAsking = false
    })
    if (answer === 'Quit, upload next time') return this.#stop('person')
    if (answer === 'Wait for uploads') return this.#quitWhenUploaded()
    this.#isWaiting = false
  }

  /** The system goes down: no questions, and no long waits. */
  stopNow(): Promise<void> {
    return this.#stop('system')
  }

  #stop(hurry: 'person' | 'system'): Promise<void> {
    this.#stopping ??= this.#parts.stop(hurry).finally(() => this.#parts.exit())
    return this.#stopping
  }

  async #quitWhenUploaded(): Promise<void> {
    if (this.#isWaiting) return
    this.#isWaiting = true
    const left = await this.#parts.engine.call('uploads/flush', {}).catch(() => undefined)
    const isStillWanted = this.#isWaiting
    this.#isWaiting = false
    if (isStillWanted && left?.pendingFiles === 0) await this.#stop('person')
  }
}
