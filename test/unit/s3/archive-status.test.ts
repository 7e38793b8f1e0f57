import { describe, expect, test } from 'vitest'
import { archiveStatusOf } from '../../../engine/s3/archive-status.ts'

const UNTIL = 'Sat, 28 Nov 2026 00:00:00 GMT'
const GLACIER = { 'x-amz-storage-class': 'GLACIER' }

describe('The headers of an archived object', () => {
  test.each([
    ['no class', {}, undefined],
    ['a class that answers at once', { 'x-amz-storage-class': 'GLACIER_IR' }, undefined],
    ['an archive', GLACIER, { state: 'archived' }],
    ["IBM's faster archive", { 'x-amz-storage-class': 'ACCELERATED' }, { state: 'archived' }],
    [
      'a restore under way',
      { ...GLACIER, 'x-amz-restore': 'ongoing-request="true"' },
      { state: 'restoring' },
    ],
    [
      'a copy',
      { ...GLACIER, 'x-amz-restore': `ongoing-request="false", expiry-date="${UNTIL}"` },
      { state: 'restored', untilMs: Date.parse(UNTIL) },
    ],
    [
      'no copy any more, as IBM Deep Archive says it',
      { ...GLACIER, 'x-amz-restore': 'ongoing-request="false"' },
      { state: 'archived' },
    ],
    [
      'a date that is none',
      { ...GLACIER, 'x-amz-restore': 'ongoing-request="false", expiry-date="soon"' },
      { state: 'archived' },
    ],
    [
      'an object that the provider put away by itself',
      { 'x-amz-storage-class': 'INTELLIGENT_TIERING', 'x-amz-archive-status': 'ARCHIVE_ACCESS' },
      { state: 'archived' },
    ],
    [
      'and fetched back for good',
      { 'x-amz-storage-class': 'INTELLIGENT_TIERING', 'x-amz-restore': 'ongoing-request="false"' },
      undefined,
    ],
  ])('tell of %s', (_name, headers, status) => {
    expect(archiveStatusOf(headers)).toEqual(status)
  })
})
