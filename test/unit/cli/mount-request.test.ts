/** From a command line to a request. */
import { describe, expect, test } from 'vitest'
import { parseBucketSpec } from '../../../cli/bucket-spec.ts'
import { parseEndpoint } from '../../../cli/endpoint.ts'
import { type MountOptions, planMount } from '../../../cli/mount-request.ts'
import { parseS3fsOptions } from '../../../cli/s3fs-options.ts'

const invalid = (text: RegExp) =>
  expect.objectContaining({ code: 'input/invalid', detail: expect.stringMatching(text) })

const plan = (options: MountOptions, source = 'demo', environment = {}) =>
  planMount({ source, dir: 'results', options }, { cwd: '/home/ada', environment })

describe('Mount request', () => {
  test('holds what was typed, with absolute paths', () => {
    const options = { endpoint: 'https://s3.example.com/', passwdFile: 'keys', readOnly: true }
    expect(plan(options, 'demo:/a/b')).toEqual({
      request: {
        bucket: 'demo',
        subpath: 'a/b',
        endpoint: { url: 'https://s3.example.com', region: 'us-east-1', virtualHosted: false },
        dir: '/home/ada/results',
        readOnly: true,
        createDir: false,
        attributes: 'listing',
        syncXattrs: false,
      },
      passwordFile: '/home/ada/keys',
      warnings: [],
    })
  })

  test('asks for longer keys only when that was typed', () => {
    const endpoint = 'https://s3.example.com'
    expect(plan({ endpoint, maxKeyBytes: 2_000 }).request.keyBytesMax).toBe(2_000)
    expect(plan({ endpoint }).request.keyBytesMax).toBeUndefined()
  })

  test('is the same when it is spelled for s3fs', () => {
    const option = ['url=https://s3.example.com,use_path_request_style,ro', 'passwd_file=keys']
    const typed = { endpoint: 'https://s3.example.com', passwdFile: 'keys', readOnly: true }
    expect(plan({ option })).toEqual(plan(typed))
  })

  test('needs an endpoint, and one that is said once', () => {
    expect(() => plan({})).toThrow(invalid(/endpoint is missing/))
    const option = ['url=http://a']
    expect(() => plan({ endpoint: 'http://b', option })).toThrow(invalid(/--endpoint/))
    expect(plan({ endpoint: 'http://a', option }).request.endpoint.url).toBe('http://a')
  })

  test('is signed for the region that was typed, else the usual variable, else the address', () => {
    const endpoint = 'https://s3.eu-de.cloud-object-storage.appdomain.cloud'
    const region = (options: MountOptions, environment = {}) =>
      plan({ endpoint, ...options }, 'demo', environment).request.endpoint.region
    expect(region({})).toBe('eu-de')
    expect(region({}, { AWS_REGION: 'r1' })).toBe('r1')
    expect(region({ option: ['endpoint=r2'] }, { AWS_REGION: 'r1' })).toBe('r2')
    expect(region({ region: 'r3' })).toBe('r3')
  })
})

describe('Bucket and subpath', () => {
  test.each([
    ['demo', 'demo', ''],
    ['demo:/', 'demo', ''],
    ['demo:/a/b/', 'demo', 'a/b/'],
    ['demo:/a:b', 'demo', 'a:b'],
  ])('%s is understood', (text, bucket, subpath) => {
    expect(parseBucketSpec(text)).toEqual({ bucket, subpath })
  })

  test.each(['', ':/x', 'demo:x', 'demo/x', 's3://demo'])('%s is refused', (text) => {
    expect(() => parseBucketSpec(text)).toThrow(invalid(/./))
  })
})

describe('Endpoint', () => {
  test.each([
    ['s3.example.com', /not an address/],
    ['ftp://h', /not an address/],
    ['https://user:word@h', /keys/],
    ['https://h/?x=1', /after its address/],
  ])('%s is refused', (text, why) => {
    expect(() => parseEndpoint(text, undefined)).toThrow(invalid(why))
  })

  test.each([
    ['https://s3.eu-west-1.amazonaws.com', 'eu-west-1'],
    ['https://s3.private.eu-gb.cloud-object-storage.appdomain.cloud', 'eu-gb'],
    ['http://127.0.0.1:9000', 'us-east-1'],
    ['https://s3.amazonaws.com', 'us-east-1'],
  ])('%s is signed for %s', (text, region) => {
    expect(parseEndpoint(text, undefined).region).toBe(region)
  })
})

describe('Options as s3fs spells them', () => {
  test('are read from several -o, with commas', () => {
    expect(parseS3fsOptions(['url=http://h:1/a=b,ro', 'passwd_file=/f', 'endpoint=r'])).toEqual({
      url: 'http://h:1/a=b',
      passwordFile: '/f',
      region: 'r',
      readOnly: true,
      allowOther: false,
      syncXattrs: false,
      warnings: [],
    })
  })

  test('keep extended attributes in the bucket when s3fs would', () => {
    expect(parseS3fsOptions(['use_xattr']).syncXattrs).toBe(true)
    expect(parseS3fsOptions(['use_xattr=1']).syncXattrs).toBe(true)
    expect(parseS3fsOptions(['use_xattr=0']).syncXattrs).toBe(false)
  })

  test('let other users in only when asked for', () => {
    expect(parseS3fsOptions(['ro']).allowOther).toBe(false)
    expect(parseS3fsOptions(['allow_other']).allowOther).toBe(true)
  })

  test('that mean nothing here are named in a warning', () => {
    const { warnings } = parseS3fsOptions(['_netdev,use_cache=/tmp'])
    expect(warnings).toEqual([
      'The option _netdev has no meaning here.',
      'The option use_cache has no meaning here.',
    ])
  })

  test.each([
    'allow_root',
    'uid=0',
    'nonempty',
    'no_check_certificate',
    'unheard_of=1',
    'toString',
  ])('%s is refused by its name', (option) => {
    const name = option.split('=')[0] ?? ''
    expect(() => parseS3fsOptions([option])).toThrow(invalid(new RegExp(name)))
  })

  test('need their value', () => {
    expect(() => parseS3fsOptions(['url='])).toThrow(invalid(/url needs a value/))
  })
})
