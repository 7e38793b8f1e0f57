/** What the table of mounts means for a path. */
import { describe, expect, test } from 'vitest'
import { FILE_SYSTEM_TYPE } from '../../../engine/fuse/kernel-mount.ts'
import {
  isPail,
  isRemoteFuse,
  isWithin,
  mountAt,
  mountCovering,
  PAIL_TYPE,
} from '../../../engine/mounts/mount-info.ts'

const disk = { dir: '/', type: 'ext4', source: '/dev/vda' }
const first = { dir: '/m', type: 'tmpfs', source: 'tmpfs' }
const second = { dir: '/m', type: 'fuse.pail', source: 'pail' }
const TABLE = [disk, first, second]

describe('Table of mounts', () => {
  test('the newest of several mounts on one folder is the one that counts', () => {
    expect(mountAt(TABLE, '/m')).toBe(second)
    expect(mountCovering(TABLE, '/m/a/b')).toBe(second)
    expect(mountCovering(TABLE, '/mother')).toBe(disk)
    expect(mountAt(TABLE, '/m/a')).toBeUndefined()
  })

  test('a folder contains itself and what is below, not what merely begins alike', () => {
    expect(isWithin('/a', '/a')).toBe(true)
    expect(isWithin('/a', '/a/b')).toBe(true)
    expect(isWithin('/a', '/ab')).toBe(false)
    expect(isWithin('/', '/ab')).toBe(true)
  })

  test('Pail knows its own mounts by the type the kernel mount gives them', () => {
    expect(PAIL_TYPE).toBe(`fuse.${FILE_SYSTEM_TYPE}`)
    expect(isPail(second)).toBe(true)
  })

  test.each([
    ['fuse.s3fs', '/mnt', true],
    ['fuse', '/mnt', true],
    ['fuse.pail', '/', true],
    ['fuse.fuse-overlayfs', '/', false],
    ['fuse.gocryptfs', '/home/ada', false],
    ['fuseblk', '/mnt/disk', false],
    ['nfs4', '/home', false],
  ])('a mount of type %s on %s can hang whoever asks it: %s', (type, dir, expected) => {
    expect(isRemoteFuse({ type, dir, source: 'x' })).toBe(expected)
  })
})
