/**
 * The engine's log: one JSON record a line in `<data>/engine.log`, secrets taken out.
 *
 * Owns:  engine.log and one older generation beside it; together they never exceed the cap twice.
 * Keeps: a full or failing disk costs log lines, never the engine.
 * Never: holds a record that did not pass through `redact`.
 */
import * as fs from 'node:fs'
import { pino } from 'pino'
import { redact, redactText } from '../../shared/redact.ts'
import type { Clock } from '../base/clock.ts'
import type { Log, LogFacts, LogLevel } from '../base/log.ts'

export const LOG_BYTES_MAX = 5 * 1024 * 1024
/** Secrets masked by value; the oldest is forgotten first. */
const KNOWN_SECRETS_MAX = 256

export class LogFile implements Log {
  readonly #file: CappedFile
  readonly #sink
  readonly #secrets = new Set<string>()

  constructor(options: { path: string; clock: Clock; level?: LogLevel; bytesMax?: number }) {
    this.#file = new CappedFile(options.path, options.bytesMax ?? LOG_BYTES_MAX)
    this.#sink = pino(
      {
        base: null,
        level: options.level ?? 'info',
        timestamp: () => `,"time":"${new Date(options.clock.nowMs()).toISOString()}"`,
      },
      this.#file,
    )
  }

  /** Lines that could not be written because the disk refused them. */
  get droppedLines(): number {
    return this.#file.droppedLines
  }

  /** From now on `secret` is masked wherever it stands in a record. */
  hide(secret: string): void {
    this.#secrets.delete(secret)
    this.#secrets.add(secret)
    for (const oldest of this.#secrets) {
      if (this.#secrets.size <= KNOWN_SECRETS_MAX) break
      this.#secrets.delete(oldest)
    }
  }

  write(level: LogLevel, event: string, facts: LogFacts = {}): void {
    const safe = redact(facts, this.#secrets)
    this.#sink[level](typeof safe === 'object' && safe !== null ? safe : {}, this.#text(event))
  }

  close(): void {
    this.#file.close()
  }

  #text(event: string): string {
    return redactText(event, this.#secrets)
  }
}

/** Appends lines to a file and starts a new one when it is full. */
class CappedFile {
  readonly #path: string
  readonly #bytesMax: number
  #fd: number | undefined
  #sizeBytes = 0
  droppedLines = 0

  constructor(path: string, bytesMax: number) {
    this.#path = path
    this.#bytesMax = bytesMax
    this.#open()
  }

  write(line: string): void {
    try {
      if (this.#sizeBytes >= this.#bytesMax) this.#rotate()
      if (this.#fd === undefined) this.#open()
      if (this.#fd === undefined) return
      this.#sizeBytes += fs.writeSync(this.#fd, line)
    } catch {
      // There is no place left to say that the log cannot be written; the count is shown instead.
      this.droppedLines++
    }
  }

  close(): void {
    if (this.#fd !== undefined) fs.closeSync(this.#fd)
    this.#fd = undefined
  }

  #rotate(): void {
    this.close()
    fs.renameSync(this.#path, `${this.#path}.1`)
    this.#open()
  }

  #open(): void {
    const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW } = fs.constants
    this.#fd = fs.openSync(this.#path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, 0o600)
    this.#sizeBytes = fs.fstatSync(this.#fd).size
  }
}
