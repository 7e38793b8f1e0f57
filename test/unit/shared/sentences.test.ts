import { describe, expect, test } from 'vitest'
import { formatBytes, formatCount, pendingSentence } from '../../../shared/sentences.ts'

describe('sentences', () => {
  test.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [999, '999 bytes'],
    [1000, '1.0 kB'],
    [9_940, '9.9 kB'],
    [9_960, '10 kB'],
    [999_499, '999 kB'],
    [999_500, '1.0 MB'],
    [310_400_000, '310 MB'],
    [4_213_000_000, '4.2 GB'],
    [10e12, '10 TB'],
    [-5, '0 bytes'],
  ])('%d bytes read as %s', (bytes, words) => {
    expect(formatBytes(bytes)).toBe(words)
  })

  test('counts are grouped, and one is singular', () => {
    expect([0, 1, 2, 12_000].map((count) => formatCount(count, 'file'))).toEqual([
      '0 files',
      '1 file',
      '2 files',
      '12,000 files',
    ])
    const said = (pendingFiles: number, folders: number, changes: number) =>
      pendingSentence({ pendingFiles, pendingBytes: 310e6, pendingOther: { folders, changes } })
    expect(pendingSentence({ pendingFiles: 3, pendingBytes: 310e6 })).toBe(
      '3 files, 310 MB still to upload',
    )
    // A new folder or a deletion is no file: told when there is nothing but them.
    expect(said(4, 1, 0)).toBe('3 files, 310 MB still to upload')
    expect(said(1, 1, 0)).toBe('1 folder still to make in the bucket')
    expect(said(5, 2, 3)).toBe('2 folders and 3 changes still to make in the bucket')
  })
})
