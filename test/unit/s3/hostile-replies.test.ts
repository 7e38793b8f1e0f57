import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { SystemClock } from '../../../engine/base/clock.ts'
import type { Etag, ObjectStore } from '../../../engine/s3/object-store.ts'
import { S3ObjectService } from '../../../engine/s3/s3-object-store.ts'
import {
  type Answer,
  errorXml,
  type FaultServer,
  page,
  reply,
  reset,
  silence,
  startFaultServer,
  xml,
} from '../../support/fault-server.ts'

const ETAG = '"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"' as Etag
const OTHER_ETAG = '"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"'
const SECRET = 'secret-canary-4711'
const BODY = Buffer.from('0123456789')

let server: FaultServer
let service: S3ObjectService
let store: ObjectStore

const makeService = () =>
  new S3ObjectService({
    endpoint: { url: server.url },
    credentials: { accessKeyId: 'access', secretAccessKey: SECRET },
    clock: new SystemClock(),
    limits: { idleMs: 250, workIdleMs: 250 },
  })

beforeAll(async () => {
  server = await startFaultServer()
})
afterEach(() => service?.close())
afterAll(async () => {
  await server?.stop()
})

function answerWith(answer: Answer | ((nth: number) => Answer)): void {
  server.answer((_, nth) => (typeof answer === 'function' ? answer(nth) : answer))
  service = makeService()
  store = service.bucket('bucket')
}

const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => ({ code: 'none' }),
    (error) => error,
  )

/** The answer to a GET of 10 bytes at offset 100, right but for what is overruled. */
const part = (headers: Record<string, string> = {}, body: Uint8Array = BODY, status = 206) =>
  reply(
    status,
    {
      etag: ETAG,
      'content-range': 'bytes 100-109/1000',
      'content-type': 'application/octet-stream',
      'x-amz-request-id': 'TESTID',
      ...headers,
    },
    body,
  )

async function getPart(): Promise<Uint8Array> {
  const into = new Uint8Array(10)
  await store.get({ key: 'k', etag: ETAG, offset: 100, into })
  return into
}

const cut = (answer: Answer, ending: Answer['ending']): Answer => ({ ...answer, ending })

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

  test('writes nothing behind the end of what was asked for', async () => {
    answerWith(part({ 'content-length': '10' }, Buffer.from('0123456789XXXXXXXXXX')))
    const memory = new Uint8Array(20)
    await failureOf(store.get({ key: 'k', etag: ETAG, offset: 100, into: memory.subarray(0, 10) }))
    expect([...memory.subarray(10)]).toEqual(new Array(10).fill(0))
  })

  test('gives up on a body that drips, byte after byte', async () => {
    service = makeService()
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

  test('asks once more when the server had closed the idle socket', async () => {
    answerWith((nth) => (nth === 2 ? reset() : part()))
    await getPart()
    expect(Buffer.from(await getPart())).toEqual(BODY)
    expect(server.seen).toHaveLength(3)
  })
})

const EMPTY_LIST = '<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>'
const contents = (key: string, size = '3', etag: string = ETAG) =>
  `<Contents><Key>${key}</Key><Size>${size}</Size><ETag>${etag}</ETag><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>`
const listing = (inner: string, truncated = 'false') =>
  xml(200, `<ListBucketResult><IsTruncated>${truncated}</IsTruncated>${inner}</ListBucketResult>`)
const list = (token?: string) =>
  store.list({ prefix: 'p/', delimiter: '/', ...(token === undefined ? {} : { token }) })

