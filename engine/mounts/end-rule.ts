/**
 * When an engine that nobody supervises has done its work, and when a fault is one too many. Pure.
 *
 * Keeps: an engine with a mounted folder, or with files still to upload, goes on. Only one in the
 *        foreground leaves files behind, in the journal, when their upload makes no progress.
 */
import type { StatusView } from '../../shared/model.ts'

/** Without a mounted folder and without pending files, somebody may still be about to ask. */
export const IDLE_GRACE_MS = 3_000
/** From the start of the process to the first call. */
export const FIRST_CALL_WAIT_MS = 15_000
/** How long a foreground engine waits for an upload that does not advance. */
export const UPLOAD_STALL_MS = 10_000
const FAULTS_MAX = 5
const FAULT_WINDOW_MS = 60_000

export type Work = {
  readonly activeMounts: number
  readonly pendingFiles: number
  readonly pendingBytes: number
}

export function workOf(status: StatusView): Work {
  const isActive = (state: string) => state !== 'stopped' && state !== 'failed'
  return {
    activeMounts: status.mounts.filter((mount) => isActive(mount.state)).length,
    pendingFiles: status.mounts.reduce((sum, mount) => sum + mount.pendingFiles, 0),
    pendingBytes: status.mounts.reduce((sum, mount) => sum + mount.pendingBytes, 0),
  }
}

export type EndRuleOptions = {
  readonly graceMs: number
  /** Absent: pending files keep the engine for as long as they need. */
  readonly stallMs?: number
}

export class EndRule {
  readonly #options: EndRuleOptions
  #busyMs: number
  #progressMs: number
  #seen = ''

  constructor(options: EndRuleOptions, nowMs: number) {
    this.#options = options
    this.#busyMs = nowMs
    this.#progressMs = nowMs
  }

  /** @returns true when the engine may end now */
  observe(work: Work & { readonly nowMs: number; readonly isAsked: boolean }): boolean {
    const { nowMs } = work
    const seen = `${work.activeMounts} ${work.pendingFiles} ${work.pendingBytes}`
    if (seen !== this.#seen) this.#progressMs = nowMs
    this.#seen = seen
    if (work.activeMounts > 0) this.#progressMs = nowMs
    const isBusy = work.activeMounts > 0 || work.isAsked || this.#isUploading(work, nowMs)
    if (isBusy) this.#busyMs = nowMs
    return nowMs - this.#busyMs >= this.#options.graceMs && !isBusy
  }

  #isUploading(work: Work, nowMs: number): boolean {
    if (work.pendingFiles === 0) return false
    const { stallMs } = this.#options
    return stallMs === undefined || nowMs - this.#progressMs < stallMs
  }
}

/** A defect ends one operation, not the engine; many in a row mean that its state is broken. */
export class FaultRule {
  #faultsMs: number[] = []

  /** @returns true when the process should end and be started again */
  observe(nowMs: number): boolean {
    this.#faultsMs = [...this.#faultsMs, nowMs].filter((at) => nowMs - at < FAULT_WINDOW_MS)
    return this.#faultsMs.length > FAULTS_MAX
  }
}
