/**
 * Puts a FUSE mount into the kernel and takes it out again: by mount(2) as root, by fusermount3 for
 * everybody else.
 *
 * Keeps: what the system says becomes one error of the table with a remedy.
 * Never: resolves a path inside the mount.
 */
import { closeSync, constants, existsSync, openSync } from 'node:fs'
import { PailError } from '../../shared/errors.ts'
import type { Clock } from '../base/clock.ts'
import * as libc from './libc.ts'
import type { DescriptorPoller } from './poller.ts'
import { findProgram, runProgram } from './program.ts'
import { ERRNO } from './wire/errno.ts'

export const FUSE_DEVICE = '/dev/fuse'
export const FILE_SYSTEM_TYPE = 'pail'
const FUSERMOUNT_PATHS = ['/usr/bin/fusermount3', '/bin/fusermount3', '/usr/local/bin/fusermount3']
/** fusermount3 does one system call; longer means that it hangs. */
const FUSERMOUNT_LIMIT_MS = 10_000
const ENODEV = 19

export type MountOptions = {
  /** Absolute, exists, no symbolic links. */
  readonly dir: string
  /** Shown in the mount table, for instance `pail:bucket/subpath`. */
  readonly source: string
  readonly readOnly: boolean
  /** Lets other users of this computer in; off unless asked for. */
  readonly allowOther: boolean
  readonly uid: number
  readonly gid: number
}

/** @returns the open device of the new mount: private to this process, reads do not block */
export async function mountKernel(
  options: MountOptions,
  parts: { readonly poller: DescriptorPoller; readonly clock: Clock; readonly isRoot: boolean },
): Promise<number> {
  if (!existsSync(FUSE_DEVICE)) {
    throw new PailError('mount/no-fuse', `${FUSE_DEVICE} does not exist`, { dir: options.dir })
  }
  const fd = parts.isRoot ? mountAsRoot(options) : await mountByHelper(options, parts)
  const result = libc.makePrivateAndNonBlocking(fd)
  if (result < 0) {
    closeSync(fd)
    throw libc.failedCall('fcntl', result)
  }
  return fd
}

function mountAsRoot(options: MountOptions): number {
  const fd = openDevice(options.dir)
  const flags = libc.MountFlag.NOSUID | libc.MountFlag.NODEV
  const result = libc.mount({
    source: options.source,
    dir: options.dir,
    type: `fuse.${FILE_SYSTEM_TYPE}`,
    flags: options.readOnly ? flags | libc.MountFlag.RDONLY : flags,
    data: kernelOptions(options, fd),
  })
  if (result < 0) {
    closeSync(fd)
    throw mountError(result, options.dir)
  }
  return fd
}

function openDevice(dir: string): number {
  try {
    return openSync(FUSE_DEVICE, constants.O_RDWR)
  } catch (thrown) {
    throw new PailError('mount/no-fuse', `cannot open ${FUSE_DEVICE}`, { dir }, thrown)
  }
}

/** See fuse(4). The kernel checks permissions itself, from the attributes it is given. */
function kernelOptions(options: MountOptions, fd: number): string {
  const values = [
    `fd=${fd}`,
    'rootmode=40000',
    `user_id=${options.uid}`,
    `group_id=${options.gid}`,
    'default_permissions',
  ]
  if (options.allowOther) values.push('allow_other')
  return values.join(',')
}

function mountError(result: number, dir: string): PailError {
  if (result === -ERRNO.ENOENT) return new PailError('mount/folder-missing', 'mount(2)', { dir })
  if (result === -ERRNO.ENOTDIR) return new PailError('mount/not-a-folder', 'mount(2)', { dir })
  if (result === -ENODEV) return new PailError('mount/no-fuse', 'the kernel has no FUSE', { dir })
  return new PailError('mount/refused', `mount(2) failed with error ${-result}`, { dir })
}

async function mountByHelper(
  options: MountOptions,
  parts: { readonly poller: DescriptorPoller; readonly clock: Clock },
): Promise<number> {
  const pair = libc.socketPair()
  if (typeof pair === 'number') throw libc.failedCall('socketpair', pair)
  const [ours, theirs] = pair
  try {
    const result = await runProgram(requireHelper(options.dir), {
      args: ['-o', helperOptions(options), '--', options.dir],
      environment: { _FUSE_COMMFD: '3' },
      descriptor: theirs,
      clock: parts.clock,
      limitMs: FUSERMOUNT_LIMIT_MS,
    })
    // The descriptor, if there is one, waits in the socket: the program has ended.
    const fd = result.status === 0 ? libc.receiveDescriptor(ours) : undefined
    if (fd === undefined || fd < 0) throw helperError(result.message, options.dir)
    return fd
  } finally {
    closeSync(ours)
    closeSync(theirs)
  }
}

function requireHelper(dir: string): string {
  const helper = findProgram(FUSERMOUNT_PATHS)
  if (helper) return helper
  throw new PailError('mount/no-fusermount', 'fusermount3 is not installed', { dir })
}

export function helperOptions(options: MountOptions): string {
  // In an option, a comma ends the value unless a backslash stands before it.
  const source = options.source.replace(/[\\,]/g, (character) => `\\${character}`)
  const values = [
    `fsname=${source}`,
    `subtype=${FILE_SYSTEM_TYPE}`,
    'nosuid',
    'nodev',
    'default_permissions',
    options.readOnly ? 'ro' : 'rw',
  ]
  if (options.allowOther) values.push('allow_other')
  return values.join(',')
}

/** What fusermount3 said, as one of the table's errors. */
export function helperError(message: string, dir: string): PailError {
  if (/device not found|modprobe fuse/.test(message)) {
    return new PailError('mount/no-fuse', message, { dir })
  }
  if (/user_allow_other/.test(message))
    return new PailError('mount/others-refused', message, { dir })
  return new PailError('mount/refused', message || 'fusermount3 failed without a message', { dir })
}

/**
 * Takes the mount away. Programs that still use it make this fail, unless `detach` hides it from the
 * tree at once and lets it end with its last user.
 *
 * @throws PailError `mount/busy` while it is in use, `mount/not-mounted`, `mount/refused`
 */
export async function unmountKernel(
  dir: string,
  how: { readonly detach: boolean; readonly isRoot: boolean; readonly clock: Clock },
): Promise<void> {
  if (!how.isRoot) return unmountByHelper(dir, how)
  const flags = libc.UnmountFlag.NOFOLLOW | (how.detach ? libc.UnmountFlag.DETACH : 0)
  const result = await libc.unmount(dir, flags)
  if (result === -ERRNO.EBUSY) throw new PailError('mount/busy', 'umount2', { dir })
  if (result === -ERRNO.EINVAL) throw new PailError('mount/not-mounted', 'umount2', { dir })
  if (result < 0) throw new PailError('mount/refused', `umount2 failed with ${-result}`, { dir })
}

async function unmountByHelper(
  dir: string,
  how: { readonly detach: boolean; readonly clock: Clock },
): Promise<void> {
  const { status, message } = await runProgram(requireHelper(dir), {
    args: how.detach ? ['-u', '-z', '--', dir] : ['-u', '--', dir],
    clock: how.clock,
    limitMs: FUSERMOUNT_LIMIT_MS,
  })
  if (status === 0) return
  if (/busy/i.test(message)) throw new PailError('mount/busy', message, { dir })
  if (/not found in|not mounted/i.test(message)) {
    throw new PailError('mount/not-mounted', message, { dir })
  }
  throw new PailError('mount/refused', message || `fusermount3 ended with ${status}`, { dir })
}
