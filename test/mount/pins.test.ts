/** Files that a person keeps on this computer. */

import * as fs from 'node:fs/promises'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PinCheckView, PinTotalView, PinView } from '../../shared/keeping-contract.ts'
import { type PailHome, pailMount } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client, sha256 } from '../support/s3-client.ts'
import { Dice, MIB } from '../support/tree.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const KEPT = { timeout: 60_000, interval: 200 }
const SEED = 77

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

type Pins = {
  readonly pins: PinView[]
  readonly total: PinTotalView
  readonly check?: PinCheckView
}

async function pins(mount: PailHome, ...flags: string[]): Promise<Pins & { code: number | null }> {
  const { stdout, code } = await mount.pail.run(['pins', '--json', ...flags], {
    timeoutMs: 120_000,
  })
  return { ...(JSON.parse(stdout) as Pins), code }
}

async function pailDo(mount: PailHome, ...words: string[]): Promise<void> {
  const finished = await mount.pail.run(words)
  if (finished.code !== 0) throw new Error(JSON.stringify(finished))
}

async function bucketWith(bucket: string, files: Record<string, Buffer>): Promise<PailHome> {
  await s3.createBucket(bucket)
  for (const [key, bytes] of Object.entries(files)) await s3.put(bucket, key, bytes)
  return pailMount({ server, bucket })
}

describe('A folder that is kept on this computer', () => {
  test('is read with the server away, new children and new versions included', async () => {
    const dice = new Dice(SEED)
    const files = {
      'p/a': dice.bytes(3 * MIB + 17),
      'p/deep/er/b': dice.bytes(70_000),
      'p/left/out': dice.bytes(5_000),
      'other/c': dice.bytes(5_000),
    }
    const mount = await bucketWith('kept', files)
    await pailDo(mount, 'pin', mount.path('p'))
    await pailDo(mount, 'pin', '--exclude', mount.path('p/left'))
    const percents = async () => (await pins(mount)).pins.map(({ percent }) => percent)
    await expect.poll(percents, KEPT).toEqual([100, 0])
    expect((await pins(mount)).total).toMatchObject({ files: 2, readyFiles: 2 })

    const [changed, added] = [dice.bytes(2 * MIB), dice.bytes(9_000)]
    await s3.put('kept', 'p/a', changed)
    await s3.put('kept', 'p/deep/new', added)
    const checked = await pins(mount, '--check')
    expect(checked.code).toBe(0)
    expect(checked.check).toMatchObject({ isReady: true, isListed: true, files: 3, missing: [] })

    expect((await fs.stat(mount.path('other/c'))).size).toBe(5_000)
    await server.pause()
    try {
      expect(sha256(await fs.readFile(mount.path('p/a')))).toBe(sha256(changed))
      expect(sha256(await fs.readFile(mount.path('p/deep/new')))).toBe(sha256(added))
      const b = await fs.readFile(mount.path('p/deep/er/b'))
      expect(sha256(b)).toBe(sha256(files['p/deep/er/b']))
      await expect(fs.readFile(mount.path('other/c'))).rejects.toThrow('EIO')
      const { unavailable = [] } = await mount.status()
      expect(unavailable.map(({ path }) => path)).toEqual([mount.path('other/c')])
    } finally {
      server.resume()
    }
    await pailDo(mount, 'unpin', mount.path('p'))
    expect((await pins(mount)).pins.map(({ mode }) => mode)).toEqual(['excluded'])
  })

  test('goes on where it was after a kill, and a check finds and mends damaged blocks', async () => {
    const dice = new Dice(SEED + 1)
    const names = Array.from({ length: 12 }, (_, index) => `p/${index}`)
    const files = Object.fromEntries(names.map((name) => [name, dice.bytes(2 * MIB)]))
    const mount = await bucketWith('killed', files)
    await pailDo(mount, 'pin', mount.path('p'))
    await expect.poll(async () => (await pins(mount)).total.readyBytes, KEPT).toBeGreaterThan(0)
    await mount.kill9()
    await mount.remount()
    await expect.poll(async () => (await pins(mount)).total.percent, KEPT).toBe(100)

    await mount.unmount()
    const folder = join(mount.dataDir, 'cache')
    const blocks = (await fs.readdir(folder, { recursive: true, withFileTypes: true })).filter(
      (entry) => entry.isFile(),
    )
    const [first, second] = blocks.map((entry) => join(entry.parentPath, entry.name))
    if (!first || !second) throw new Error('nothing is in the cache')
    const file = await fs.open(first, 'r+')
    await file.write(Buffer.from('damaged'), 0, 7, MIB)
    await file.close()
    await rm(second)
    await mount.remount()
    const { check, code } = await pins(mount, '--check')
    expect(check).toMatchObject({ isReady: true, files: 12, readyFiles: 12 })
    expect(code).toBe(0)
    await server.resetRequests()
    for (const [name, bytes] of Object.entries(files)) {
      expect(sha256(await fs.readFile(mount.path(name))), name).toBe(sha256(bytes))
    }
    expect((await server.requests()).byAction.s3_GetObject ?? 0).toBe(0)
  })

  test('stays kept when an editor saves by renaming a new file over it', async () => {
    const mount = await bucketWith('edited', { 'notes.txt': Buffer.from('first') })
    await pailDo(mount, 'pin', mount.path('notes.txt'))
    await fs.writeFile(mount.path('.notes.tmp'), 'second')
    await fs.rename(mount.path('.notes.tmp'), mount.path('notes.txt'))
    expect((await pins(mount)).pins.map(({ path }) => path)).toEqual([mount.path('notes.txt')])
  })
})
