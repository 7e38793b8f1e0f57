import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exerciseFile, type FsxKind } from '../support/fsx.ts'
import { type PailHome, startPail } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client, sha256 } from '../support/s3-client.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const BUCKET = 'exercised'
const OPERATIONS = Number(process.env.PAIL_FSX_OPERATIONS ?? 1_500)
const FIRST_SEED = Number(process.env.PAIL_FSX_SEED ?? 1)

const PLAIN: readonly FsxKind[] = ['read', 'write', 'append', 'truncate', 'sync']
const MAPPED: readonly FsxKind[] = [...PLAIN, 'map-read', 'map-write', 'map-private', 'reopen']
const RANGES: readonly FsxKind[] = [
  ...MAPPED,
  'allocate',
  'allocate-beyond',
  'punch',
  'zero',
  'copy-range',
  'seek',
]

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

describe('A file holds what programs put there', () => {
  test.each([
    { name: 'by reads and writes', kinds: PLAIN },
    { name: 'with closes and new opens between', kinds: [...PLAIN, 'reopen'] as const },
    { name: 'through shared and private maps', kinds: MAPPED },
    { name: 'with ranges that are allocated, punched out, zeroed and copied', kinds: RANGES },
  ])('$name', async ({ name, kinds }) => {
    const seed = FIRST_SEED + kinds.length
    const path = mount.path(name)
    const { operations } = await exerciseFile({ path, seed, operations: OPERATIONS, kinds })
    expect(operations).toBe(OPERATIONS)
    const local = sha256(await readFile(path))
    await mount.flush()
    expect(await s3.sha256Of(BUCKET, name), `in the bucket, seed ${seed}`).toBe(local)
  })
})
