/** How the engine says what happened: one record a line, secrets already taken out by the sink. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export type LogFacts = Readonly<Record<string, unknown>>

export interface Log {
  /** @param event short and constant, e.g. `upload/failed`; @param facts never a secret */
  write(level: LogLevel, event: string, facts?: LogFacts): void
}

/** For tests that do not care. */
export const silentLog: Log = { write() {} }
