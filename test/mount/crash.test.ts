import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Database } from '../../engine/store/database.ts'
import { temporaryFolder } from '../support/folder.ts'
import { runKillCycles } from '../support/kill-cycles.ts'
import { pailHome, pailMount, waitForEnd } from '../support/pail-mount.ts'
import { runRecoveryKills } from '../support/recovery-kills.ts'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import { hashOfFile, MIB, writeLarge } from '../support/tree.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const NOTHING_WRONG = {
  lost: [],
  corrupt: [],
  resurrected: [],
  torn: [],
  unknown: [],
  unfinishedUploads: [],
}
const SOON = { timeout: 30_000, interval: 5 }

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

function printedSeed(): number {
  const seed = Number(process.env.PAIL_SEED ?? Math.floor(Math.random() * 1e9))
  console.log(`PAIL_SEED=${seed}`)
  return seed
}

describe('kill -9 of the engine', () => {
  test('loses nothing that programs were promised while they work', async () => {
    await s3.createBucket('cycles')
    const figures = await runKillCycles({
      cycles: 6,
      seed: printedSeed(),
      server,
      bucket: 'cycles',
      compareEvery: 3,
    })
    console.log(JSON.stringify(figures))
    expect(figures).toMatchObject(NOTHING_WRONG)
    expect(figures.acknowledged).toBeGreaterThan(50)
  })

  test('amid the upload of a large file goes on with the parts that are there', async () => {
    const bucket = 'parts'
    await s3.createBucket(bucket)
    await server.resetRequests()
    const mount = await pailMount({ server, bucket })
    await writeLarge(mount.path('large'), 120 * MIB, 1)
    await vi.waitFor(async () => {
      const { byAction } = await server.requests()
      expect(byAction.s3_UploadPart ?? 0).toBeGreaterThan(2)
    }, SOON)
    await mount.kill9()
    expect(await s3.head(bucket, 'large')).toBeUndefined()
    const hash = await reference(120 * MIB, 1)

    await mount.remount()
    expect(await hashOfFile(mount.path('large'))).toBe(hash)
    await mount.flush()
    expect(await s3.sha256Of(bucket, 'large')).toBe(hash)
    expect(await s3.openUploads(bucket)).toEqual([])
    const begun = (await server.requests()).lines.filter((line) =>
      line.includes('s3_CreateMultipartUpload large '),
    )
    expect(begun).toHaveLength(1)
  })

  test('keeps what was removed and renamed removed and renamed', async () => {
    const bucket = 'names'
    await s3.createBucket(bucket)
    for (let index = 0; index < 40; index++) await s3.put(bucket, `old/${index}`, `old ${index}`)
    const mount = await pailMount({ server, bucket })
    for (let index = 0; index < 20; index++) await fs.unlink(mount.path('old', `${index}`))
    await fs.rename(mount.path('old'), mount.path('new'))
    await fs.rename(mount.path('new', '20'), mount.path('new', '21'))
    await mount.kill9()

    await mount.remount()
    const names = Array.from({ length: 19 }, (_, index) => `${index + 21}`)
    expect(await fs.readdir(mount.dir)).toEqual(['new'])
    expect((await fs.readdir(mount.path('new'))).sort()).toEqual(names)
    expect(await fs.readFile(mount.path('new', '21'), 'utf8')).toBe('old 20')
    await mount.flush()
    const keys = (await s3.list(bucket)).map(({ key }) => key).filter((key) => !key.endsWith('/'))
    expect(keys).toEqual(names.map((name) => `new/${name}`))
    expect(new TextDecoder().decode(await s3.get(bucket, 'new/21'))).toBe('old 20')
  })

  test('is told by pail status, with what is not in the bucket', async () => {
    const bucket = 'told'
    await s3.createBucket(bucket)
    const mount = await pailMount({ server, bucket })
    await mount.pail.run(['pause'])
    await fs.writeFile(mount.path('saved'), 'saved')
    const pid = mount.enginePid()
    await mount.kill9()
    const dead = await vi.waitFor(async () => {
      const told = await mount.pail.run(['status'])
      expect(told.code).toBe(9)
      return told
    }, SOON)
    expect(dead.stdout).toContain(`${mount.dir}: nobody serves this folder`)
    expect(dead.stdout).toContain('Not in the bucket yet: 1 file, 5 bytes.')
    expect(mount.enginePid()).toBe(pid)

    await mount.remount()
    const waiting = await mount.pail.run(['status'])
    expect(waiting.stdout).toContain(`${bucket}/saved (5 bytes): Uploads are paused.`)
    await mount.pail.run(['resume'])
    await mount.flush()
    await mount.unmount()
    await waitForEnd(mount.enginePid())
    const done = await mount.pail.run(['status'])
    expect([done.code, done.stdout]).toEqual([0, 'No engine is running, nothing is mounted.\n'])
  })

  test('during the recovery from the last one loses nothing either', async () => {
    const bucket = 'recovery'
    await s3.createBucket(bucket)
    const figures = await runRecoveryKills({ kills: 8, seed: printedSeed(), server, bucket })
    expect(figures).toMatchObject({ files: 300, wrong: [] })
  })
})

