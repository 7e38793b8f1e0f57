import { describe, expect, test } from 'vitest'
import { helperOptions } from '../../../engine/fuse/kernel-mount.ts'
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
})
