import { createServer } from 'node:http'
import { describe, expect, test } from 'vitest'
import { SystemClock } from '../../../engine/base/clock.ts'
import { S3ObjectService } from '../../../engine/s3/s3-object-store.ts'
import { errorXml, reply, startFaultServer, xml } from '../../support/fault-server.ts'
import {
  answerBy,
  answerWith,
  BODY,
  EMPTY_LIST,
  ETAG,
  failureOf,
  getPart,
  list,
  part,
  server,
  store,
  withHostileServer,
} from './hostile.ts'

withHostileServer()

describe('Where and when', () => {
  test.each([
    ['a//b', '/bucket/a//b'],
    ['/a', '/bucket//a'],
    ['a/../b', '/bucket/a/../b'],
    ['./a', '/bucket/./a'],
    ['a/', '/bucket/a/'],
    ['a ', '/bucket/a%20'],
    ['a+b%c', '/bucket/a%2Bb%25c'],
  ])('the key %j is sent as it is', async (key, path) => {
    answerWith(reply(200, { etag: '"opaque"', 'x-amz-request-id': 'T' }))
    await store.put({ key, body: BODY })
    expect(server.seen[0]?.target.split('?')[0]).toBe(path)
  })

  test('a named region is used at once, and remembered', async () => {
    answerBy(({ headers }) =>
      headers.authorization?.includes('/eu-west-3/s3/')
        ? xml(200, EMPTY_LIST)
        : errorXml(400, 'AuthorizationHeaderMalformed', '<Region>eu-west-3</Region>'),
    )
    await list()
    await list()
    expect(server.seen).toHaveLength(3)
  })

  test('a region that does not help is reported with the hint, after one retry', async () => {
    const more = '<Endpoint>bucket.s3.eu-west-3.amazonaws.com</Endpoint>'
    answerWith(() => {
      const { chunks, ending } = errorXml(301, 'PermanentRedirect', more)
      const [head = '', body = ''] = chunks
      return {
        chunks: [String(head).replace('\r\n', '\r\nx-amz-bucket-region: eu-west-3\r\n'), body],
        ending,
      }
    })
    expect(await failureOf(list())).toMatchObject({
      code: 's3/wrong-region',
      where: { region: 'eu-west-3', endpoint: 'bucket.s3.eu-west-3.amazonaws.com', status: 301 },
    })
    expect(server.seen).toHaveLength(2)
  })

  test('a clock that stays refused is reported after one retry', async () => {
    answerWith(() => {
      const answer = errorXml(403, 'RequestTimeTooSkewed')
      const [head = '', body = ''] = answer.chunks
      const date = new Date(Date.now() + 7_200_000).toUTCString()
      return { ...answer, chunks: [String(head).replace('\r\n', `\r\nDate: ${date}\r\n`), body] }
    })
    expect(await failureOf(list())).toMatchObject({ code: 'auth/clock-skewed' })
    expect(server.seen).toHaveLength(2)
    const [first, second] = server.seen.map(({ headers }) => headers['x-amz-date'] ?? '')
    expect(hoursBetween(first ?? '', second ?? '')).toBe(2)
  })

  test('nothing is retried but that', async () => {
    answerWith(errorXml(503, 'SlowDown'))
    expect(await failureOf(list())).toMatchObject({ code: 's3/busy' })
    expect(server.seen).toHaveLength(1)
  })

  test('errors carry facts and no secrets', async () => {
    answerWith(errorXml(403, 'AccessDenied'))
    const error = await failureOf(getPart())
    expect(error).toMatchObject({
      code: 'auth/denied',
      where: { bucket: 'bucket', key: 'k', requestId: 'TESTID', status: 403 },
    })
    const shown = JSON.stringify([error.toWire(), error.stack, String(error.cause)])
    expect(shown).not.toMatch(/secret-canary|Signature|Authorization/i)
  })

  test('an abort in the middle ends the call with its reason', async () => {
    answerWith(part({ 'content-length': '10' }, Buffer.from('01234')))
    const reason = new Error('enough')
    const controller = new AbortController()
    const into = new Uint8Array(10)
    const get = store.get({ key: 'k', etag: ETAG, offset: 100, into }, controller.signal)
    setTimeout(() => controller.abort(reason), 30)
    expect(await failureOf(get)).toBe(reason)
  })

  test('a server without TLS where TLS is asked for is told as such', async () => {
    const plain = createServer()
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve))
    const address = plain.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const secure = new S3ObjectService({
      endpoint: { url: `https://127.0.0.1:${port}` },
      credentials: { accessKeyId: 'a', secretAccessKey: 's' },
      clock: new SystemClock(),
    })
    expect(await failureOf(secure.listBuckets())).toMatchObject({ code: 'net/tls' })
    plain.closeAllConnections()
    await new Promise<void>((resolve) => plain.close(() => resolve()))
  })

  test('nobody at the endpoint is told as such', async () => {
    const gone = await startFaultServer()
    await gone.stop()
    const lost = new S3ObjectService({
      endpoint: { url: gone.url },
      credentials: { accessKeyId: 'a', secretAccessKey: 's' },
      clock: new SystemClock(),
    })
    expect(await failureOf(lost.listBuckets())).toMatchObject({ code: 'net/unreachable' })
  })
})

function hoursBetween(one: string, other: string): number {
  const time = (text: string) =>
    Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  return Math.round((time(other) - time(one)) / 3_600_000)
}
