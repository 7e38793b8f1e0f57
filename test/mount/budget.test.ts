/** How many requests may go into looking for what others store: shown and changed by a person. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pailMount } from '../support/pail-mount.ts'
import { type PlainS3, plainS3Client } from '../support/s3-client.ts'
import { startVersitygw, type Versitygw } from '../support/versitygw.ts'

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

describe('The budget of requests', () => {
  test('is shown and changed on the command line, and kept over a kill of the engine', async () => {
    await s3.createBucket('budget')
    const mount = await pailMount({ server, bucket: 'budget' })
    const shown = await mount.pail.run(['budget'])
    expect(shown.stdout).toContain(`${server.url} (${server.accessKeyId})`)
    expect(shown.stdout).toContain('2,000 list requests a month')
    expect(shown.stdout).toMatch(/this month +[1-9]\d* list, /)

    const set = await mount.pail.run(['budget', server.url, '--set', '50,000'])
    expect(set, set.stderr).toMatchObject({ code: 0 })
    expect(set.stdout).toContain('50,000 list requests a month')
    expect((await mount.status()).requests?.[0]?.listsPerMonth).toBe(50_000)

    const refused = await mount.pail.run(['budget', '--set', 'many'])
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    const unknown = await mount.pail.run(['budget', 'else', '--set', '1'])
    expect(unknown).toMatchObject({ code: 2, stdout: '' })
    expect(unknown.stderr).toContain(server.url)

    await mount.kill9()
    await mount.remount()
    const again = JSON.parse((await mount.pail.run(['budget', '--json'])).stdout)
    expect(again).toMatchObject([{ endpointUrl: server.url, listsPerMonth: 50_000 }])
  })
})
