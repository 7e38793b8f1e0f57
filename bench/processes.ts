/**
 * Processes and mounts that a benchmark starts, and how each of them ends again.
 *
 * Keeps: a process ends by its own id; a folder is removed only when nothing is mounted on it.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

const POLL_MS = 10
const END_MS = 10_000
const OUTPUT_KEPT_CHARACTERS = 4000
const UNMOUNT_TRIES_MAX = 3

export type Started = {
  readonly child: ChildProcess
  readonly pid: number
  /** The last of what it printed, for the report of a failure. */
  readonly output: () => string
}

export function startProgram(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Started {
  const child = spawn(program, [...args], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const take = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-OUTPUT_KEPT_CHARACTERS)
  }
  child.stdout?.on('data', take)
  child.stderr?.on('data', take)
  child.on('error', (error) => {
    output += String(error)
  })
  return { child, pid: child.pid ?? -1, output: () => output }
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

/** At once: nothing that a measured process keeps is needed after it. */
export async function endProcess(pid: number): Promise<void> {
  if (!isRunning(pid)) return
  process.kill(pid, 'SIGKILL')
  if (!(await hasEnded(pid, END_MS))) throw new Error(`process ${pid} does not end`)
}

async function hasEnded(pid: number, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs
  while (isRunning(pid)) {
    if (performance.now() > deadline) return false
    await sleep(POLL_MS)
  }
  return true
}

export function isMounted(dir: string): boolean {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n')
  return lines.some((line) => line.split(' ')[4] === dir)
}

/** @throws when the process ends first, or the folder is not mounted in time */
export async function untilMounted(dir: string, tool: Started, limitMs: number): Promise<void> {
  const deadline = performance.now() + limitMs
  while (!isMounted(dir)) {
    if (!isRunning(tool.pid)) throw new Error(`ended before it mounted: ${tool.output()}`)
    if (performance.now() > deadline) throw new Error(`does not mount: ${tool.output()}`)
    await sleep(POLL_MS)
  }
}

/** Lazily, so that one stuck program does not keep the rest of a benchmark from running. */
export async function unmount(dir: string): Promise<void> {
  for (let tries = 0; isMounted(dir); tries++) {
    if (tries === UNMOUNT_TRIES_MAX) throw new Error(`${dir} stays mounted`)
    const isRoot = process.getuid?.() === 0
    const command = isRoot ? ['umount', '-l', dir] : ['fusermount3', '-u', '-z', dir]
    const [program = '', ...args] = command
    await run(program, args).catch(() => undefined)
  }
}

/** Highest resident memory of a process so far, as the kernel counts it. */
export function peakMemoryBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kilobytes = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN)
  return kilobytes * 1024
}

/** What a program prints, standard error included; empty when it is missing or fails. */
export async function printed(program: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout, stderr } = await run(program, [...args])
    return `${stdout}${stderr}`
  } catch {
    return ''
  }
}
