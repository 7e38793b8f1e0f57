/**
 * The programs that are compared: how each mounts a bucket, and how it ends.
 *
 * Keeps: nothing of one mount is left for the next one: cache, configuration and data folder are
 *        new each time and go with it.
 */
import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { findProgram } from '../build/common.mjs'
import { parseHolder } from '../engine/base/file-lock.ts'
import { onInterrupt } from './interrupt.ts'
import { endProcess, startProgram, unmount, untilMounted } from './processes.ts'

export const TOOL_NAMES = ['pail', 's3fs', 'rclone'] as const
export type ToolName = (typeof TOOL_NAMES)[number]

export type Source = {
  readonly url: string
  readonly bucket: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

export type ToolMount = {
  readonly dir: string
  /** The process that serves the mount. */
  readonly pid: number
  /** Pail alone can be asked; the others are looked at from outside. */
  flush(): Promise<void>
  /**
   * Kills the process that serves, and mounts again over what it left behind. Pail alone.
   * @returns until the mount answered again, in milliseconds
   */
  crash(): Promise<number>
  end(): Promise<void>
}

type Place = {
  /** Told as soon as there is a process to end. */
  readonly onStarted: (pid: number) => void
  readonly home: string
  readonly dir: string
  readonly keysFile: string
  readonly environment: Readonly<Record<string, string>>
}

type Serving = {
  flush(): Promise<void>
  /** @returns the new process */
  readonly again?: () => Promise<number>
}

const MOUNT_MS = 30_000
const FLUSH_SECONDS = '60'
const PAIL = resolve(import.meta.dirname, '../bin/pail')

/** What the documentation says about how each was called. */
export const TOOL_COMMANDS: Readonly<Record<ToolName, string>> = {
  pail: 'pail mount BUCKET DIR --endpoint URL --passwd-file FILE',
  s3fs: 's3fs BUCKET DIR -f -o url=URL,passwd_file=FILE,use_path_request_style',
  rclone:
    'rclone mount REMOTE:BUCKET DIR --vfs-cache-mode full (type s3, provider Other, cache folder new for each mount)',
}

export function missingTools(): ToolName[] {
  return TOOL_NAMES.filter((name) => name !== 'pail' && !findProgram(name))
}

/** A folder of its own for the mount; it must be ended by the caller, whatever happens. */
export async function mountTool(name: ToolName, source: Source): Promise<ToolMount> {
  const home = join(tmpdir(), `pail-bench-${randomUUID().slice(0, 8)}`)
  const dir = join(home, 'mnt')
  let pid = -1
  const end = onInterrupt(async () => {
    // What is left to upload is left: its cache goes as well, and so the process may be killed.
    await unmount(dir)
    await endProcess(pid)
    rmSync(home, { recursive: true, force: true })
  })
  const place = preparePlace({ home, dir }, source)
  const onStarted = (started: number) => {
    pid = started
  }
  try {
    const { flush, again } = await SERVE[name]({ ...place, onStarted }, source)
    const crash = async () => {
      await endProcess(pid)
      const start = performance.now()
      if (!again) throw new Error(`${name} is not started again`)
      pid = await again()
      return performance.now() - start
    }
    return { dir, pid, flush, crash, end }
  } catch (thrown) {
    await end()
    throw thrown
  }
}

function preparePlace(
  { home, dir }: Pick<Place, 'home' | 'dir'>,
  { accessKeyId, secretAccessKey }: Source,
): Omit<Place, 'onStarted'> {
  mkdirSync(home, { mode: 0o700 })
  mkdirSync(dir)
  const keysFile = join(home, 'keys')
  writeFileSync(keysFile, `${accessKeyId}:${secretAccessKey}\n`, { mode: 0o600 })
  const PATH = process.env.PATH ?? '/usr/bin:/bin'
  return { home, dir, keysFile, environment: { PATH, HOME: home, LANG: 'C.UTF-8' } }
}

const SERVE: Readonly<Record<ToolName, (place: Place, source: Source) => Promise<Serving>>> = {
  pail: servePail,
  s3fs: (place, { url, bucket }) => {
    const options = `url=${url},passwd_file=${place.keysFile},use_path_request_style`
    return serveForeground(place, {
      program: 's3fs',
      args: [bucket, place.dir, '-f', '-o', options],
    })
  },
  rclone: serveRclone,
}

type Command = {
  readonly program: string
  readonly args: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

async function serveForeground(place: Place, command: Command): Promise<Serving> {
  const environment = { ...place.environment, ...command.environment }
  const tool = startProgram(command.program, command.args, environment)
  place.onStarted(tool.pid)
  await untilMounted(place.dir, tool, MOUNT_MS)
  return { flush: async () => undefined }
}

async function serveRclone(place: Place, source: Source): Promise<Serving> {
  const config = join(place.home, 'rclone.conf')
  writeFileSync(config, '')
  const cache = ['--cache-dir', join(place.home, 'cache'), '--config', config]
  return serveForeground(place, {
    program: 'rclone',
    args: ['mount', `bench:${source.bucket}`, place.dir, '--vfs-cache-mode', 'full', ...cache],
    environment: {
      RCLONE_CONFIG_BENCH_TYPE: 's3',
      RCLONE_CONFIG_BENCH_PROVIDER: 'Other',
      RCLONE_CONFIG_BENCH_ENDPOINT: source.url,
      RCLONE_CONFIG_BENCH_REGION: 'us-east-1',
      RCLONE_CONFIG_BENCH_ACCESS_KEY_ID: source.accessKeyId,
      RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY: source.secretAccessKey,
    },
  })
}

async function servePail(place: Place, { url, bucket }: Source): Promise<Serving> {
  const dataDir = join(place.home, 'data')
  const environment = { ...place.environment, PAIL_DATA_DIR: dataDir }
  const call = async (...args: string[]) => {
    const { child, output } = startProgram(PAIL, args, environment)
    const code = await new Promise<number | null>((settle) => child.once('close', settle))
    if (code !== 0) throw new Error(`pail ${args[0]}: ${output()}`)
  }
  const keys = ['--endpoint', url, '--passwd-file', place.keysFile]
  const mount = async () => {
    await call('mount', bucket, place.dir, ...keys, '--no-confirm-deletes')
    const { pid } = parseHolder(readFileSync(join(dataDir, 'engine.lock'), 'utf8'))
    if (pid === undefined) throw new Error('the engine of the mount is not known')
    return pid
  }
  place.onStarted(await mount())
  return { flush: () => call('flush', '--wait', '--timeout', FLUSH_SECONDS), again: mount }
}
