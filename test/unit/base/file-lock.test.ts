/** One holder at a time, and none after death. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { lockFile, parseHolder } from '../../../engine/base/file-lock.ts'
import { temporaryFolder } from '../../support/folder.ts'

const ME = { pid: 4711, startedMs: 1_700_000_000_000 }

describe('Lock of a data folder', () => {
  test('refuses a second holder and names the first', () => {
    const path = join(temporaryFolder(), 'engine.lock')
    const lock = lockFile(path, ME)
    expect(() => lockFile(path, { pid: 1, startedMs: 1 })).toThrow(
      expect.objectContaining({ code: 'store/locked', where: { path, ...ME } }),
    )
    lock.release()
    lockFile(path, { pid: 5, startedMs: 6 }).release()
    expect(readFileSync(path, 'utf8')).toBe('5 6\n')
  })

  test('is free again when its holder is killed', async () => {
    const path = join(temporaryFolder(), 'engine.lock')
    const koffi = resolve(import.meta.dirname, '../../../node_modules/koffi')
    const program = `
      const koffi = require(${JSON.stringify(koffi)})
      const flock = koffi.load(null).func('int flock(int, int)')
      const fd = require('fs').openSync(${JSON.stringify(path)}, 'w')
      console.log(flock(fd, 6))
      setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    const [line] = await once(child.stdout, 'data')
    expect(String(line).trim()).toBe('0')
    expect(() => lockFile(path, ME)).toThrow(expect.objectContaining({ code: 'store/locked' }))
    child.kill('SIGKILL')
    await once(child, 'exit')
    lockFile(path, ME).release()
  })

  test('does not follow a link that was planted in its place', () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'precious'), 'text')
    symlinkSync(join(folder, 'precious'), join(folder, 'engine.lock'))
    expect(() => lockFile(join(folder, 'engine.lock'), ME)).toThrow()
    expect(readFileSync(join(folder, 'precious'), 'utf8')).toBe('text')
  })

  test('reads no holder out of a file that says nothing sensible', () => {
    expect(parseHolder('')).toEqual({})
    expect(parseHolder('12 x\n')).toEqual({})
    expect(parseHolder('12 34\n')).toEqual({ pid: 12, startedMs: 34 })
  })
})
