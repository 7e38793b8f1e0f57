import { describe, expect, test } from 'vitest'
import type { Reply } from '../../../engine/s3/reply.ts'
import { errorOfNetwork, errorOfReply, isUnsent } from '../../../engine/s3/s3-errors.ts'

const WHERE = { operation: 'GetObject', host: 's3.example', bucket: 'b', key: 'k' }

function replyOf(status: number, body = '', headers: Record<string, string> = {}): Reply {
  return {
    status,
    headers: { 'x-amz-request-id': 'ID', ...headers },
    body: Buffer.from(body),
  }
}

const errorBody = (code: string, more = '') =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>m</Message>${more}</Error>`

describe('Errors of a server', () => {
  test.each([
    [403, 'InvalidAccessKeyId', 'auth/bad-key'],
    [403, 'SignatureDoesNotMatch', 'auth/bad-key'],
    [400, 'ExpiredToken', 'auth/bad-key'],
    [403, 'AccessDenied', 'auth/denied'],
    [403, 'RequestTimeTooSkewed', 'auth/clock-skewed'],
    [403, 'InvalidObjectState', 's3/archived'],
    [403, 'ObjectNotInActiveTierError', 's3/archived'],
    [403, 'SomethingNew', 'auth/denied'],
    [404, 'NoSuchBucket', 's3/no-bucket'],
    [404, 'NoSuchKey', 's3/no-key'],
    [404, 'NoSuchUpload', 's3/no-key'],
    [405, 'MethodNotAllowed', 's3/unsupported'],
    [409, 'ConditionalRequestConflict', 's3/busy'],
    [412, 'PreconditionFailed', 's3/precondition'],
    [416, 'InvalidRange', 's3/precondition'],
    [429, 'TooManyRequests', 's3/busy'],
    [503, 'SlowDown', 's3/busy'],
    [503, 'ServiceUnavailable', 's3/busy'],
    [500, 'InternalError', 's3/server'],
    [501, 'NotImplemented', 's3/unsupported'],
    [400, 'EntityTooLarge', 's3/too-large'],
    [400, 'RequestTimeout', 'net/timeout'],
    [400, 'BadDigest', 's3/integrity'],
    [400, 'XAmzContentSHA256Mismatch', 's3/integrity'],
    [400, 'SomethingNew', 's3/rejected'],
    [301, 'PermanentRedirect', 's3/wrong-region'],
    [200, 'InternalError', 's3/server'],
    [200, 'SomethingNew', 's3/server'],
    [400, 'constructor', 's3/rejected'],
  ])('%i %s is %s', (status, serverCode, code) => {
    const error = errorOfReply(replyOf(status, errorBody(serverCode)), WHERE)
    expect(error.code).toBe(code)
    expect(error.where).toEqual({ ...WHERE, status, serverCode, requestId: 'ID' })
  })

  test.each([
    [401, 'auth/bad-key'],
    [403, 'auth/denied'],
    [404, 's3/no-key'],
    [408, 'net/timeout'],
    [412, 's3/precondition'],
    [418, 's3/rejected'],
    [429, 's3/busy'],
    [500, 's3/server'],
    [502, 's3/server'],
    [503, 's3/busy'],
    [504, 'net/timeout'],
    [599, 's3/server'],
  ])('status %i without a body is %s', (status, code) => {
    expect(errorOfReply(replyOf(status), WHERE).code).toBe(code)
  })

  test('an object with a key of the customer is nothing that a program may read', () => {
    const message =
      'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.'
    const body = (text: string) =>
      `<Error><Code>InvalidRequest</Code><Message>${text}</Message></Error>`
    expect(errorOfReply(replyOf(400, body(message)), WHERE)).toMatchObject({
      code: 's3/customer-key',
      errno: 'EACCES',
      retry: 'never',
    })
    expect(errorOfReply(replyOf(400, body('no')), WHERE).code).toBe('s3/rejected')
  })

  test('a 404 without a key is a bucket that is not there', () => {
    expect(errorOfReply(replyOf(404), { bucket: 'b' }).code).toBe('s3/no-bucket')
  })

  test('a malformed key is no wrong region, a named region is', () => {
    const malformed = errorBody('AuthorizationHeaderMalformed')
    expect(errorOfReply(replyOf(400, malformed), WHERE).code).toBe('auth/bad-key')
    const region = errorBody('AuthorizationHeaderMalformed', '<Region>eu-de</Region>')
    expect(errorOfReply(replyOf(400, region), WHERE)).toMatchObject({
      code: 's3/wrong-region',
      where: { region: 'eu-de' },
    })
    const byHeader = replyOf(400, '', { 'x-amz-bucket-region': 'eu-de' })
    expect(errorOfReply(byHeader, WHERE).code).toBe('s3/wrong-region')
  })

  test('takes the request id of IBM', () => {
    const reply = { status: 403, headers: { 'x-clv-request-id': 'CLV' }, body: Buffer.alloc(0) }
    expect(errorOfReply(reply, WHERE).where.requestId).toBe('CLV')
  })

  test('a proxy that is too busy is no sign-in page', () => {
    const html = '<html><body>502</body></html>'
    const reply = { status: 502, headers: { 'content-type': 'text/html' }, body: Buffer.from(html) }
    expect(errorOfReply(reply, WHERE).code).toBe('s3/server')
    expect(errorOfReply({ ...reply, status: 503 }, WHERE).code).toBe('s3/busy')
    expect(errorOfReply({ ...reply, status: 404 }, WHERE).code).toBe('s3/not-s3')
    expect(errorOfReply({ ...reply, status: 200 }, WHERE).code).toBe('net/captive-portal')
  })

  test('a move to https at the same host is no sign-in page', () => {
    const headers = { location: 'https://s3.example/b/k?token=secret' }
    const error = errorOfReply({ status: 301, headers, body: Buffer.alloc(0) }, WHERE)
    expect(error.code).toBe('s3/not-s3')
    expect(JSON.stringify(error.toWire())).not.toContain('secret')
  })

  test('server text stays on one line and short', () => {
    const nasty = `<Error><Code>X</Code><Message>a&#10;b\u202e${'y'.repeat(5000)}</Message></Error>`
    const { detail } = errorOfReply(replyOf(400, nasty), WHERE)
    expect(detail).not.toMatch(/[\n\u202e]/)
    expect(detail.length).toBeLessThan(400)
  })
})

