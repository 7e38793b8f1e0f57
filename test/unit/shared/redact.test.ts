/** No secret in what is logged or shown. */
import { describe, expect, test } from 'vitest'
import { redact, redactText } from '../../../shared/redact.ts'

const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'

describe('Redaction', () => {
  test('masks fields by their name, at any depth', () => {
    const record = {
      input: { credentials: { accessKeyId: 'user-1', secretAccessKey: SECRET }, bucket: 'b' },
      headers: [{ Authorization: `AWS4 ${SECRET}` }, { 'x-amz-security-token': SECRET }],
      password: SECRET,
    }
    const text = JSON.stringify(redact(record))
    expect(text).not.toContain(SECRET)
    expect(text).toContain('user-1')
    expect(text).toContain('"bucket":"b"')
  })

  test.each([
    `https://h/b/k?X-Amz-Signature=${SECRET.slice(0, 20)}abc&X-Amz-Expires=5`,
    `X-Amz-Credential=${SECRET}`,
    `Authorization: AWS4-HMAC-SHA256 Credential=x, Signature=${SECRET}`,
    `{"secretAccessKey":"${SECRET}"}`,
    `{\\"secretAccessKey\\":\\"${SECRET}\\"}`,
    `aws_secret_access_key = ${SECRET}`,
    `passwd=${SECRET}`,
    `https://user:${SECRET.replaceAll('/', '')}@host/path`,
  ])('masks a secret inside running text: %s', (text) => {
    expect(redactText(text)).not.toContain(SECRET.slice(0, 12))
    expect(redactText(text)).toContain('[redacted]')
  })

  test('masks ids of access keys of AWS, whole', () => {
    expect(redactText('key AKIAIOSFODNN7EXAMPLE and ASIAIOSFODNN7EXAMPLE')).toBe(
      'key AKIA[redacted] and ASIA[redacted]',
    )
  })

  test('masks a known secret wherever it stands, also in an error and its cause', () => {
    const error = new Error(`failed with canary-42`, { cause: new Error('canary-42 again') })
    const text = JSON.stringify(redact({ error, 'canary-42': ['canary-42'] }, ['canary-42']))
    expect(text).not.toContain('canary-42')
    expect(text).toContain('failed with')
  })

  test('leaves ordinary records as they are', () => {
    const record = { path: '/data/results.csv', sizeBytes: 12, ok: true, names: ['a'], none: null }
    expect(redact(record)).toEqual(record)
  })

  test('ends on cycles, depth and bytes', () => {
    const loop: Record<string, unknown> = { bytes: Buffer.from(SECRET) }
    loop.self = loop
    expect(redact(loop)).toEqual({ bytes: `[${SECRET.length} bytes]`, self: '[…]' })
  })
})
