/**
 * A bucket mounted by another tool, s3fs or rclone, as their users mount it.
 *
 * Keeps: goes with the test that made it: unmounted, its process ended by its id, its folder removed.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import { isMounted, type MountedServer } from './pail-mount.ts'

const run = promisify(execFile)
const MOUNT_MS = 20_000
const END_MS = 20_000
const POLL_MS = 50

export type PeerName = 's3fs' | 'rclone'
type Place = { readonly home: string; readonly dir: string }

/** Uploads while it closes a file, so that nothing waits when it is unmounted. */
function s3fsArguments({ home, dir }: Place, server: MountedServer, bucket: string): string[] {
  const passwordFile = join(home, 'keys')
  writeFileSync(passwordFile, `${server.accessKeyId}:${server.secretAccessKey}\n`)
  chmodSync(passwordFile, 0o600)
  const options = `url=${server.url},passwd_file=${passwordFile},use_path_request_style,use_xattr`
  return [bucket, dir, '-f', '-o', options]
}

function rcloneArguments({ home, dir }: Place, bucket: string): string[] {
  const cache = ['--cache-dir', join(home, 'cache'), '--vfs-cache-mode', 'full']
  return ['mount', `peer:${bucket}`, dir, ...cache, '--vfs-write-back', '0s']
}

function rcloneEnvironment(home: string, server: MountedServer): Record<string, string> {
  const config = join(home, 'rclone.conf')
  writeFileSync(config, '')
  return {
    RCLONE_CONFIG: config,
    RCLONE_CONFIG_PEER_TYPE: 's3',
    RCLONE_CONFIG_PEER_PROVIDER: 'Other',
    RCLONE_CONFIG_PEER_ENDPOINT: server.url,
    RCLONE_CONFIG_PEER_REGION: 'us-east-1',
    RCLONE_CONFIG_PEER_ACCESS_KEY_ID: server.accessKeyId,
    RCLONE_CONFIG_PEER_SECRET_ACCESS_KEY: server.secretAccessKey,
  }
}

export type PeerMount = {
  readonly dir: string
  /** Unmounts; what was written is in the bucket then. */
  unmount(): Promise<void>
}

export async function peerMount(
  name: PeerName,
  server: MountedServer,
  bucket: string,
): Promise<PeerMount> {
  const home = mkdtempSync(join(tmpdir(), `pail-peer-${name}-`))
  const dir = join(home, 'mnt')
  mkdirSync(dir)
  const place = { home, dir }
  const isS3fs = name === 's3fs'
  const args = isS3fs ? s3fsArguments(place, server, bucket) : rcloneArguments(place, bucket)
  const own = isS3fs ? {} : rcloneEnvironment(home, server)
  const env = { PATH: process.env.PATH ?? '', HOME: home, LANG: 'C.UTF-8', ...own }
  const tool = spawn(name, args, { env, stdio: 'ignore' })
  const unmount = () => endMount(tool, dir)
  onTestFinished(async () => {
    await unmount()
    if (isMounted(dir)) throw new Error(`${dir} is still mounted`)
    rmSync(home, { recursive: true, force: true })
  })
  await untilTrue(() => isMounted(dir) || tool.exitCode !== null, MOUNT_MS)
  if (!isMounted(dir)) throw new Error(`${name} does not mount`)
  return { dir, unmount }
}

async function endMount(tool: ChildProcess, dir: string): Promise<void> {
  if (isMounted(dir)) await run('umount', [dir]).catch(() => run('umount', ['-l', dir]))
  const hasEnded = () => tool.exitCode !== null || tool.signalCode !== null
  await untilTrue(hasEnded, END_MS)
  if (!hasEnded()) tool.kill('SIGKILL')
}

/** One command of rclone that names the bucket as `peer:BUCKET/…`. */
export async function rclone(server: MountedServer, args: readonly string[]): Promise<string> {
  const home = mkdtempSync(join(tmpdir(), 'pail-peer-rclone-'))
  try {
    const env = { PATH: process.env.PATH ?? '', HOME: home, ...rcloneEnvironment(home, server) }
    return (await run('rclone', [...args], { env, timeout: 60_000 })).stdout
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

async function untilTrue(isTrue: () => boolean, limitMs: number): Promise<void> {
  const deadline = performance.now() + limitMs
  while (!isTrue() && performance.now() < deadline) await sleep(POLL_MS)
}
