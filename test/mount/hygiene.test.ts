/** Goal: uploads that others left open are shown, and only those that a person names are aborted. */
import * as fs from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { FaultProxy } from '../support/fault-proxy.ts'
import { silence } from '../support/faults.ts'
import { pailMount } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import { MIB } from '../support/tree.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

const SOON = { timeout: 20_000, interval: 100 }
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

describe('pail hygiene', () => {
  test('shows uploads of others below the folder, and aborts the one that is named', async () => {
    await s3.createBucket('untidy')
    await s3.put('untidy', 'inside/object', 'here')
    const part = new Uint8Array(5 * MIB)
    const left = await s3.leaveUpload('untidy', 'inside/left', part)
    const kept = await s3.leaveUpload('untidy', 'inside/kept', part)
    const outside = await s3.leaveUpload('untidy', 'outside', part)
    const proxy = await FaultProxy.start(server)
    onTestFinished(() => proxy.stop())
    const options = { server: { ...server, url: proxy.url }, bucket: 'untidy', subpath: 'inside' }
    const mount = await pailMount(options)
    // What the endpoint offers is found out by now.
    await fs.writeFile(mount.path('small'), 'small')
    await mount.flush()
    proxy.spoil({ fault: silence, operations: ['UploadPart', 'CompleteMultipart'] })
    await fs.writeFile(mount.path('own'), new Uint8Array(20 * MIB))
    await expect.poll(() => s3.openUploads('untidy'), SOON).toContain('inside/own')

    const shown = (await mount.pail.run(['hygiene', mount.dir])).stdout
    expect(shown).toContain('2 uploads of others')
    for (const id of [left, kept]) expect(shown).toContain(id)
    for (const not of [outside, 'inside/own']) expect(shown).not.toContain(not)
    expect(shown).toContain('5.2 MB  inside/left')

    const wrong = await mount.pail.run(['hygiene', mount.dir, '--abort', left, '--abort', outside])
    expect(wrong.code).toBe(2)
    expect((await s3.openUploads('untidy')).sort()).toContain('inside/left')
    const right = await mount.pail.run(['hygiene', mount.dir, '--abort', left])
    expect(right.stdout).toContain('1 upload aborted')
    expect((await s3.openUploads('untidy')).sort()).toEqual([
      'inside/kept',
      'inside/own',
      'outside',
    ])
    proxy.heal()
    await mount.flush()
    expect((await s3.openUploads('untidy')).sort()).toEqual(['inside/kept', 'outside'])
  })
})