describe('Records that contradict each other', () => {
  test('make the folder read-only, in a sentence, and keep the bucket as it is', async () => {
    const bucket = 'records'
    await s3.createBucket(bucket)
    await s3.put(bucket, 'known', 'known content')
    const mount = await pailMount({ server, bucket })
    expect(await fs.readFile(mount.path('known'), 'utf8')).toBe('known content')
    await mount.pail.run(['pause'])
    await fs.writeFile(mount.path('new'), 'new content')
    await mount.kill9()
    await tamper(mount.dataDir, "UPDATE node SET kind = 77 WHERE name = 'new'")

    await mount.remount()
    const view = async () => (await mount.status()).mounts[0]
    expect(await fs.readFile(mount.path('known'), 'utf8')).toBe('known content')
    await expect(fs.writeFile(mount.path('more'), 'x')).rejects.toThrow('EROFS')
    await expect(fs.unlink(mount.path('known'))).rejects.toThrow('EROFS')
    expect(await view()).toMatchObject({ state: 'read-only-fault', readOnly: true })
    expect((await view())?.reason).toContain('contradict')
    const status = await mount.pail.run(['status'])
    expect(status.code).toBe(8)
    expect(status.stdout).toContain('contradict')
    await mount.pail.run(['resume'])
    expect((await s3.list(bucket)).map(({ key }) => key)).toEqual(['known'])

    await mount.unmount()
    await mount.kill9()
    await tamper(mount.dataDir, 'UPDATE node SET kind = 0 WHERE kind = 77')
    await mount.remount()
    expect(await fs.readFile(mount.path('new'), 'utf8')).toBe('new content')
    await mount.flush()
    expect((await s3.list(bucket)).map(({ key }) => key)).toEqual(['known', 'new'])
    expect(await view()).toMatchObject({ state: 'mounted', readOnly: false })
  })
})

/** Changes the database of a folder whose engine was killed; its last threads may hold it a moment. */
async function tamper(dataDir: string, sql: string): Promise<void> {
  const database = await vi.waitFor(() => Database.open(join(dataDir, 'pail.db')), SOON)
  database.writeNow(() => database.run(sql))
  database.close()
}

describe('A second engine', () => {
  test('on the same data folder is refused, on another one it works', async () => {
    const bucket = 'second'
    await s3.createBucket(bucket)
    const first = await pailMount({ server, bucket })
    await fs.writeFile(first.path('a'), 'from the first')
    const same = await pailHome({ server, bucket, dataDir: first.dataDir })
    const refused = await same.startForeground().finished
    expect(refused.code).toBe(6)
    expect(refused.stderr).toBe(
      `pail: The data folder is used by another engine (process ${first.enginePid()}). Stop it, or use another folder with --data-dir.\n`,
    )
    expect(await fs.readdir(same.dir)).toEqual([])
    expect(await fs.readFile(first.path('a'), 'utf8')).toBe('from the first')

    await first.flush()
    const other = await pailMount({ server, bucket })
    expect(other.enginePid()).not.toBe(first.enginePid())
    expect(await fs.readFile(other.path('a'), 'utf8')).toBe('from the first')
  })
})

/** SHA-256 of what `writeLarge` writes, from an ordinary file. */
async function reference(sizeBytes: number, seed: number): Promise<string> {
  const path = join(temporaryFolder(), 'reference')
  await writeLarge(path, sizeBytes, seed)
  return hashOfFile(path)
}
