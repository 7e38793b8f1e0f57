/**
 * What an object store must do with objects in an archive, run over the in-memory one and over
 * servers that have one.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ObjectStore } from '../../engine/s3/object-store.ts'

export type ArchiveUnderTest = {
  readonly store: ObjectStore
  /** An object, put into the archive. */
  freeze(key: string, body: Buffer): Promise<void>
  /** What a provider does by itself with a restore that was asked for. */
  begin?(key: string): Promise<void>
  /** The provider has the copies ready that were asked for. */
  finish(): Promise<void>
  close(): Promise<void>
}

const BODY = Buffer.from('cold bytes')
const DAY_MS = 86_400_000

export function archiveContract(name: string, open: () => Promise<ArchiveUnderTest>): void {
  describe(`${name} keeps the contract of an archive`, () => {
    let archive: ArchiveUnderTest
    beforeAll(async () => {
      archive = await open()
    }, 60_000)
    afterAll(async () => {
      await archive?.close()
    })

    async function frozen(key: string) {
      await archive.freeze(key, BODY)
      const { store } = archive
      const { etag } = await store.head(key)
      const into = new Uint8Array(BODY.length)
      const read = async () => {
        await store.get({ key, etag, offset: 0, into })
        return Buffer.from(into).toString()
      }
      return { store, etag, read, status: async () => (await store.head(key)).archive }
    }

    test('an archived object is listed as one, and neither read nor copied', async () => {
      const { store, etag, read, status } = await frozen('listed')
      const { objects } = await store.list({ prefix: 'listed' })
      expect(objects.map(({ storageClass }) => storageClass)).toEqual(['GLACIER'])
      expect(await status()).toEqual({ state: 'archived' })
      await expect(read()).rejects.toMatchObject({ code: 's3/archived' })
      const copy = store.copy({ sourceKey: 'listed', key: 'copy', sourceEtag: etag })
      await expect(copy).rejects.toMatchObject({ code: 's3/archived' })
    })

    test('a restore begins, goes on when it is asked for again, and ends with a copy for so many days', async () => {
      const { store, read, status, etag } = await frozen('restored')
      expect(await store.restore({ key: 'restored', days: 3 })).toBe('begun')
      await archive.begin?.('restored')
      expect(await status()).toEqual({ state: 'restoring' })
      await expect(read()).rejects.toMatchObject({ code: 's3/archived' })
      // moto answers 200 in place of 409: what is true, HEAD tells.
      expect(await store.restore({ key: 'restored', days: 3 })).not.toBe('begun')
      expect(await status()).toEqual({ state: 'restoring' })
      await archive.finish()
      const restored = await status()
      if (restored?.state !== 'restored') throw new Error(`it is ${restored?.state}`)
      const leftMs = restored.untilMs - Date.now()
      expect(leftMs).toBeGreaterThan(2 * DAY_MS)
      expect(leftMs).toBeLessThan(5 * DAY_MS)
      expect(await read()).toBe(BODY.toString())
      expect(await store.restore({ key: 'restored', days: 3 })).toBe('readable')
      await store.copy({ sourceKey: 'restored', key: 'thawed', sourceEtag: etag })
      expect((await store.head('thawed')).archive).toBeUndefined()
    })

    test('what is deleted, or written anew, is in no archive any more', async () => {
      const { store } = await frozen('gone')
      await store.put({ key: 'gone', body: BODY })
      expect((await store.head('gone')).archive).toBeUndefined()
      await archive.freeze('gone', BODY)
      await store.delete('gone')
      await expect(store.head('gone')).rejects.toMatchObject({ code: 's3/no-key' })
    })

    test('what is in no archive cannot be restored, and says so', async () => {
      const { store } = archive
      await store.put({ key: 'warm', body: BODY })
      await expect(store.restore({ key: 'warm', days: 1 })).rejects.toMatchObject({
        code: 's3/archived',
      })
    })
  })
}
