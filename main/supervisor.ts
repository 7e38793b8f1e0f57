/**
 * Keeps one engine running: starts it, starts it again after a crash, and ends it in time.
 *
 * Keeps: while the engine is away, calls fail at once with `engine/stopped`; at the first start
 *        they wait for it, so that a window that opens early shows no failure.
 * Never: starts a second engine on a data folder that has one (the connector attaches instead).
 */
import type { Clock } from '../engine/base/clock.ts'
import type { EngineCall, EngineInput, EngineOutput } from '../shared/engine-contract.ts'
import { PailError } from '../shared/errors.ts'
import type { FoldersReceived } from '../shared/folder-roles.ts'
import type { StatusView } from '../shared/model.ts'
import type { FileNews } from './archive-notices.ts'
import type { EngineCaller, EngineLink } from './engine-link.ts'

const RESTART_DELAY_MIN_MS = 500
const RESTART_DELAY_MAX_MS = 30_000
/** An engine that ran this long was healthy: the next crash counts as the first. */
const HEALTHY_AFTER_MS = 60_000
/**
 * A person may wait: the engine gives its own shutdown 20 s. A session that ends may not: systems
 * end what is still there after about five seconds.
 */
const STOP_WAITS = {
  person: { shutdownMs: 22_000, killMs: 5_000 },
  system: { shutdownMs: 3_500, killMs: 1_000 },
} as const

export type EngineCondition = {
  readonly state: 'starting' | 'running' | 'restarting'
  readonly reason?: string
  readonly isShared: boolean
}

export type SupervisorParts = {
  /** Attaches to a running engine or starts one; resolves when it can take calls. */
  readonly connect: (signal: AbortSignal) => Promise<EngineLink>
  readonly clock: Clock
  readonly onDidStart: (link: EngineLink) => void
  readonly onDidChangeStatus: (status: StatusView | undefined) => void
  readonly onDidReceive: (received: FoldersReceived) => void
  readonly onDidTellOfFiles: (news: FileNews) => void
  readonly onDidChangeCondition: (condition: EngineCondition) => void
}

/** Doubles from half a second to half a minute. */
export function restartDelayMs(attempt: number): number {
  return Math.min(RESTART_DELAY_MAX_MS, RESTART_DELAY_MIN_MS * 2 ** Math.max(0, attempt - 1))
}

export class EngineSupervisor implements EngineCaller {
  readonly #parts: SupervisorParts
  readonly #abort = new AbortController()
  #link: EngineLink | undefined
  #condition: EngineCondition = { state: 'starting', isShared: false }
  #isStarted = false
  #firstTry: Promise<void> = Promise.resolve()

  constructor(parts: SupervisorParts) {
    this.#parts = parts
  }

  get condition(): EngineCondition {
    return this.#condition
  }

  start(): void {
    if (this.#isStarted) return
    this.#isStarted = true
    this.#firstTry = new Promise((resolve) => {
      void this.#keepRunning(resolve)
    })
  }

  async call<C extends EngineCall>(call: C, input: EngineInput<C>): Promise<EngineOutput<C>> {
    await this.#firstTry
    if (this.#link === undefined) {
      throw new PailError('engine/stopped', this.#condition.reason ?? 'not connected')
    }
    return this.#link.call(call, input)
  }

  /**
   * Ends supervision. An own engine unmounts and exits, within a bounded time; a shared one stays.
   *
   * @param hurry `system`: the session ends, and what takes long ends the process the hard way;
   *        the journal loses nothing by it
   */
  async stop(hurry: 'person' | 'system' = 'person'): Promise<void> {
    this.#abort.abort(new PailError('engine/stopped', 'the app quits'))
    const link = this.#link
    if (link === undefined) return
    const { shutdownMs, killMs } = STOP_WAITS[hurry]
    if (!link.isShared) await this.#within(shutdownMs, this.#shutDown(link))
    link.close()
    await this.#within(killMs, link.closed)
  }

  /** Resolves when the engine has ended; a refusal or a lost link means there is no need to wait. */
  async #shutDown(link: EngineLink): Promise<void> {
    const isAccepted = await link.call('engine/shutdown', {}).then(
      () => true,
      () => false,
    )
    if (isAccepted) await link.closed
  }

  async #within(limitMs: number, work: Promise<unknown>): Promise<void> {
    const done = new AbortController()
    const overdue = this.#parts.clock.sleep(limitMs, done.signal).catch(() => undefined)
    await Promise.race([work, overdue])
    done.abort()
  }

  async #keepRunning(endFirstTry: () => void): Promise<void> {
    const { signal } = this.#abort
    let attempt = 0
    while (!signal.aborted) {
      const startedMs = this.#parts.clock.monotonicMs()
      const reason = await this.#runOnce(endFirstTry).catch((e: unknown) => PailError.from(e))
      endFirstTry()
      this.#link = undefined
      if (signal.aborted) return
      const ranMs = this.#parts.clock.monotonicMs() - startedMs
      attempt = ranMs >= HEALTHY_AFTER_MS ? 1 : attempt + 1
      this.#parts.onDidChangeStatus(undefined)
      this.#change({ state: 'restarting', isShared: false, reason: sentenceOf(reason) })
      await this.#parts.clock.sleep(restartDelayMs(attempt), signal).catch(() => undefined)
    }
  }

  /** One life of the engine; returns why it ended. */
  async #runOnce(endFirstTry: () => void): Promise<PailError> {
    const link = await this.#parts.connect(this.#abort.signal)
    if (this.#abort.signal.aborted) {
      link.close()
      return new PailError('engine/stopped', 'the app quits')
    }
    this.#link = link
    link.onDidChangeStatus(this.#parts.onDidChangeStatus)
    link.onDidReceive(this.#parts.onDidReceive)
    link.onDidTellOfFiles(this.#parts.onDidTellOfFiles)
    this.#change({ state: 'running', isShared: link.isShared })
    endFirstTry()
    this.#parts.onDidStart(link)
    return new PailError('engine/stopped', await link.closed)
  }

  #change(condition: EngineCondition): void {
    this.#condition = condition
    this.#parts.onDidChangeCondition(condition)
  }
}

function sentenceOf(error: PailError): string {
  return error.remedy
}
