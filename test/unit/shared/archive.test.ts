import { describe, expect, test } from 'vitest'
import {
  archiveProviderOf,
  isArchiveClass,
  restoreWaitWords,
  tiersOf,
} from '../../../shared/archive.ts'

describe('An archive', () => {
  test.each([
    ['https://s3.eu-de.cloud-object-storage.appdomain.cloud', 'ibm'],
    ['https://s3.private.us-south.cloud-object-storage.appdomain.cloud:443/', 'ibm'],
    ['https://s3.eu-central-1.amazonaws.com', 'aws'],
    ['https://amazonaws.com.example.org', 'other'],
    ['http://127.0.0.1:9000', 'other'],
  ])('at %s is of %s', (url, provider) => {
    expect(archiveProviderOf(url)).toBe(provider)
  })

  test('has classes that cannot be read at once, and no others', () => {
    const classes = ['GLACIER', 'DEEP_ARCHIVE', 'ACCELERATED']
    for (const name of classes) expect(isArchiveClass(name)).toBe(true)
    for (const name of ['GLACIER_IR', 'STANDARD_IA', null]) expect(isArchiveClass(name)).toBe(false)
  })

  test.each([
    ['ibm', 'ACCELERATED', undefined, 'up to 2 h'],
    ['ibm', 'GLACIER', 'Bulk', 'up to 12 h'],
    ['aws', 'GLACIER', undefined, 'up to 5 h'],
    ['aws', 'GLACIER', 'Expedited', 'up to 5 min'],
    ['aws', 'DEEP_ARCHIVE', 'Bulk', 'up to 48 h'],
    ['other', 'GLACIER', undefined, 'hours, as a rule'],
  ] as const)('of %s, %s, tier %s, takes %s', (provider, storageClass, tier, words) => {
    expect(restoreWaitWords({ provider, storageClass, tier })).toBe(words)
  })

  test("takes the tiers that its provider knows: IBM's belong to its archives", () => {
    expect(tiersOf({ provider: 'ibm', storageClass: 'ACCELERATED' })).toEqual(['Accelerated'])
    expect(tiersOf({ provider: 'ibm', storageClass: 'GLACIER' })).toEqual(['Bulk'])
    expect(tiersOf({ provider: 'aws', storageClass: 'DEEP_ARCHIVE' })).not.toContain('Expedited')
  })
})
