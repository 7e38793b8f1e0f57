import { describe, expect, test } from 'vitest'
import { helperError, helperOptions } from '../../../engine/fuse/kernel-mount.ts'
import { parseMountTable } from '../../../engine/fuse/mount-table.ts'

describe('The mount table', () => {
  test('names device, folder, type and source, with spaces and optional fields', () => {
    const text = [
      '22 1 0:21 / /proc rw,nosuid shared:5 - proc proc rw',
      '40 22 0:39 / /home/a\\040b rw,nosuid,nodev - fuse.pail pail:bucket/with,\\040comma rw',
      'garbage',
      '',
    ].join('\n')
    expect(parseMountTable(text)).toEqual([
      { device: '0:21', dir: '/proc', type: 'proc', source: 'proc' },
      { device: '0:39', dir: '/home/a b', type: 'fuse.pail', source: 'pail:bucket/with, comma' },
    ])
  })
})

describe('Options for fusermount3', () => {
  test('cannot be smuggled in by the name of a bucket or folder', () => {
    const options = helperOptions({
      dir: '/mnt',
      source: 'pail:b/x,allow_other\\,suid',
      readOnly: true,
      allowOther: false,
      uid: 1,
      gid: 1,
    })
    expect(options).toBe(
      'fsname=pail:b/x\\,allow_other\\\\\\,suid,subtype=pail,nosuid,nodev,default_permissions,ro',
    )
  })

  test('let other users in when that was asked for', () => {
    const options = { dir: '/mnt', source: 'pail:b', readOnly: false, uid: 1, gid: 1 }
    expect(helperOptions({ ...options, allowOther: true })).toMatch(/,allow_other$/)
  })
})

describe('What fusermount3 says', () => {
  test('about other users becomes an error that names the setting', () => {
    const message =
      "fusermount3: option allow_other only allowed if 'user_allow_other' is set in /etc/fuse.conf"
    const error = helperError(message, '/mnt')
    expect(error.code).toBe('mount/others-refused')
    expect(error.remedy).toContain('user_allow_other')
  })
})