describe('A listing', () => {
  test('takes an empty answer of the right shape', async () => {
    answerWith(xml(200, EMPTY_LIST))
    expect(await list()).toEqual({ objects: [], prefixes: [] })
  })

  const bomb = `<!DOCTYPE lolz [<!ENTITY lol "lol">]>${EMPTY_LIST}`
  const wrong: Array<[string, Answer, string]> = [
    ['a sign-in page', page(), 'net/captive-portal'],
    ['a page that pretends to be XML', xml(200, '<html><body/></html>'), 'net/captive-portal'],
    [
      'a redirect elsewhere',
      page(302, { location: 'http://169.254.169.254/x' }),
      'net/captive-portal',
    ],
    [
      'a redirect without a body',
      reply(307, { location: 'http://login.example/' }),
      'net/captive-portal',
    ],
    ['status 511', page(511), 'net/captive-portal'],
    ['JSON', reply(200, { 'content-type': 'application/json' }, '{"ok":true}'), 's3/not-s3'],
    ['nothing', reply(200, { 'content-type': 'application/xml' }), 's3/bad-reply'],
    ['an empty element', xml(200, '<ListBucketResult/>'), 's3/bad-reply'],
    ['another document', xml(200, '<ListAllMyBucketsResult/>'), 's3/bad-reply'],
    ['a DTD', xml(200, `<!DOCTYPE x>${EMPTY_LIST}`), 's3/bad-reply'],
    ['a DTD with entities', xml(200, bomb), 's3/bad-reply'],
    ['an unknown entity', listing(contents('p/&lol;')), 's3/bad-reply'],
    ['a document cut off', xml(200, EMPTY_LIST.slice(0, -10)), 's3/bad-reply'],
    ['an error with status 200', errorXml(200, 'InternalError'), 's3/server'],
    ['a key outside of the prefix', listing(contents('q/a')), 's3/bad-reply'],
    [
      'a listing of another prefix',
      listing(`<Prefix>q/</Prefix>${contents('p/a')}`),
      's3/bad-reply',
    ],
    ['a listing of another bucket', listing('<Name>other</Name>'), 's3/bad-reply'],
    ['the same key twice', listing(contents('p/a') + contents('p/a')), 's3/bad-reply'],
    ['a key behind the delimiter', listing(contents('p/a/b')), 's3/bad-reply'],
    ['an entry without a key', listing('<Contents><Size>1</Size></Contents>'), 's3/bad-reply'],
    ['the promise of more without a token', listing('', 'true'), 's3/bad-reply'],
    [
      'ten times the keys',
      listing(Array.from({ length: 10_001 }, (_, i) => contents(`p/${i}`)).join('')),
      's3/bad-reply',
    ],
    ['a body above 16 MiB', listing(`<!--${'x'.repeat(17 * 1024 * 1024)}-->`), 's3/bad-reply'],
    [
      'text that is not UTF-8',
      reply(
        200,
        { 'content-type': 'application/xml' },
        Buffer.concat([
          Buffer.from('<ListBucketResult><IsTruncated>false</IsTruncated><x>'),
          Buffer.from([0xff]),
          Buffer.from('</x></ListBucketResult>'),
        ]),
      ),
      's3/bad-reply',
    ],
    ['a bucket that is not there', errorXml(404, 'NoSuchBucket'), 's3/no-bucket'],
    ['a refused key', errorXml(403, 'InvalidAccessKeyId'), 'auth/bad-key'],
  ]
  test.each(wrong)('refuses %s', async (_, answer, code) => {
    answerWith(answer)
    expect(await failureOf(list())).toMatchObject({ code })
  })

  test('refuses to go on where it was', async () => {
    answerWith(listing('<NextContinuationToken>T</NextContinuationToken>', 'true'))
    const { next } = await list()
    expect(await failureOf(list(next))).toMatchObject({ code: 's3/bad-reply' })
  })

  test.each(['-1', 'NaN', '9223372036854775808', '1e3', ''])(
    'leaves out an entry of size %j, and shows the others',
    async (size) => {
      answerWith(listing(contents('p/bad', size) + contents('p/good')))
      expect((await list()).objects.map(({ key }) => key)).toEqual(['p/good'])
    },
  )

  test('leaves out keys that the server cannot tell apart, and shows the others', async () => {
    answerWith(listing(contents('p/\ufffd') + contents('p/\ufffd') + contents('p/good')))
    expect((await list()).objects.map(({ key }) => key)).toEqual(['p/good'])
  })

  test('reads control characters, URL-encoded or not, and keeps spaces', async () => {
    answerWith(listing(`<EncodingType>url</EncodingType>${contents('p/%01+a%2Bb%0A')}`))
    expect((await list()).objects[0]?.key).toBe('p/\u0001 a+b\n')
    answerWith(listing(contents('p/&#x1; a%2B ')))
    expect((await list()).objects[0]?.key).toBe('p/\u0001 a%2B ')
  })

  test('does without URL encoding and version 2 where they are refused, and remembers it', async () => {
    const objects = contents('p/a')
    server.answer(({ target }) => {
      if (target.includes('encoding-type')) return errorXml(400, 'InvalidArgument')
      if (target.includes('list-type=2')) return errorXml(501, 'NotImplemented')
      return listing(objects, target.includes('marker') ? 'false' : 'true')
    })
    service = makeService()
    store = service.bucket('bucket')
    const { next } = await list()
    expect(next).toBe('1:p/a')
    expect((await list(next)).next).toBeUndefined()
    expect(server.seen.map(({ target }) => target.includes('marker=p%2Fa'))).toEqual([
      false,
      false,
      false,
      true,
    ])
  })
})

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
    server.answer(({ headers }) =>
      headers['content-md5']
        ? xml(400, '<Error><Code>InvalidRequest</Code><Message>Missing checksum</Message></Error>')
        : xml(200, '<DeleteResult><Deleted><Key>a</Key></Deleted></DeleteResult>'),
    )
    service = makeService()
    store = service.bucket('bucket')
    expect(await store.deleteBatch(['a'])).toEqual([])
    expect(server.seen[1]?.headers['x-amz-checksum-crc32']).toBeTruthy()
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
    server.answer(({ headers }) =>
      headers.authorization?.includes('/eu-west-3/s3/')
        ? xml(200, EMPTY_LIST)
        : errorXml(400, 'AuthorizationHeaderMalformed', '<Region>eu-west-3</Region>'),
    )
    service = makeService()
    store = service.bucket('bucket')
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
