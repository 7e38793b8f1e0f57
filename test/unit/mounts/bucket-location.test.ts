import { describe, expect, test } from 'vitest'
import { endpointOfLocation, explainNoBucket } from '../../../engine/mounts/bucket-location.ts'
import { PailError } from '../../../shared/errors.ts'

const DOMAIN = 'cloud-object-storage.appdomain.cloud'
const US = `https://s3.us-south.${DOMAIN}`
const missing = new PailError('s3/no-bucket', 'the server answers 404 NoSuchBucket')
const signal = new AbortController().signal

describe('The endpoint of a location', () => {
  test.each([
    [US, 'eu-de-smart', `https://s3.eu-de.${DOMAIN}`],
    [US, 'us-standard', `https://s3.us.${DOMAIN}`],
    [`https://s3.private.us-south.${DOMAIN}`, 'ams03-cold', `https://s3.private.ams03.${DOMAIN}`],
    [`https://s3.direct.eu-de.${DOMAIN}`, 'jp-tok-flex', `https://s3.direct.jp-tok.${DOMAIN}`],
    [US, 'us-south-vault', undefined],
    [`https://s3.dal.us.${DOMAIN}`, 'us-standard', undefined],
    ['https://s3.eu-west-1.amazonaws.com', 'eu-de-smart', undefined],
    [US, 'evil.example/', undefined],
  ])('seen from %s, %s, is %s', (url, constraint, endpoint) => {
    expect(endpointOfLocation(url, constraint)).toBe(endpoint)
  })
})

describe('A bucket that the endpoint does not have', () => {
  function serviceWith(buckets: ReadonlyArray<{ name: string; location: string }>) {
    let asked = 0
    const listBuckets = async () => {
      asked++
      return buckets
    }
    return { listBuckets, asked: () => asked }
  }

  test('is told with the endpoint that has it', async () => {
    const service = serviceWith([{ name: 'b', location: 'eu-de-smart' }])
    const asked = { service, bucket: 'b', endpointUrl: US, signal }
    expect(await explainNoBucket(missing, asked)).toMatchObject({
      code: 's3/wrong-region',
      where: { endpoint: `https://s3.eu-de.${DOMAIN}` },
    })
  })

  test('stays missing where the account has none of this name, or may not list them', async () => {
    const none = serviceWith([{ name: 'other', location: 'eu-de-smart' }])
    const refused = { listBuckets: () => Promise.reject(new PailError('auth/denied', 'no')) }
    for (const service of [none, refused]) {
      const asked = { service, bucket: 'b', endpointUrl: US, signal }
      expect(await explainNoBucket(missing, asked)).toBe(missing)
    }
  })

  test('is looked for at no other provider, and for no other error', async () => {
    const service = serviceWith([{ name: 'b', location: 'eu-de-smart' }])
    const elsewhere = { service, bucket: 'b', endpointUrl: 'http://127.0.0.1:1', signal }
    expect(await explainNoBucket(missing, elsewhere)).toBe(missing)
    const denied = new PailError('auth/denied', 'no')
    expect(await explainNoBucket(denied, { ...elsewhere, endpointUrl: US })).toBe(denied)
    expect(service.asked()).toBe(0)
  })
})
