/**
 * Ordinary users, as on every laptop, while the tests run as root on a machine whose /dev/fuse is
 * closed to them: a private mount namespace gets a device node of its own.
 */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Command, run } from './served-folder.ts'

const USER = 'pail-test'

export type User = { readonly uid: number; readonly gid: number }

/** Makes the user where it is missing; a later run finds it. */
export async function ordinaryUser(): Promise<User> {
  try {
    await run('id', ['-u', USER])
  } catch {
    await run('useradd', ['--create-home', '--shell', '/bin/sh', USER])
  }
  const [uid, gid] = await Promise.all([run('id', ['-u', USER]), run('id', ['-g', USER])])
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
}

/** A folder that the user owns. */
export async function folderOf(user: User, prefix: string): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), prefix))
  await run('chown', [`${user.uid}:${user.gid}`, dir])
  return dir
}

function asUser(user: User): string[] {
  const ids = [`--reuid=${user.uid}`, `--regid=${user.gid}`]
  return ['setpriv', ...ids, '--clear-groups', '--']
}

/** The same program as the user, in a mount namespace where /dev/fuse is open to everybody. */
export function withOpenFuse(user: User, program: string, args: readonly string[]): Command {
  // A file system that allows devices: /dev itself, which only this namespace sees changed.
  const script = [
    'set -e',
    'mount -t tmpfs -o mode=755,dev pail-test-dev /mnt',
    'mknod -m 666 /mnt/fuse c 10 229',
    'mount --bind /mnt/fuse /dev/fuse',
    'exec "$@"',
  ].join('\n')
  const namespace = ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh']
  return { program: 'unshare', args: [...namespace, ...asUser(user), program, ...args] }
}

/** Runs a shell script as the user, where process `pid` lives. @returns its standard output */
export async function runBeside(user: User, pid: number, script: string): Promise<string> {
  const args = ['--target', String(pid), '--mount', ...asUser(user), 'sh', '-ec', script]
  return (await run('nsenter', args, { timeout: 20_000 })).stdout
}
