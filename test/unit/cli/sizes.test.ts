/** Sizes as a person types them. */
import { expect, test } from 'vitest'
import { parseBytes } from '../../../cli/sizes.ts'

test.each([
  ['50GB', 50_000_000_000],
  ['1.5 TB', 1_500_000_000_000],
  ['512MiB', 536_870_912],
  ['200mb', 200_000_000],
  ['7B', 7],
])('%s is %i bytes', (text, bytes) => {
  expect(parseBytes(text)).toBe(bytes)
})

test.each(['', '50', 'GB', '50 XB', '-1GB', '1e9GB', '5,0GB', '50GBs', '99999999GB'])(
  '%j is no size',
  (text) => {
    expect(parseBytes(text)).toBeUndefined()
  },
)
