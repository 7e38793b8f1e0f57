/** The log on disk. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { SystemClock } from '../../../engine/base/clock.ts'
import { LogFile } from '../../../engine/mounts/log-file.ts'
import { PailError } from '../../../shared/errors.ts'
import { temporaryFolder } from '../../support/folder.ts'

const clock = new SystemClock()

describe('Log file', () => {
  test('writes one record a line, for the owner alone', () => {
    const path = join(temporaryFolder(), 'engine.log')
    const log = new LogFile({ path, clock })
    log.write('warn', 'upload/failed', { key: 'a b', tries: 3 })
    log.close()
    const line: unknown = JSON.parse(readFileSync(path, 'utf8'))
    expect(line).toMatchObject({ msg: 'upload/failed', key: 'a b', tries: 3 })
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  test('holds no secret it was told of, nor one it recognises', () => {
    const path = join(temporaryFolder(), 'engine.log')
    const log = new LogFile({ path, clock })
    log.hide('canary-secret')
    const cause = new Error('signed with canary-secret')
    log.write('error', 'failed canary-secret', {
      detail: 'canary-secret',
      secretAccessKey: 'other',
      error: new PailError('internal/bug', 'canary-secret', {}, cause),
    })
    log.close()
    const text = readFileSync(path, 'utf8')
    expect(text).not.toMatch(/canary-secret|other/)
    expect(text).toContain('signed with')
  })

  test('starts a new file when it is full and keeps one old one', () => {
    const path = join(temporaryFolder(), 'engine.log')
    const log = new LogFile({ path, clock, bytesMax: 1_000 })
    for (let i = 0; i < 100; i++) log.write('info', 'event', { text: 'x'.repeat(100), i })
    log.close()
    expect(existsSync(`${path}.1`)).toBe(true)
    const total = statSync(path).size + statSync(`${path}.1`).size
    expect(total).toBeLessThan(2_600)
    expect(readFileSync(path, 'utf8')).toContain('"i":99')
  })

  test.runIf(existsSync('/dev/full'))('a full disk costs lines, not the engine', () => {
    const log = new LogFile({ path: '/dev/full', clock })
    log.write('info', 'event')
    expect(log.droppedLines).toBe(1)
    log.close()
  })
})
