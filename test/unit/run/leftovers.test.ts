/** A test run ends what it left behind, and says so. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endLeftovers } from '../../leftovers.mjs'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pail-left-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function startSleeper(args: readonly string[], env: Record<string, string>) {
  const sleeper = 'setTimeout(() => {}, 60_000); process.stdout.write("on")'
  const child = spawn(process.execPath, ['-e', sleeper, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return { child, ready: once(child.stdout, 'data'), ended: once(child, 'exit') }
}

describe('Leftovers', () => {
  test('are none when nothing was started', async () => {
    expect(await endLeftovers(folder, 0)).toEqual([])
  })

  test('are processes whose environment or arguments name the folder', async () => {
    const byEnvironment = startSleeper([], { TMPDIR: folder })
    const byArgument = startSleeper([join(folder, 'data')], {})
    await Promise.all([byEnvironment.ready, byArgument.ready])
    const sentences = await endLeftovers(folder, 0)
    expect(sentences).toHaveLength(2)
    expect(await byEnvironment.ended).toEqual([null, 'SIGKILL'])
    expect(await byArgument.ended).toEqual([null, 'SIGKILL'])
  })

  test('leave processes of others alone', async () => {
    const other = startSleeper([], { TMPDIR: '/tmp' })
    await other.ready
    expect(await endLeftovers(folder, 0)).toEqual([])
    other.child.kill()
    expect(await other.ended).toEqual([null, 'SIGTERM'])
  })
})
