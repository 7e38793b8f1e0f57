import { createServer, type ServerOptions } from 'node:https'
import { describe, expect, onTestFinished, test } from 'vitest'
import { SystemClock } from '../../../engine/base/clock.ts'
import { S3ObjectService } from '../../../engine/s3/s3-object-store.ts'
import { PailError } from '../../../shared/errors.ts'
import { selfSigned } from '../../support/certificate.ts'

const DAY_MS = 86_400_000
const now = Date.now()
const valid = selfSigned(new Date(now - DAY_MS), new Date(now + DAY_MS))
const expired = selfSigned(new Date(now - 3 * DAY_MS), new Date(now - DAY_MS))
const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const

async function refusedBy(options: ServerOptions) {
  let requests = 0
  const server = createServer(options, (_, response) => {
    requests++
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const service = new S3ObjectService({
    endpoint: { url: `https://127.0.0.1:${port}` },
    credentials: { accessKeyId: 'a', secretAccessKey: 's' },
    clock: new SystemClock(),
  })
  onTestFinished(async () => {
    service.close()
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  })
  const code = await service.listBuckets().then(
    () => 'accepted',
    (thrown) => PailError.from(thrown).code,
  )
  return { code, requests }
}

describe('A server over TLS', () => {
  test.each([
    ['with a certificate of its own', valid],
    ['with one that has expired', expired],
    ['that speaks TLS 1.1 at the most', { ...valid, ...old }],
  ])('%s is refused before anything is sent to it', async (_, options) => {
    expect(await refusedBy(options)).toEqual({ code: 'net/tls', requests: 0 })
  })
})
