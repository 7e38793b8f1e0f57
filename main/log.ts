/** Main's log: one record a line on standard error. Errors carry codes and places, not inputs. */
import type { Log, LogFacts, LogLevel } from '../engine/base/log.ts'

export class StderrLog implements Log {
  write(level: LogLevel, event: string, facts: LogFacts = {}): void {
    if (level === 'debug') return
    process.stderr.write(`${JSON.stringify({ level, event, ...facts })}\n`)
  }
}
