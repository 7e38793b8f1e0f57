import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { SystemClock } from '../../../engine/base/clock.ts'
import { findHolders } from '../../../engine/mounts/holders.ts'
import { holdersSentence } from '../../../shared/unmounting.ts'

const clock = new SystemClock()

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'pail-holders-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** A process that has `file` open and works in `cwd`; told by a line that it has. */
async function holder(cwd: string, file: string): Promise<number> {
  const script = 'exec 3<"$1"; echo ready; read line'
  const child = spawn('/bin/sh', ['-c', script, 'sh', file], {
    cwd,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()))
  return child.pid ?? -1
}

describe('Programs that hold a folder', () => {
  test('are found by an open file and by where they work, and by nothing beside it', async () => {
    const root = folder()
    const dir = join(root, 'mnt')
    mkdirSync(dir)
    mkdirSync(`${dir}-other`)
    writeFileSync(join(dir, 'data'), 'x')
    const opened = await holder('/', join(dir, 'data'))
    const working = await holder(dir, '/dev/null')
    await holder(`${dir}-other`, '/dev/null')
    const { holders } = await findHolders(dir, { clock })
    expect(holders.map(({ pid, paths }) => [pid, paths]).sort()).toEqual(
      [
        [opened, [join(dir, 'data')]],
        [working, [dir]],
      ].sort(),
    )
    expect(holders[0]?.program).toMatch(/^(sh|dash|bash)$/)
    expect((await findHolders(join(root, 'none'), { clock })).holders).toEqual([])
  })

  test('are told in one sentence', () => {
    const named = (program: string, pid: number) => ({ program, pid, paths: [] })
    expect(holdersSentence([named('vim', 1)])).toBe('vim (1)')
    const many = ['a', 'b', 'c', 'd', 'e'].map(named)
    expect(holdersSentence(many)).toBe('a (0), b (1), c (2) and 2 more')
  })
})
