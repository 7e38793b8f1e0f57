/** Archived objects on a server that somebody else wrote: moto. */
import * as fs from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SystemClock } from '../../engine/base/clock.ts'
import type { ObjectStore } from '../../engine/s3/object-store.ts'
import { S3ObjectService } from '../../engine/s3/s3-object-store.ts'
import { archiveContract } from '../contract/archive-store.ts'
import { pailMount } from '../support/pail-mount.ts'
import { startMoto } from './moto.ts'

const BUCKET = 'cold'
const HEADERS = { 'x-amz-storage-class': 'GLACIER' }

type Moto = Awaited<ReturnType<typeof startMoto>>

/** How moto's restores go on: after so many looks, or at once. */
async function pace({ url }: Moto, transition: object): Promise<void> {
  const body = JSON.stringify({ model_name: 's3::keyrestore', transition })
  const headers = { 'content-type': 'application/json' }
  await fetch(`${url}/moto-api/state-manager/set-transition`, { method: 'POST', headers, body })
}

const slowly = (moto: Moto) => pace(moto, { progression: 'manual', times: 1_000 })
const atOnce = (moto: Moto) => pace(moto, { progression: 'immediate' })

/** What was asked for is under way, as at a provider from the first moment; moto wants a look. */
async function begin(moto: Moto, store: ObjectStore, key: string): Promise<void> {
  await pace(moto, { progression: 'manual', times: 1 })
  await store.head(key)
  await slowly(moto)
}

async function freeze({ url }: Moto, key: string, body: Buffer): Promise<void> {
  await fetch(`${url}/${BUCKET}/${key}`, {
    ...{ method: 'PUT', headers: HEADERS },
    body: new Uint8Array(body),
  })
}

archiveContract('S3ObjectStore on moto', async () => {
  const moto = await startMoto()
  await fetch(`${moto.url}/${BUCKET}`, { method: 'PUT' })
  await slowly(moto)
  const { url, accessKeyId, secretAccessKey } = moto
  const credentials = { accessKeyId, secretAccessKey }
  const service = new S3ObjectService({ endpoint: { url }, credentials, clock: new SystemClock() })
  const store = service.bucket(BUCKET)
  return {
    store,
    freeze: async (key, body) => {
      await slowly(moto)
      await freeze(moto, key, body)
    },
    begin: (key) => begin(moto, store, key),
    finish: () => atOnce(moto),
    close: async () => {
      service.close()
      await moto.stop()
    },
  }
})

describe('A folder on moto', () => {
  let moto: Moto
  beforeAll(async () => {
    moto = await startMoto()
    await fetch(`${moto.url}/${BUCKET}`, { method: 'PUT' })
    await slowly(moto)
  }, 60_000)
  afterAll(async () => {
    await moto?.stop()
  })

  test('refuses an archived file, has it restored once, and reads it when it is there', async () => {
    const bytes = Buffer.alloc(300_000, 'kept for years ')
    await freeze(moto, 'a.bin', bytes)
    const mount = await pailMount({ server: moto, bucket: BUCKET })
    const path = mount.path('a.bin')
    const badge = async () => {
      const { stdout } = await mount.pail.run(['status', '--json', path])
      return JSON.parse(stdout).state.remote.value as string
    }
    await expect(fs.readFile(path)).rejects.toMatchObject({ code: 'EACCES' })
    expect(await badge()).toBe('archived')
    await expect(fs.rename(path, mount.path('b.bin'))).rejects.toMatchObject({ code: 'EACCES' })
    expect(await mount.pail.run(['restore', path])).toMatchObject({ code: 0 })
    expect(await badge()).toBe('restoring')
    await expect(fs.readFile(path)).rejects.toMatchObject({ code: 'EACCES' })
    await atOnce(moto)
    await mount.pail.run(['refresh', path])
    expect(bytes.equals(await fs.readFile(path))).toBe(true)
    expect((await mount.status()).restores).toMatchObject([{ path, state: 'readable' }])
    await fs.rename(path, mount.path('b.bin'))
    await mount.flush()
    expect(bytes.equals(await fs.readFile(mount.path('b.bin')))).toBe(true)
  })
})
