import * as fs from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PailHome, startPail } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client, sha256 } from '../support/s3-client.ts'
import { DOCUMENT, SAVE_SEQUENCES, save } from '../support/save-sequences.ts'
import { Dice } from '../support/tree.ts'
import { expectInBucket, TREE_PROGRAMS } from '../support/tree-programs.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const BUCKET = 'programs'
const dice = new Dice(26)
const CONTENTS = { old: dice.bytes(20_000), new: dice.bytes(30_000), own: dice.bytes(500) }

let server: Versitygw
let s3: PlainS3
let mount: PailHome

beforeAll(async () => {
  server = await startVersitygw()
  s3 = plainS3Client(server)
  await s3.createBucket(BUCKET)
  // Packing removes most of what git stored: nobody is here to be asked about it.
  mount = await startPail({ server, bucket: BUCKET, confirmDeletes: false })
})

afterAll(async () => {
  await mount?.cleanUp()
  s3?.close()
  await server?.stop()
})

/** The keys that were sent whole, in order. */
async function putKeys(): Promise<string[]> {
  const { lines } = await server.requests()
  return lines.map((line) => / s3_PutObject (\S+) /.exec(line)?.[1] ?? '').filter(Boolean)
}

describe('A document that is saved arrives by one upload and leaves nothing beside it', () => {
  test.each(Object.entries(SAVE_SEQUENCES))('by %s', async (name, sequence) => {
    const folder = `document ${Object.keys(SAVE_SEQUENCES).indexOf(name)}`
    await fs.mkdir(mount.path(folder))
    await fs.writeFile(mount.path(folder, DOCUMENT), CONTENTS.old)
    await mount.flush()
    await server.resetRequests()
    await save(mount.path(folder), sequence, CONTENTS)
    await mount.flush()
    expect(await putKeys()).toHaveLength(1)
    expect(await s3.sha256Of(BUCKET, `${folder}/${DOCUMENT}`)).toBe(sha256(CONTENTS.new))
    const keys = (await s3.list(BUCKET, `${folder}/`)).map(({ key }) =>
      key.slice(folder.length + 1),
    )
    expect(keys.filter(Boolean)).toEqual([DOCUMENT])
    expect(await fs.readdir(mount.path(folder))).toEqual([DOCUMENT])
  })
})

describe('Programs', () => {
  test.each(TREE_PROGRAMS)('%s', async (name, script) => {
    const folder = name.replaceAll(/\W+/g, '-')
    const dir = mount.path(folder)
    await fs.mkdir(dir)
    await script(dir, { files: 150, transactions: 40 })
    await expectInBucket({ mount, s3, bucket: BUCKET }, folder)
  })
})
