/**
 * Recordings of real programs that save a document, replayed on a mount and on a local disk: both
 * hold the same afterwards, and so does the bucket.
 */
import * as fs from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../support/folder.ts'
import { type PailHome, startPail } from '../support/pail-mount.ts'
import { replay, type SaveTrace, saveTraces, writeBefore } from '../support/replay.ts'
import { type PlainS3, plainS3Client, sha256 } from '../support/s3-client.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const BUCKET = 'traces'

let server: Versitygw
let s3: PlainS3
let mount: PailHome

beforeAll(async () => {
  server = await startVersitygw()
  s3 = plainS3Client(server)
  await s3.createBucket(BUCKET)
  mount = await startPail({ server, bucket: BUCKET })
})

afterAll(async () => {
  await mount?.cleanUp()
  s3?.close()
  await server?.stop()
})

/** What stands in a flat folder: each name with its rights and the hash of its content. */
async function contentOf(dir: string): Promise<Record<string, string>> {
  const content: Record<string, string> = {}
  for (const name of (await fs.readdir(dir)).sort()) {
    const path = join(dir, name)
    const { mode } = await fs.lstat(path)
    const isLink = (mode & fs.constants.S_IFMT) === fs.constants.S_IFLNK
    const bytes = isLink ? Buffer.from(await fs.readlink(path)) : await fs.readFile(path)
    content[name] = `${isLink ? 'link' : (mode & 0o7777).toString(8)} ${sha256(bytes)}`
  }
  return content
}

const hashesOf = (content: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(content).map(([name, text]) => [name, text.split(' ')[1]]))

async function inBucket(folder: string): Promise<Record<string, string>> {
  const keys = (await s3.list(BUCKET, `${folder}/`)).map(({ key }) => key)
  const files = keys.filter((key) => !key.endsWith('/')).sort()
  const hashes = files.map(async (key) => [
    key.slice(folder.length + 1),
    await s3.sha256Of(BUCKET, key),
  ])
  return Object.fromEntries(await Promise.all(hashes))
}

async function localResult(trace: SaveTrace) {
  const local = temporaryFolder()
  await writeBefore(local, trace)
  const before = new Set(Object.values(hashesOf(await contentOf(local))))
  await replay(local, trace)
  const after = await contentOf(local)
  const isNew = (hash: string | undefined) => hash !== undefined && !before.has(hash)
  return { after, changed: Object.values(hashesOf(after)).filter(isNew).length }
}

describe('What a recorded program saves arrives whole, by one upload for each file', () => {
  test.each(saveTraces().map((trace) => [trace.name, trace] as const))(
    '%s',
    async (name, trace) => {
      const { after, changed } = await localResult(trace)
      await fs.mkdir(mount.path(name))
      await writeBefore(mount.path(name), trace)
      await mount.flush()
      await server.resetRequests()
      await replay(mount.path(name), trace)
      await mount.flush()
      const { byAction } = await server.requests()
      expect(byAction.s3_PutObject ?? 0).toBe(changed)
      expect(await contentOf(mount.path(name))).toEqual(after)
      expect(await inBucket(name)).toEqual(hashesOf(after))
    },
  )
})
