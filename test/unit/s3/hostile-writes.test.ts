import { createHash, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { SystemClock } from '../../../engine/base/clock.ts'
import { S3ObjectService } from '../../../engine/s3/s3-object-store.ts'
import { PailError } from '../../../shared/errors.ts'
import {
  type Answer,
  errorXml,
  page,
  reply,
  reset,
  silence,
  xml,
} from '../../support/fault-server.ts'
import {
  answerBy,
  answerWith,
  BODY,
  ETAG,
  failureOf,
  SECRET,
  server,
  store,
  withHostileServer,
} from './hostile.ts'

withHostileServer()

const MIB = 1024 * 1024

/** Reads no body until it is told to, and answers then. */
async function startDeafServer() {
  let hear: (etag: string) => void = () => {}
  const etag = new Promise<string>((resolve) => {
    hear = resolve
  })
  const http = createServer((request, response) => {
    void etag.then((value) => {
      request.on('end', () => response.writeHead(200, { etag: value }).end()).resume()
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const { port } = http.address() as AddressInfo
  const stop = () => {
    http.close()
    http.closeAllConnections()
  }
  return { url: `http://127.0.0.1:${port}`, read: hear, stop }
}

describe('A write', () => {
  const md5 = createHash('md5').update(BODY).digest()
  const put = () => store.put({ key: 'k', body: BODY })

  test('carries digests that let the server refuse changed bytes', async () => {
    answerWith(reply(200, { etag: `"${md5.toString('hex')}"`, 'x-amz-request-id': 'T' }))
    await put()
    const { headers, body } = server.seen[0] ?? { headers: {}, body: BODY }
    expect(headers).toMatchObject({
      'content-md5': md5.toString('base64'),
      'x-amz-content-sha256': createHash('sha256').update(BODY).digest('hex'),
      'content-length': '10',
    })
    expect(body).toEqual(BODY)
    const names = Object.keys(headers).join(' ')
    expect(names).not.toMatch(/x-amz-acl|trailer|transfer-encoding|x-amz-checksum|expect/)
    expect(JSON.stringify(headers)).not.toContain(SECRET)
  })

  test('tells how far a large body is, and sends the bytes as they are', async () => {
    const large = randomBytes(600 * 1024 + 1)
    const digest = createHash('md5').update(large).digest('hex')
    answerWith(reply(200, { etag: `"${digest}"`, 'x-amz-request-id': 'T' }))
    const before = server.seen.length
    const sent: number[] = []
    await store.put({ key: 'k', body: large, onSent: (bytes) => sent.push(bytes) })
    expect(sent).toEqual([512 * 1024, large.length])
    const { headers, body } = server.seen[before] ?? { headers: {}, body: BODY }
    expect(headers).toMatchObject({ 'content-length': String(large.length) })
    expect(Buffer.compare(body, large)).toBe(0)
  })

  test('tells no more than what the server has room for while it does not read', async () => {
    const large = Buffer.alloc(32 * MIB)
    const deaf = await startDeafServer()
    onTestFinished(() => deaf.stop())
    const service = new S3ObjectService({
      endpoint: { url: deaf.url },
      credentials: { accessKeyId: 'access', secretAccessKey: SECRET },
      clock: new SystemClock(),
    })
    onTestFinished(() => service.close())
    let sentBytes = 0
    const onSent = (bytes: number) => {
      sentBytes = bytes
    }
    const stored = service.bucket('bucket').put({ key: 'k', body: large, onSent })
    await expect.poll(() => sentBytes).toBeGreaterThan(0)
    expect(sentBytes).toBeLessThan(large.length)
    deaf.read(`"${createHash('md5').update(large).digest('hex')}"`)
    await stored
    expect(sentBytes).toBe(large.length)
  })

  const wrong: Array<[string, Answer, string]> = [
    [
      'the ETag of other bytes',
      reply(200, { etag: ETAG, 'x-amz-request-id': 'T' }),
      's3/integrity',
    ],
    ['no ETag', reply(200, { 'x-amz-request-id': 'T' }), 's3/bad-reply'],
    ['a sign-in page', page(), 'net/captive-portal'],
    ['a page with an ETag', page(200, { etag: `"${md5.toString('hex')}"` }), 'net/captive-portal'],
    ['a digest that does not fit', errorXml(400, 'BadDigest'), 's3/integrity'],
    ['a condition that fails', errorXml(412, 'PreconditionFailed'), 's3/precondition'],
    ['too many bytes', errorXml(400, 'EntityTooLarge'), 's3/too-large'],
    ['silence', silence(), 'net/timeout'],
    ['a reset', reset(), 'net/reset'],
  ]
  test.each(wrong)('fails on %s', async (_, answer, code) => {
    answerWith(answer)
    expect(await failureOf(put())).toMatchObject({ code })
  })

  test('accepts the opaque ETag of an encrypted object', async () => {
    answerWith(reply(200, { etag: ETAG, 'x-amz-server-side-encryption': 'aws:kms' }))
    expect(await put()).toEqual({ etag: ETAG })
    answerWith(reply(200, { etag: '"opaque-1"', 'x-amz-request-id': 'T' }))
    expect(await put()).toEqual({ etag: '"opaque-1"' })
  })

  test('regression: an empty answer that calls itself a page was taken for a sign-in page', async () => {
    const html = { 'content-type': 'text/html; charset=utf-8', 'content-length': '0' }
    const etag = `"${md5.toString('hex')}"`
    answerWith(reply(200, { ...html, etag }))
    expect(await put()).toEqual({ etag })
    answerWith(reply(200, html))
    expect(await failureOf(put())).toMatchObject({ code: 's3/bad-reply' })
    answerWith(reply(404, html))
    expect(await failureOf(store.head('k'))).toMatchObject({ code: 's3/no-key' })
    answerWith(reply(204, { 'content-type': 'text/html; charset=utf-8' }))
    await store.delete('k')
    answerWith(reply(200, html))
    expect(await failureOf(store.delete('k'))).toMatchObject({ code: 's3/bad-reply' })
  })

  const complete = () =>
    store.completeMultipart({ key: 'k', uploadId: 'u', parts: [{ partNumber: 1, etag: ETAG }] })
  const copy = () => store.copy({ sourceKey: 's', key: 'k' })

  test.each([
    ['completing', complete],
    ['copying', copy],
  ])('%s with status 200 and an error is that error', async (_, work) => {
    answerWith(errorXml(200, 'SlowDown'))
    expect(await failureOf(work())).toMatchObject({ code: 's3/busy', where: { status: 200 } })
    answerWith(reply(200, { 'x-amz-request-id': 'T' }, '   \n  '))
    expect(await failureOf(work())).toMatchObject({ code: 's3/bad-reply' })
    answerWith(page())
    expect(await failureOf(work())).toMatchObject({ code: 'net/captive-portal' })
  })

  test('completing accepts white space before the answer', async () => {
    const document = `<CompleteMultipartUploadResult><ETag>${ETAG}</ETag></CompleteMultipartUploadResult>`
    answerWith(reply(200, { 'x-amz-request-id': 'T' }, `   \n<?xml version="1.0"?>${document}`))
    expect(await complete()).toEqual({ etag: ETAG })
  })
})

describe('A delete', () => {
  test('is not believed when a sign-in page answers', async () => {
    answerWith(page())
    expect(await failureOf(store.delete('k'))).toMatchObject({ code: 'net/captive-portal' })
    answerWith(page(404))
    expect(await failureOf(store.delete('k'))).toMatchObject({ code: 's3/not-s3' })
  })

  test('of many counts a key that the answer leaves out as still there', async () => {
    const denied = '<Error><Key>b</Key><Code>AccessDenied</Code><Message>no</Message></Error>'
    answerWith(xml(200, `<DeleteResult><Deleted><Key>a</Key></Deleted>${denied}</DeleteResult>`))
    expect(await store.deleteBatch(['a', 'b', 'c'])).toEqual([
      { key: 'b', code: 'AccessDenied', message: 'no' },
      { key: 'c', code: 'Unanswered', message: '' },
    ])
    expect(server.seen[0]?.headers['content-md5']).toBe(
      createHash('md5')
        .update(server.seen[0]?.body ?? '')
        .digest('base64'),
    )
  })

  test('of many uses another checksum where MD5 is refused', async () => {
    answerBy(({ headers }) =>
      headers['content-md5']
        ? xml(400, '<Error><Code>InvalidRequest</Code><Message>Missing checksum</Message></Error>')
        : xml(200, '<DeleteResult><Deleted><Key>a</Key></Deleted></DeleteResult>'),
    )
    expect(await store.deleteBatch(['a'])).toEqual([])
    expect(server.seen[1]?.headers['x-amz-checksum-crc32']).toBeTruthy()
  })

  test('of very long keys goes in requests no longer than those of a thousand keys of S3', async () => {
    answerBy(({ body }) => {
      const keys = [...String(body).matchAll(/<Key>(\w+)<\/Key>/g)].map(([, key]) => key)
      const deleted = keys.map((key) => `<Deleted><Key>${key}</Key></Deleted>`)
      return xml(200, `<DeleteResult>${deleted.join('')}</DeleteResult>`)
    })
    const keys = Array.from({ length: 300 }, (_, index) => String(index).padStart(8_000, 'k'))
    expect(await store.deleteBatch(keys)).toEqual([])
    expect(server.seen).toHaveLength(3)
    for (const { body } of server.seen) expect(body.length).toBeLessThan(1_100_000)
  })

  test('of keys that XML cannot carry goes one by one', async () => {
    answerWith(reply(204, { 'x-amz-request-id': 'T' }))
    expect(await store.deleteBatch(['a\u0001', 'b\r'])).toEqual([])
    expect(server.seen.map(({ method, target }) => `${method} ${target.split('?')[0]}`)).toEqual([
      'DELETE /bucket/a%01',
      'DELETE /bucket/b%0D',
    ])
  })
})

describe('A multipart upload', () => {
  const opened = '<InitiateMultipartUploadResult><UploadId>u</UploadId>'

  test('is asked for only after the caller has it on record, with the time that it will have', async () => {
    answerWith(xml(200, `${opened}</InitiateMultipartUploadResult>`))
    const before = Date.now()
    const seen: Array<{ readonly requests: number; readonly isNow: boolean }> = []
    const beforeSend = async (nowMs: number) => {
      seen.push({
        requests: server.seen.length,
        isNow: Math.floor(nowMs) >= before - 1 && nowMs <= Date.now() + 1,
      })
    }
    expect(await store.createMultipart({ key: 'k', beforeSend })).toEqual({ uploadId: 'u' })
    expect(seen).toEqual([{ requests: 0, isNow: true }])
  })

  test('is not asked for when it cannot be put on record', async () => {
    answerWith(xml(200, `${opened}</InitiateMultipartUploadResult>`))
    const beforeSend = async () => {
      throw new PailError('store/disk-full', 'no space')
    }
    const work = store.createMultipart({ key: 'k', beforeSend })
    expect(await failureOf(work)).toMatchObject({ code: 'store/disk-full' })
    expect(server.seen).toEqual([])
  })
})
