/**
 * A bucket mounted by the real `bin/pail`, with its engine in a process of its own.
 *
 * Keeps: whatever a test did, `cleanUp` leaves no mount and no engine; engines end by their id.
 *        A folder is only removed when nothing is mounted below it any more.
 */
import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import { bundle } from '../../build/bundle.mjs'
import { parseHolder } from '../../engine/base/file-lock.ts'
import type { StatusView } from '../../shared/model.ts'
import { type Finished, Pail, plainEnvironment, type Running, type RunOptions } from './cli.ts'
import type { Versitygw } from './versitygw.ts'

const run = promisify(execFile)
/** Another `bin/pail`, for instance of an installed package. */
const { TRY_PAIL } = process.env
const PROGRAM = TRY_PAIL ?? resolve(import.meta.dirname, '../../bin/pail')
const END_MS = 10_000
const POLL_MS = 10
const UMOUNTS_MAX = 4

export type MountedServer = Pick<Versitygw, 'url' | 'accessKeyId' | 'secretAccessKey'>

export type PailOptions = {
  readonly server: MountedServer
  readonly bucket: string
  readonly subpath?: string
  readonly readOnly?: boolean
  /** Other users may come in. */
  readonly allowOther?: boolean
  readonly attributes?: 'all'
  readonly syncXattrs?: boolean
  /** Longest key of what is made in the folder; absent: as long as S3's. */
  readonly keyBytesMax?: number
  /** False: very many deletions at once go to the bucket without a person's answer. */
  readonly confirmDeletes?: boolean
  /** An absent one is new, and goes with the mount. */
  readonly dataDir?: string
}

let isBundled: Promise<void> | undefined

/** Brings dist/ up to date, once in each test process. */
function bundlePail(): Promise<void> {
  isBundled ??= TRY_PAIL ? Promise.resolve() : bundle()
  return isBundled
}

/** Where `pail` works, without anything mounted yet. */
export class PailHome {
  readonly home: string
  readonly dir: string
  readonly dataDir: string
  readonly passwordFile: string
  readonly pail: Pail
  readonly #options: PailOptions

  constructor(home: string, options: PailOptions) {
    this.home = home
    this.#options = options
    this.dir = join(home, 'mnt')
    this.dataDir = options.dataDir ?? join(home, 'data')
    this.passwordFile = join(home, 'keys')
    mkdirSync(this.dir, { recursive: true })
    writeFileSync(this.passwordFile, keysOf(options.server))
    chmodSync(this.passwordFile, 0o600)
    const environment = { ...plainEnvironment(home), PAIL_DATA_DIR: this.dataDir }
    this.pail = new Pail([PROGRAM], { ...environment, ...runMark() })
  }

  /** What follows `pail` to mount it, in the background. */
  get mountArguments(): string[] {
    const { server, bucket, subpath, readOnly, allowOther, attributes, syncXattrs } = this.#options
    const { confirmDeletes = true, keyBytesMax } = this.#options
    const source = subpath === undefined ? bucket : `${bucket}:/${subpath}`
    const keys = ['--endpoint', server.url, '--passwd-file', this.passwordFile]
    const more = [
      ...(readOnly ? ['--read-only'] : []),
      ...(allowOther ? ['--allow-other'] : []),
      ...(attributes ? ['--attributes', attributes] : []),
      ...(syncXattrs ? ['--sync-xattrs'] : []),
      ...(keyBytesMax === undefined ? [] : ['--max-key-bytes', String(keyBytesMax)]),
      ...(confirmDeletes ? [] : ['--no-confirm-deletes']),
    ]
    return ['mount', source, this.dir, ...keys, ...more]
  }

  path(...names: string[]): string {
    return join(this.dir, ...names)
  }

  /** @throws when pail refuses */
  async mount(): Promise<void> {
    await this.#succeed(this.mountArguments)
  }

  /** The engine lives in this very process; what is done with it is the test's matter. */
  startForeground(options: RunOptions = {}): Running {
    return this.pail.start([...this.mountArguments, '--foreground'], options)
  }

