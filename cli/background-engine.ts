/**
 * Starts an engine that outlives this command, and waits until it serves.
 *
 * Keeps: the engine gets a clean environment and no terminal; two commands that start one at the
 *        same time end up with the same one.
 * Never: hands a secret to it other than over its socket.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import * as fs from 'node:fs'
import { z } from 'zod'
import type { Clock } from '../engine/base/clock.ts'
import { connectEngine, type EngineClient } from '../engine/mounts/client.ts'
import { layoutOf, openDataDir } from '../engine/mounts/data-dir.ts'
import { ENGINE_HEAP_FLAGS, engineEnvironment } from '../engine/mounts/engine-environment.ts'
import { PailError } from '../shared/errors.ts'
import { WireErrorSchema } from '../shared/model.ts'

const READY_WAIT_MS = 30_000
const CONNECT_WAIT_MS = 10_000
const CONNECT_RETRY_MS = 50
const READY_BYTES_MAX = 64 * 1024
/** The descriptor the engine writes its one line to. */
const READY_FD = 3

const ReadyLine = z.discriminatedUnion('ready', [
  z.object({ ready: z.literal(true) }),
  z.object({ ready: z.literal(false), error: WireErrorSchema }),
])

export type StartOptions = {
  readonly dataDir: string
  readonly enginePath: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
}

export async function connectOrStartEngine(options: StartOptions): Promise<EngineClient> {
  try {
    return await connectEngine(options.dataDir, options.clock)
  } catch (thrown) {
    if (PailError.from(thrown).code !== 'engine/not-running') throw thrown
  }
  const { path } = openDataDir(options.dataDir)
  try {
    await startEngine({ ...options, dataDir: path })
  } catch (thrown) {
    // Another command was faster: its engine is about to serve, or says why not.
    if (PailError.from(thrown).code !== 'store/locked') throw thrown
    return await connectWithin(path, options.clock, thrown)
  }
  return connectEngine(path, options.clock)
}

async function connectWithin(dataDir: string, clock: Clock, refusal: unknown) {
  const startMs = clock.monotonicMs()
  while (clock.monotonicMs() - startMs < CONNECT_WAIT_MS) {
    try {
      return await connectEngine(dataDir, clock)
    } catch (thrown) {
      if (PailError.from(thrown).code !== 'engine/not-running') throw thrown
      await clock.sleep(CONNECT_RETRY_MS)
    }
  }
  throw refusal
}

async function startEngine(options: StartOptions): Promise<void> {
  const child = spawnEngine(options)
  const giveUp = new AbortController()
  try {
    const late = options.clock.sleep(READY_WAIT_MS, giveUp.signal).then(() => {
      throw new PailError('engine/no-answer', 'the engine does not say that it serves')
    })
    await Promise.race([readyLine(child), late])
  } finally {
    giveUp.abort()
    child.stdio[READY_FD]?.destroy()
    child.unref()
  }
}

function spawnEngine(options: StartOptions): ChildProcess {
  const { dataDir, enginePath, environment } = options
  if (!fs.existsSync(enginePath)) {
    throw new PailError('internal/bug', `${enginePath} is missing: run npm run setup`)
  }
  // What the runtime itself prints when it dies belongs into the log as well.
  const log = fs.openSync(layoutOf(dataDir).logFile, 'a', 0o600)
  const flags = ['--data-dir', dataDir, '--ready-fd', String(READY_FD), '--ends-when-idle']
  try {
    return spawn(process.execPath, [...ENGINE_HEAP_FLAGS, enginePath, ...flags], {
      cwd: '/',
      detached: true,
      env: engineEnvironment(environment),
      stdio: ['ignore', log, log, 'pipe'],
    })
  } finally {
    fs.closeSync(log)
  }
}

/** @throws PailError what the engine says, or `engine/stopped` when it ends without a word */
function readyLine(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = ''
    const pipe = child.stdio[READY_FD]
    child.once('error', (cause) => reject(ended(`it cannot be started (${cause.message})`)))
    child.once('exit', (code, signal) => reject(ended(`it ended with ${signal ?? code}`)))
    pipe?.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8')
      if (text.length > READY_BYTES_MAX) reject(ended('it talks nonsense'))
      if (text.includes('\n')) settle(text, resolve, reject)
    })
  })
}

function settle(text: string, resolve: () => void, reject: (error: PailError) => void): void {
  try {
    const line = ReadyLine.parse(JSON.parse(text))
    if (line.ready) resolve()
    else reject(PailError.fromWire(line.error))
  } catch (thrown) {
    reject(ended(`it talks nonsense (${PailError.from(thrown).code})`))
  }
}

const ended = (why: string): PailError => new PailError('engine/stopped', why)
