/**
 * A real S3 server (versitygw, posix back end) on a free loopback port, for tests and benches.
 *
 * Keeps: ends by its process id; its folders are temporary and removed by `stop`.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, truncate } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { plainS3Client } from './s3-client.ts'

export type VersitygwOptions = {
  /** Keeps every version of an object. */
  readonly versioning?: boolean
  readonly region?: string
  /** The buckets of another server, to which this one gives access by other keys. */
  readonly sharing?: Pick<Versitygw, 'dir'>
  readonly accessKeyId?: string
}

export type RequestCounts = {
  /** By the server's own names, e.g. `{ s3_PutObject: 3 }`. */
  readonly byAction: Readonly<Record<string, number>>
  /** The access log's lines, oldest first. */
  readonly lines: readonly string[]
}

export type Versitygw = {
  readonly url: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly pid: number
  /** The folder whose sub-folders are the buckets. */
  readonly dir: string
  createBucket(name: string): Promise<void>
  requests(): Promise<RequestCounts>
  resetRequests(): Promise<void>
  /** The server takes connections and answers nothing, as behind a black hole. */
  pause(): Promise<void>
  resume(): void
  stop(): Promise<void>
}

const READY_MS = 15_000
const STOP_MS = 5_000
const ACCESS_KEY_ID = 'pail-test-access'
const SECRET_ACCESS_KEY = 'pail-test-secret'

export async function startVersitygw(options: VersitygwOptions = {}): Promise<Versitygw> {
  const binary = findVersitygw()
  const home = await mkdtemp(join(tmpdir(), 'pail-versitygw-'))
  const { region = 'us-east-1', accessKeyId = ACCESS_KEY_ID } = options
  const port = await freePort()
  const [dir, log, versions] = [
    options.sharing?.dir ?? join(home, 'data'),
    join(home, 'access.log'),
    join(home, 'versions'),
  ]
  await Promise.all([mkdir(dir, { recursive: true }), mkdir(versions)])
  const flags = ['--quiet', '--keep-alive', '--region', region, '--access-log', log]
  const backend = options.versioning ? ['posix', '--versioning-dir', versions, dir] : ['posix', dir]
  const child = spawn(binary, [...flags, '--port', `127.0.0.1:${port}`, ...backend], {
    env: {
      PATH: process.env.PATH,
      ROOT_ACCESS_KEY: accessKeyId,
      ROOT_SECRET_KEY: SECRET_ACCESS_KEY,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = collectOutput(child)
  const url = `http://127.0.0.1:${port}`
  const stop = async () => {
    await stopChild(child)
    await rm(home, { recursive: true, force: true })
  }
  try {
    await untilReady(url, child, output)
  } catch (thrown) {
    await stop()
    throw thrown
  }
  const keys = { accessKeyId, secretAccessKey: SECRET_ACCESS_KEY }
  return {
    url,
    region,
    ...keys,
    pid: child.pid ?? 0,
    dir,
    createBucket: (name) => plainS3Client({ url, region, ...keys }).createBucket(name),
    requests: async () => countRequests(linesOf(await readLog(log))),
    resetRequests: () => truncate(log).catch(ignoreMissing),
    pause: () => stopped(child),
    resume: () => child.kill('SIGCONT'),
    stop,
  }
}

/** `PAIL_VERSITYGW`, then PATH, then Go's own folder for programs. */
export function findVersitygw(): string {
  const named = process.env.PAIL_VERSITYGW
  if (named) return named
  const folders = (process.env.PATH ?? '').split(delimiter)
  const candidates = [...folders, ...goFolders()].map((folder) => join(folder, 'versitygw'))
  const found = candidates.find((path) => existsSync(path))
  if (found) return found
  throw new Error(
    'versitygw is missing: run `go install github.com/versity/versitygw/cmd/versitygw@v1.8.0`, or name it in PAIL_VERSITYGW',
  )
}

function goFolders(): string[] {
  try {
    return [join(execFileSync('go', ['env', 'GOPATH'], { encoding: 'utf8' }).trim(), 'bin')]
  } catch {
    return process.env.HOME ? [join(process.env.HOME, 'go', 'bin')] : []
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}

function collectOutput(child: ChildProcess): () => string {
  let output = ''
  const take = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-4000)
  }
  child.stdout?.on('data', take)
  child.stderr?.on('data', take)
  child.on('error', (error) => {
    output += String(error)
  })
  return () => output
}

async function untilReady(url: string, child: ChildProcess, output: () => string): Promise<void> {
  const deadline = performance.now() + READY_MS
  while (performance.now() < deadline) {
    if (child.exitCode !== null) break
    const isUp = await fetch(url, { signal: AbortSignal.timeout(1000) }).then(
      () => true,
      () => false,
    )
    if (isUp) return
    await sleep(30)
  }
  throw new Error(`versitygw does not answer at ${url}: ${output()}`)
}

/** The signal is sent at once; the promise ends when every thread has stopped. */
async function stopped(child: ChildProcess): Promise<void> {
  child.kill('SIGSTOP')
  for (let round = 0; round < 200; round++) {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '')
    if (/^State:\s+T/m.test(status)) return
    await sleep(5)
  }
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGCONT')
  child.kill('SIGTERM')
  await Promise.race([ended, sleep(STOP_MS)])
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
  await ended
}

async function readLog(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch(() => '')
}

function linesOf(log: string): string[] {
  return log.split('\n').filter((line) => line !== '')
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}

export function countRequests(lines: readonly string[]): RequestCounts {
  const byAction: Record<string, number> = {}
  for (const line of lines) {
    const action = /\b(s3_\w+|admin_\w+)\b/.exec(line)?.[1] ?? 'unknown'
    byAction[action] = (byAction[action] ?? 0) + 1
  }
  return { byAction, lines }
}
