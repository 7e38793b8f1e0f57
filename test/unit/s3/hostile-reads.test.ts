import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { describe, expect, test } from 'vitest'
import { SystemClock } from '../../../engine/base/clock.ts'
import { md5HexOf } from '../../../engine/s3/digest.ts'
import type { Etag } from '../../../engine/s3/object-store.ts'
import { S3ObjectService } from '../../../engine/s3/s3-object-store.ts'
import { ERRORS } from '../../../shared/errors.ts'
import { type Answer, errorXml, page, reply, reset, silence } from '../../support/fault-server.ts'
import {
  answerWith,
  BODY,
  cut,
  ETAG,
  failureOf,
  getPart,
  OTHER_ETAG,
  part,
  SECRET,
  server,
  store,
  withHostileServer,
} from './hostile.ts'

withHostileServer()

describe('A ranged read', () => {
  test('takes the right answer, and asks for one version only', async () => {
    answerWith(part())
    expect(Buffer.from(await getPart())).toEqual(BODY)
    expect(server.seen[0]?.headers).toMatchObject({ 'if-match': ETAG, range: 'bytes=100-109' })
  })

  const wrong: Array<[string, Answer, string]> = [
    ['a shifted Content-Range', part({ 'content-range': 'bytes 101-110/1000' }), 's3/bad-reply'],
    ['no Content-Range', part({ 'content-range': '' }), 's3/bad-reply'],
    [
      'a Content-Range of another length',
      part({ 'content-range': 'bytes 100-110/1000' }),
      's3/bad-reply',
    ],
    ['a range behind the object', part({ 'content-range': 'bytes 100-109/50' }), 's3/bad-reply'],
    ['status 200 to a range', part({ 'content-range': '' }, BODY, 200), 's3/bad-reply'],
    ['another ETag', part({ etag: OTHER_ETAG }), 's3/precondition'],
    ['no ETag', part({ etag: '' }), 's3/bad-reply'],
    ['a garbage ETag', part({ etag: 'a b c' }), 's3/bad-reply'],
    ['a longer body', part({}, Buffer.from('0123456789X')), 's3/bad-reply'],
    [
      'a body that goes on behind its length',
      part({ 'content-length': '10' }, Buffer.from('0123456789X')),
      's3/bad-reply',
    ],
    ['a shorter body', part({}, Buffer.from('012345678')), 's3/bad-reply'],
    ['a body cut off', cut(part({}, Buffer.from('01234')), 'close'), 's3/bad-reply'],
    [
      'a body cut off behind the right headers',
      cut(part({ 'content-length': '10' }, Buffer.from('01234')), 'close'),
      'net/reset',
    ],
    [
      'a reset in the body',
      cut(part({ 'content-length': '10' }, Buffer.from('01234')), 'reset'),
      'net/reset',
    ],
    ['a stalled body', part({ 'content-length': '10' }, Buffer.from('01234')), 'net/timeout'],
    ['a length of 2^63', part({ 'content-length': '9223372036854775807' }), 's3/bad-reply'],
    ['a negative length', part({ 'content-length': '-1' }), 's3/bad-reply'],
    ['no length at all', cut(part({ 'content-length': '' }), 'close'), 's3/bad-reply'],
    [
      'a chunked body',
      part(
        { 'content-length': '', 'transfer-encoding': 'chunked' },
        Buffer.from('a\r\n0123456789\r\n0\r\n\r\n'),
      ),
      's3/bad-reply',
    ],
    ['a sign-in page', page(), 'net/captive-portal'],
    [
      'a redirect to a sign-in page',
      page(302, { location: 'http://login.example/x' }),
      'net/captive-portal',
    ],
    ['status 204', reply(204, { 'x-amz-request-id': 'T', etag: ETAG }), 's3/bad-reply'],
    ['an error with status 200', errorXml(200, 'InternalError'), 's3/bad-reply'],
    ['an error body of 500', errorXml(500, 'InternalError'), 's3/server'],
    ['a busy server', errorXml(503, 'SlowDown'), 's3/busy'],
    ['an archived object', errorXml(403, 'InvalidObjectState'), 's3/archived'],
    ['a range that cannot be', errorXml(416, 'InvalidRange'), 's3/precondition'],
    ['a changed object', errorXml(412, 'PreconditionFailed'), 's3/precondition'],
    ['a header of 1 MB', part({ 'x-amz-meta-big': 'x'.repeat(1_000_000) }), 's3/bad-reply'],
    ['silence', silence(), 'net/timeout'],
    ['a reset', reset(), 'net/reset'],
    ['what is no HTTP', { chunks: ['SSH-2.0-OpenSSH_9.2\r\n'], ending: 'close' }, 's3/bad-reply'],
  ]
  test.each(wrong)('refuses %s', async (_, answer, code) => {
    answerWith(answer)
    expect(await failureOf(getPart())).toMatchObject({ code })
  })

  test.each([0, 1, 4095, 4096, 4097, 8191, 9999])(
    'gives nothing of a body that breaks off after %i bytes, and the whole one next time',
    async (bytes) => {
      const body = Buffer.alloc(10_000, 'content ')
      const headers = { 'content-range': 'bytes 100-10099/20000', 'content-length': '10000' }
      answerWith((nth) =>
        nth === 1
          ? cut(part(headers, body.subarray(0, bytes)), 'reset')
          : nth === 2
            ? errorXml(500, 'InternalError')
            : part(headers, body),
      )
      const read = async () => {
        const into = Buffer.alloc(10_000)
        const failure = await failureOf(store.get({ key: 'k', etag: ETAG, offset: 100, into }))
        return { into, code: failure.code }
      }
      expect((await read()).code).toBe('net/reset')
      const refused = await read()
      expect(refused.code).toBe('s3/server')
      expect(refused.into.includes('Error')).toBe(false)
      const { into, code } = await read()
      expect(code).toBe('none')
      expect(into.equals(body)).toBe(true)
    },
  )

  test('leaves a body as it is stored, whatever it is encoded as', async () => {
    answerWith(part({ 'content-encoding': 'gzip' }))
    expect(Buffer.from(await getPart())).toEqual(BODY)
    expect(server.seen.at(-1)?.headers['accept-encoding'] ?? 'identity').toBe('identity')
  })

  test('writes nothing behind the end of what was asked for', async () => {
    answerWith(part({ 'content-length': '10' }, Buffer.from('0123456789XXXXXXXXXX')))
    const memory = new Uint8Array(20)
    await failureOf(store.get({ key: 'k', etag: ETAG, offset: 100, into: memory.subarray(0, 10) }))
    expect([...memory.subarray(10)]).toEqual(new Array(10).fill(0))
  })

  describe('of a whole object', () => {
    const md5 = createHash('md5').update(BODY).digest('hex')
    const flipped = Buffer.from('0123056789')
    const whole = (body: Buffer, headers: Record<string, string> = {}, status = 206) =>
      part({ etag: `"${md5}"`, 'content-range': 'bytes 0-9/10', ...headers }, body, status)
    const getWhole = (etag = `"${md5}"`, onOpaqueEtag = () => {}) =>
      store.get({ key: 'k', etag: etag as Etag, offset: 0, into: new Uint8Array(10), onOpaqueEtag })

    test('takes the bytes that the ETag says', async () => {
      for (const answer of [whole(BODY), whole(BODY, { 'content-range': '' }, 200)]) {
        answerWith(answer)
        expect(await failureOf(getWhole())).toEqual({ code: 'none' })
      }
    })

    test('refuses a flipped bit, and may be asked again', async () => {
      for (const answer of [whole(flipped), whole(flipped, { 'content-range': '' }, 200)]) {
        answerWith(answer)
        expect(await failureOf(getWhole())).toMatchObject({ code: 's3/integrity' })
      }
      expect(ERRORS['s3/integrity'].retry).toBe('backoff')
    })

    test('leaves the loop free while it compares', async () => {
      const large = Buffer.alloc(8 * 1024 * 1024, 7)
      const etag = `"${createHash('md5').update(large).digest('hex')}"` as Etag
      answerWith(
        part({ etag, 'content-range': `bytes 0-${large.length - 1}/${large.length}` }, large),
      )
      await store.get({ key: 'k', etag, offset: 0, into: new Uint8Array(large.length) })
      let turns = 0
      let isOver = false
      const turn = () => {
        turns++
        if (!isOver) setImmediate(turn)
      }
      turn()
      expect(await md5HexOf(large)).toBe(etag.slice(1, -1))
      isOver = true
      expect(turns).toBeGreaterThan(8)
    })

    test.each([
      ['the ETag of parts', { etag: `"${md5}-1"` }],
      ['keys of the server', { 'x-amz-server-side-encryption': 'aws:kms' }],
      ['keys of the customer', { 'x-amz-server-side-encryption-customer-algorithm': 'AES256' }],
      ['keys of Key Protect', { 'ibm-sse-kp-enabled': 'true' }],
    ])('compares nothing with %s, and says when it cannot', async (_, headers) => {
      answerWith(whole(flipped, headers))
      let opaque = 0
      const etag = 'etag' in headers ? headers.etag : undefined
      expect(await failureOf(getWhole(etag, () => opaque++))).toEqual({ code: 'none' })
      expect(opaque).toBe(etag ? 0 : 1)
    })
  })

  test('gives up on a body that drips, byte after byte', async () => {
    const drip = await startDrip()
    try {
      const slow = new S3ObjectService({
        endpoint: { url: drip.url },
        credentials: { accessKeyId: 'access', secretAccessKey: SECRET },
        clock: new SystemClock(),
        limits: { idleMs: 250, requestMs: 400 },
      })
      const into = new Uint8Array(10)
      const get = slow.bucket('bucket').get({ key: 'k', etag: ETAG, offset: 100, into })
      expect(await failureOf(get)).toMatchObject({ code: 'net/timeout' })
    } finally {
      await drip.stop()
    }
  })

  test('tells of bytes that were asked for, not of those of an error', async () => {
    const told: string[] = []
    const into = new Uint8Array(10)
    const get = (onProgress: () => void) =>
      failureOf(store.get({ key: 'k', etag: ETAG, offset: 100, into, onProgress }))
    answerWith(errorXml(503, 'SlowDown'))
    await get(() => told.push('error'))
    answerWith(part())
    await get(() => told.push('content'))
    expect(told).toEqual(['content'])
  })

  test('asks once more when the server had closed the idle socket', async () => {
    answerWith((nth) => (nth === 2 ? reset() : part()))
    await getPart()
    expect(Buffer.from(await getPart())).toEqual(BODY)
    expect(server.seen).toHaveLength(3)
  })
})

/** Answers with the right headers and then with one byte every 100 ms. */
async function startDrip(): Promise<{ url: string; stop(): Promise<void> }> {
  const timers = new Set<NodeJS.Timeout>()
  const dripping = createServer((_, response) => {
    response.writeHead(206, {
      etag: ETAG,
      'content-length': '10',
      'content-range': 'bytes 100-109/1000',
    })
    timers.add(setInterval(() => response.write('x'), 100))
  })
  await new Promise<void>((resolve) => dripping.listen(0, '127.0.0.1', resolve))
  const address = dripping.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    async stop() {
      for (const timer of timers) clearInterval(timer)
      dripping.closeAllConnections()
      await new Promise<void>((resolve) => dripping.close(() => resolve()))
    },
  }
}
