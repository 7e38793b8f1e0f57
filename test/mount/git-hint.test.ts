/** A Git repository in a mounted folder: one hint, once, until a person has answered it. */
import { execFile } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { connectEngine } from '../../engine/mounts/client.ts'
import type { EventValue } from '../../shared/engine-contract.ts'
import { type PailHome, pailMount } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const run = promisify(execFile)
const SOON = { timeout: 30_000, interval: 50 }

let server: Versitygw
let s3: PlainS3

beforeAll(async () => {
  server = await startVersitygw()
  s3 = plainS3Client(server)
})

afterAll(async () => {
  s3?.close()
  await server?.stop()
})

async function hintedPaths(mount: PailHome): Promise<string[]> {
  const { mounts } = await mount.status()
  return (mounts[0]?.hints ?? []).map(({ path }) => path)
}

async function raisedBy(mount: PailHome) {
  const engine = await connectEngine(mount.dataDir)
  onTestFinished(() => engine.close())
  const raised: EventValue<'hints/raised'>[] = []
  engine.on('hints/raised', (value) => raised.push(value))
  return raised
}

describe('A Git repository', () => {
  test('that is made in the folder is told of once, until a person dismisses it, also after a restart', async () => {
    await s3.createBucket('git-made')
    const mount = await pailMount({ server, bucket: 'git-made' })
    const raised = await raisedBy(mount)
    expect(await hintedPaths(mount)).toEqual([])
    for (const name of ['one', 'two']) await run('git', ['init', '-q', mount.path(name)])
    await expect.poll(() => raised.length, SOON).toBe(1)
    expect(raised[0]).toMatchObject({ dir: mount.dir, hint: 'git', path: mount.path('one') })
    expect((await mount.pail.run(['status'])).stdout).toContain('is a Git repository')
    await mount.flush()
    await mount.kill9()
    await mount.remount()
    const again = await raisedBy(mount)
    await fs.readdir(mount.path('two'))
    expect(await hintedPaths(mount)).toEqual([mount.path('one')])
    expect(await mount.pail.run(['dismiss', mount.dir])).toMatchObject({ code: 0 })
    expect(await hintedPaths(mount)).toEqual([])
    await run('git', ['init', '-q', mount.path('three')])
    expect(await hintedPaths(mount)).toEqual([])
    expect(again).toEqual([])
  })

  test('that is listed is told of, and no more once the folder is kept on this computer', async () => {
    await s3.createBucket('git-listed')
    await s3.put('git-listed', 'work/repo/.git/HEAD', 'ref: refs/heads/main\n')
    await s3.put('git-listed', 'work/notes.git', 'a file')
    const mount = await pailMount({ server, bucket: 'git-listed' })
    const raised = await raisedBy(mount)
    await fs.readdir(mount.path('work/repo'))
    await expect.poll(() => raised.map(({ path }) => path), SOON).toEqual([mount.path('work/repo')])
    await mount.pail.run(['pin', mount.path('work')])
    expect(await hintedPaths(mount)).toEqual([])
  })
})
