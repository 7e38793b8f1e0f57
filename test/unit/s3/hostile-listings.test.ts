import { describe, expect, test } from 'vitest'
import { type Answer, errorXml, page, reply, xml } from '../../support/fault-server.ts'
import {
  answerBy,
  answerWith,
  contents,
  EMPTY_LIST,
  failureOf,
  list,
  listing,
  server,
  withHostileServer,
} from './hostile.ts'

withHostileServer()

describe('A listing', () => {
  test('takes an empty answer of the right shape', async () => {
    answerWith(xml(200, EMPTY_LIST))
    expect(await list()).toMatchObject({ objects: [], prefixes: [] })
  })

  test('tells when the server wrote keys as they are, though it was asked to encode them', async () => {
    answerWith(listing(contents('p/plain')))
    expect((await list()).hasPlainKeys).toBe(true)
    answerWith(listing(`<EncodingType>url</EncodingType>${contents('p/plain')}`))
    expect((await list()).hasPlainKeys).toBeUndefined()
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
      const { objects, unshown } = await list()
      expect(objects.map(({ key }) => key)).toEqual(['p/good'])
      expect(unshown).toBe(1)
    },
  )

  test('leaves out keys that the server cannot tell apart, and shows the others', async () => {
    answerWith(listing(contents('p/\ufffd').repeat(3) + contents('p/good')))
    const { objects, unshown } = await list()
    expect(objects.map(({ key }) => key)).toEqual(['p/good'])
    expect(unshown).toBe(3)
  })

  test('leaves out a key that is not UTF-8, and shows the others', async () => {
    const bad = contents('p/caf%E9')
    answerWith(listing(`<EncodingType>url</EncodingType>${bad}${contents('p/good')}`))
    const { objects, unshown } = await list()
    expect(objects.map(({ key }) => key)).toEqual(['p/good'])
    expect(unshown).toBe(1)
    answerWith(listing(contents('p/good')))
    expect((await list()).unshown).toBeUndefined()
  })

  test('reads control characters, URL-encoded or not, and keeps spaces', async () => {
    answerWith(listing(`<EncodingType>url</EncodingType>${contents('p/%01+a%2Bb%0A')}`))
    expect((await list()).objects[0]?.key).toBe('p/\u0001 a+b\n')
    answerWith(listing(contents('p/&#x1; a%2B ')))
    expect((await list()).objects[0]?.key).toBe('p/\u0001 a%2B ')
  })

  test('does without URL encoding and version 2 where they are refused, and remembers it', async () => {
    const objects = contents('p/a')
    answerBy(({ target }) => {
      if (target.includes('encoding-type')) return errorXml(400, 'InvalidArgument')
      if (target.includes('list-type=2')) return errorXml(501, 'NotImplemented')
      return listing(objects, target.includes('marker') ? 'false' : 'true')
    })
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
