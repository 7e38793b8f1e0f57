/**
 * The one status that window and tray show, kept up to date from its sources.
 *
 * Keeps: listeners hear of a change at most every `TELL_EVERY_MS`, and always of the last one.
 */
import type { Clock } from '../engine/base/clock.ts'
import type { StatusView } from '../shared/model.ts'
import type { WindowStatus } from '../shared/window-contract.ts'
import { mountRows, type RowFacts } from './mount-rows.ts'
import type { EngineCondition } from './supervisor.ts'

const TELL_EVERY_MS = 100

export type BoardParts = {
  readonly clock: Clock
  readonly facts: () => Pick<RowFacts, 'settings' | 'faults'>
}

export class StatusBoard {
  readonly #parts: BoardParts
  readonly #listeners: Array<(status: WindowStatus) => void> = []
  #engineStatus: StatusView | undefined
  #condition: EngineCondition = { state: 'starting', isShared: false }
  #isTelling = false

  constructor(parts: BoardParts) {
    this.#parts = parts
  }

  onDidChange(listener: (status: WindowStatus) => void): void {
    this.#listeners.push(listener)
  }

  setEngineStatus(status: StatusView | undefined): void {
    this.#engineStatus = status
    this.tell()
  }

  setCondition(condition: EngineCondition): void {
    this.#condition = condition
    this.tell()
  }

  /** Something that the status is made of has changed. */
  tell(): void {
    if (this.#isTelling) return
    this.#isTelling = true
    this.#parts.clock.after(TELL_EVERY_MS, () => {
      this.#isTelling = false
      const status = this.read()
      for (const listener of this.#listeners) listener(status)
    })
  }

  read(): WindowStatus {
    const { reason, ...condition } = this.#condition
    const version = this.#engineStatus?.engine.version
    const { pins, unavailable, restores, isWorkingOffline, sync } = this.#engineStatus ?? {}
    return {
      ...(pins ? { pins } : {}),
      ...(unavailable ? { unavailable } : {}),
      ...(restores ? { restores } : {}),
      ...(isWorkingOffline ? { isWorkingOffline } : {}),
      ...(sync ? { sync } : {}),
      engine: {
        ...condition,
        ...(reason === undefined ? {} : { reason }),
        ...(version === undefined ? {} : { version }),
      },
      mounts: mountRows({
        ...this.#parts.facts(),
        status: this.#engineStatus,
        condition: this.#condition,
      }),
    }
  }
}
