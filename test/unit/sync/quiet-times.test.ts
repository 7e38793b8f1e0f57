import { describe, expect, test } from 'vitest'
import { putQuietMs, QUIET_MS } from '../../../engine/sync/quiet-times.ts'
import { SINGLE_PUT_BYTES_MAX } from '../../../engine/sync/upload-plan.ts'

const LARGE_BYTES = SINGLE_PUT_BYTES_MAX + 1

describe('The quiet time before an upload', () => {
  test('is short for a large file that the bucket does not have', () => {
    expect(putQuietMs({ sizeBytes: LARGE_BYTES, isNew: true })).toBe(QUIET_MS.putNewLarge)
    expect(QUIET_MS.putNewLarge).toBeLessThan(QUIET_MS.put)
  })

  test('collects the changes of a large file that is written again and again', () => {
    expect(putQuietMs({ sizeBytes: LARGE_BYTES, isNew: false })).toBe(QUIET_MS.put)
  })

  test('is the usual one for a small file, and long for an empty one', () => {
    expect(putQuietMs({ sizeBytes: SINGLE_PUT_BYTES_MAX, isNew: true })).toBe(QUIET_MS.put)
    expect(putQuietMs({ sizeBytes: 0, isNew: true })).toBe(QUIET_MS.putEmpty)
    expect(QUIET_MS.putEmpty).toBeGreaterThan(QUIET_MS.put)
  })
})
