/** The archive of the proxy, which mount tests use: it has to be one. */
import { SystemClock } from '../../engine/base/clock.ts'
import { S3ObjectService } from '../../engine/s3/s3-object-store.ts'
import { ArchiveProxy } from '../support/archive-proxy.ts'
import { FaultProxy } from '../support/fault-proxy.ts'
import { plainS3Client } from '../support/s3-client.ts'
import { startVersitygw } from '../support/versitygw.ts'
import { archiveContract } from './archive-store.ts'

const clock = new SystemClock()
const THREE_DAYS_MS = 3 * 86_400_000

archiveContract('S3ObjectStore on versitygw behind an archive', async () => {
  const server = await startVersitygw()
  const plain = plainS3Client(server)
  await server.createBucket('cold')
  const proxy = await FaultProxy.start(server)
  const archive = new ArchiveProxy(proxy)
  const { accessKeyId, secretAccessKey } = server
  const service = new S3ObjectService({
    endpoint: { url: proxy.url },
    credentials: { accessKeyId, secretAccessKey },
    clock,
  })
  return {
    store: service.bucket('cold'),
    freeze: async (key, body) => {
      await plain.put('cold', key, body)
      archive.freeze(key)
    },
    finish: async () => archive.finish(Date.now() + THREE_DAYS_MS),
    close: async () => {
      service.close()
      plain.close()
      await proxy.stop()
      await server.stop()
    },
  }
})
