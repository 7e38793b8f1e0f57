/** A mount whose connection to the kernel broke off while its engine lives. */
import { execFile } from 'node:child_process'
import * as fs from 'node:fs/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { isMounted, pailMount } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const run = promisify(execFile)
const SOON = { timeout: 30_000, interval: 100 }

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

describe('A mount that broke off', () => {
  test('is taken away and comes back by itself, in the same engine', async () => {
    await s3.createBucket('broken')
    await s3.put('broken', 'a', 'still here')
    const mount = await pailMount({ server, bucket: 'broken' })
    const pid = mount.enginePid()
    const held = await fs.open(mount.path('a'))
    onTestFinished(() => held.close().catch(() => {}))
    // A forced umount of a folder in use breaks its connection off, and leaves the dead mount there.
    await expect(run('umount', ['-f', mount.dir])).rejects.toThrow('busy')
    const text = () => fs.readFile(mount.path('a'), 'utf8').catch(String)
    await expect.poll(text, SOON).toBe('still here')
    expect(mount.enginePid()).toBe(pid)
    expect((await mount.status()).mounts.map(({ state }) => state)).toEqual(['mounted'])
  })

  test('that somebody took away on purpose stays away', async () => {
    await s3.createBucket('unmounted')
    const mount = await pailMount({ server, bucket: 'unmounted' })
    await run('umount', [mount.dir])
    const states = async () => (await mount.status()).mounts.map(({ state }) => state)
    await expect.poll(states, SOON).toEqual([])
    expect(isMounted(mount.dir)).toBe(false)
  })
})