describe('Errors of the way', () => {
  const withCode = (code: string) => Object.assign(new Error('x'), { code })
  test.each([
    ['ECONNREFUSED', 'net/unreachable'],
    ['ENOTFOUND', 'net/unreachable'],
    ['EAI_AGAIN', 'net/offline'],
    ['ENETUNREACH', 'net/offline'],
    ['EHOSTUNREACH', 'net/offline'],
    ['ETIMEDOUT', 'net/timeout'],
    ['ECONNRESET', 'net/reset'],
    ['EPIPE', 'net/reset'],
    ['CERT_HAS_EXPIRED', 'net/tls'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'net/tls'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'net/tls'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'net/tls'],
    ['EPROTO', 'net/tls'],
    ['HPE_HEADER_OVERFLOW', 's3/bad-reply'],
    ['SOMETHING_NEW', 'net/reset'],
  ])('%s is %s', (systemCode, code) => {
    const error = errorOfNetwork(withCode(systemCode), WHERE)
    expect(error).toMatchObject({ code, where: { ...WHERE, systemCode } })
  })

  test('several addresses that fail together tell the first reason', () => {
    const all = new AggregateError([withCode('ENETUNREACH'), withCode('ECONNREFUSED')])
    expect(errorOfNetwork(all, WHERE).code).toBe('net/offline')
  })

  test.each([
    ['connect', 'EHOSTUNREACH', true],
    ['connect', 'ETIMEDOUT', true],
    ['getaddrinfo', 'EAI_AGAIN', true],
    ['read', 'EHOSTUNREACH', false],
    ['write', 'EPIPE', false],
    ['read', 'ETIMEDOUT', false],
  ])('%s %s says whether anything can have been sent', (syscall, code, expected) => {
    const error = errorOfNetwork(Object.assign(withCode(code), { syscall }), WHERE)
    expect(isUnsent(error)).toBe(expected)
  })

  test('nothing was sent where no address could be connected to', () => {
    const all = new AggregateError([withCode('ENETUNREACH'), withCode('EHOSTUNREACH')])
    expect(isUnsent(errorOfNetwork(all, WHERE))).toBe(true)
  })
})
