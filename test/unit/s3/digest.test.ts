/** Goal: digests are those of the bytes; what is known, or of no use, is not computed. */
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { digestOf } from '../../../engine/s3/digest.ts'

const BODY = Buffer.alloc(1_300_000, 'digested ')
const hex = (name: string) => createHash(name).update(BODY).digest('hex')

describe('digestOf', () => {
  test('gives MD5 in both forms, and SHA-256 where it is asked for', async () => {
    const md5Hex = hex('md5')
    const md5Base64 = Buffer.from(md5Hex, 'hex').toString('base64')
    expect(await digestOf(BODY, { withSha256: true })).toEqual({
      md5Hex,
      md5Base64,
      sha256Hex: hex('sha256'),
    })
    expect(await digestOf(BODY, { withSha256: false })).toEqual({
      md5Hex,
      md5Base64,
      sha256Hex: undefined,
    })
  })

  test('takes an MD5 that the caller knows, whatever the bytes are', async () => {
    const md5Hex = 'f'.repeat(32)
    const digest = await digestOf(BODY, { md5Hex, withSha256: true })
    expect(digest.md5Hex).toBe(md5Hex)
    expect(digest.sha256Hex).toBe(hex('sha256'))
  })
})