  /** By whoever holds the data folder's lock; -1 when no engine ever ran. */
  enginePid(): number {
    const lock = join(this.dataDir, 'engine.lock')
    return existsSync(lock) ? (parseHolder(readFileSync(lock, 'utf8')).pid ?? -1) : -1
  }

  /** The engine dies at once, as in a crash; its mount stays behind, dead. */
  async kill9(): Promise<void> {
    await killAndWait(this.enginePid())
  }

  /** Mounts again where it was; `pail mount` itself takes a dead mount away. @returns how long */
  async remount(): Promise<number> {
    const start = performance.now()
    await this.mount()
    return performance.now() - start
  }

  /** Waits until everything is in the bucket. */
  async flush(timeoutSeconds = 120): Promise<void> {
    const timeoutMs = (timeoutSeconds + 20) * 1000
    await this.#succeed(['flush', '--wait', '--timeout', String(timeoutSeconds)], { timeoutMs })
  }

  async status(): Promise<StatusView> {
    // Its exit code says how things are, not whether they could be told.
    return JSON.parse((await this.pail.run(['status', '--json'])).stdout) as StatusView
  }

  async unmount(): Promise<void> {
    await this.#succeed(['unmount', this.dir])
  }

  /** Whatever happened before: nothing of it runs or is mounted afterwards. */
  async cleanUp(): Promise<void> {
    for (let tries = 0; tries < UMOUNTS_MAX && isMounted(this.dir); tries++) {
      await run('umount', ['-l', this.dir]).catch(() => undefined)
    }
    await this.kill9()
    if (hasMountBelow(this.home)) throw new Error(`something is still mounted below ${this.home}`)
    rmSync(this.home, { recursive: true, force: true })
  }

  async #succeed(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
    const finished = await this.pail.run(args, options)
    if (finished.code === 0) return finished
    throw new Error(`pail ${args.join(' ')}: ${JSON.stringify(finished)}`)
  }
}

/** A folder for `pail` that is mounted later; goes with the test that made it. */
export async function pailHome(options: PailOptions): Promise<PailHome> {
  const home = await unattendedHome(options)
  onTestFinished(() => home.cleanUp())
  return home
}

/** A mount that the caller cleans up: for those that several tests share. */
export async function startPail(options: PailOptions): Promise<PailHome> {
  const home = await unattendedHome(options)
  try {
    await home.mount()
    return home
  } catch (thrown) {
    await home.cleanUp()
    throw thrown
  }
}

/** A mount that goes with the test that made it. */
export async function pailMount(options: PailOptions): Promise<PailHome> {
  const mount = await startPail(options)
  onTestFinished(() => mount.cleanUp())
  return mount
}

async function unattendedHome(options: PailOptions): Promise<PailHome> {
  await bundlePail()
  return new PailHome(await mkdtemp(join(tmpdir(), 'pail-home-')), options)
}

function keysOf({ accessKeyId, secretAccessKey }: MountedServer): string {
  return `${accessKeyId}:${secretAccessKey}\n`
}

/** Lets the end of a whole test run find what was started in it. */
function runMark(): Record<string, string> {
  return { TMPDIR: tmpdir() }
}

/** A killed process is a zombie until its parent takes it: it runs no more. */
export function isRunning(pid: number): boolean {
  if (pid < 1) return false
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

export async function killAndWait(pid: number): Promise<void> {
  if (!isRunning(pid)) return
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended in between.
  }
  await waitForEnd(pid)
}

/** @throws when the process still runs after a while */
export async function waitForEnd(pid: number, limitMs = END_MS): Promise<void> {
  const deadline = performance.now() + limitMs
  while (isRunning(pid)) {
    if (performance.now() > deadline) throw new Error(`process ${pid} does not end`)
    await sleep(POLL_MS)
  }
}

function mountPoints(): string[] {
  const plain = (text: string) =>
    text.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)))
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  return lines.map((line) => plain(line.split(' ')[4] ?? ''))
}

export function isMounted(dir: string): boolean {
  return mountPoints().includes(dir)
}

function hasMountBelow(folder: string): boolean {
  return mountPoints().some((dir) => dir.startsWith(`${folder}/`))
}
