import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeXattrs, encodeXattrs, isSystemXattr } from '../../../engine/sync/s3fs-xattrs.ts'

describe('Extended attributes in the form of s3fs', () => {
  test('are URL-encoded JSON of names and base64', () => {
    const xattrs = [{ name: 'user.a', value: Buffer.from('1') }]
    expect(encodeXattrs(xattrs)).toBe('%7B%22user.a%22%3A%22MQ%3D%3D%22%7D')
    expect(encodeXattrs([])).toBeUndefined()
  })

  test('are read as s3fs itself writes them', () => {
    const text = '%7b%22user.a%22:%22MQ==%22,%22user.b%22:%22%22%7d'
    expect(decodeXattrs(text)).toEqual([
      { name: 'user.a', value: Buffer.from('1') },
      { name: 'user.b', value: Buffer.alloc(0) },
    ])
  })

  test('come back as they were', () => {
    const name = fc
      .string({ minLength: 1, unit: 'grapheme' })
      .filter((text) => !/\0|^__/.test(text))
    const xattr = fc.record({ name, value: fc.uint8Array({ maxLength: 100 }) })
    const xattrs = fc.uniqueArray(xattr, { selector: (one) => one.name, maxLength: 5 })
    fc.assert(
      fc.property(xattrs, (all) => {
        const sorted = [...all].sort((a, b) => (a.name < b.name ? -1 : 1))
        const text = encodeXattrs(sorted)
        const read = text === undefined ? [] : (decodeXattrs(text) ?? [])
        const found = read.map((one) => [one.name, Buffer.from(one.value).toString('hex')])
        const wanted = sorted.map((one) => [one.name, Buffer.from(one.value).toString('hex')])
        expect(Object.fromEntries(found)).toEqual(Object.fromEntries(wanted))
      }),
    )
  })

  test.each(['', '%', '%7B', '[]', 'null', '"x"', '5', 'x'.repeat(9000)])(
    'that are none are left out: %s',
    (text) => {
      expect(decodeXattrs(text)).toBeUndefined()
    },
  )

  test('with values that are none, or names that cannot be, lose only these', () => {
    expect(decodeXattrs('{"a":5,"":"eA==","b":"eA=="}')).toEqual([
      { name: 'b', value: Buffer.from('x') },
    ])
  })

  test('tell which names the system would act upon', () => {
    expect(isSystemXattr('security.capability')).toBe(true)
    expect(isSystemXattr('system.posix_acl_access')).toBe(true)
    expect(isSystemXattr('user.system.x')).toBe(false)
  })
})
