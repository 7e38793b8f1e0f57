/**
 * One engine on one data folder, with everything around it: lock, log, socket, port.
 *
 * Runs in: the engine process, or `pail mount --foreground`.
 * Keeps: what is opened is closed in reverse; the lock is released last.
 */
import type { EngineCall, EngineInput, EngineOutput } from '../../shared/engine-contract.ts'
import { engineCalls } from '../../shared/engine-contract.ts'
import { PailError } from '../../shared/errors.ts'
import type { StatusView } from '../../shared/model.ts'
import type { Clock, Random } from '../base/clock.ts'
import { type FileLock, lockFile } from '../base/file-lock.ts'
import { Lifetime } from '../base/lifetime.ts'
import { connectEngine } from './client.ts'
import { type DataDir, openDataDir } from './data-dir.ts'
import type { CreateEngine, Engine } from './engine-api.ts'
import { EngineHost } from './host.ts'
import { type ParentPort, servePort } from './host-port.ts'
import { serveSocket } from './host-socket.ts'
import { LogFile } from './log-file.ts'

/** An engine that was just killed, or is about to end, still holds its lock for a moment. */
const LOCK_WAIT_MS = 2_000
const LOCK_RETRY_MS = 50

export type ServeOptions = {
  readonly dataDir: string
  readonly version: string
  readonly createEngine: CreateEngine
  readonly clock: Clock
  readonly random: Random
  readonly port?: ParentPort
}

export type StopOptions = { readonly force: boolean }

export class ServedEngine {
  readonly dataDir: DataDir
  readonly log: LogFile
  readonly host: EngineHost
  readonly #engine: Engine
  readonly #lifetime: Lifetime
  #stopping: Promise<{ readonly pendingFiles: number }> | undefined
  #leftFiles = 0
  #resolveEnded: () => void = () => {}
  /** Resolves when everything is closed, whoever asked for it. */
  readonly ended: Promise<void>

  constructor(parts: { dataDir: DataDir; log: LogFile; engine: Engine; lifetime: Lifetime }) {
    this.dataDir = parts.dataDir
    this.log = parts.log
    this.#engine = parts.engine
    this.#lifetime = parts.lifetime
    this.host = new EngineHost({
      engine: {
        handlers: { ...parts.engine.handlers, 'engine/shutdown': () => this.#shutDown() },
        onDidChangeStatus: (listener) => parts.engine.onDidChangeStatus(listener),
        onDidTell: (listener) => parts.engine.onDidTell(listener),
      },
      log: parts.log,
      onSecret: (secret) => parts.log.hide(secret),
    })
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
  }

  /** Files that stayed in the journal when the engine closed. */
  get leftFiles(): number {
    return this.#leftFiles
  }

  /** A call from within this process, checked like one from outside. */
  async call<C extends EngineCall>(name: C, input: EngineInput<C>): Promise<EngineOutput<C>> {
    const reply = await this.host.call(name, input)
    if (!reply.ok) throw PailError.fromWire(reply.error)
    return engineCalls[name].output.parse(reply.value) as EngineOutput<C>
  }

  /** Not a call: watching the engine does not keep it busy. */
  status(): Promise<StatusView> {
    return this.#engine.handlers['engine/status']({})
  }

  /**
   * Unmounts everything and closes; the journal keeps what is pending.
   * @throws PailError `mount/busy` when a folder is in use and `force` is not set: all goes on
   */
  async stop(options: StopOptions): Promise<{ readonly pendingFiles: number }> {
    const result = await this.#closeEngine(options)
    await this.#lifetime.close()
    this.#resolveEnded()
    return result
  }

  /** Answers first, then closes what carries the answer. */
  async #shutDown(): Promise<{ pendingFiles: number }> {
    const { pendingFiles } = await this.#closeEngine({ force: true })
    setImmediate(() => {
      this.#lifetime.close().then(this.#resolveEnded, this.#resolveEnded)
    })
    return { pendingFiles }
  }

  #closeEngine(options: StopOptions): Promise<{ readonly pendingFiles: number }> {
    this.#stopping ??= this.#engine.close(options).then(
      (result) => {
        this.#leftFiles = result.pendingFiles
        return result
      },
      (thrown: unknown) => {
        this.#stopping = undefined
        throw thrown
      },
    )
    return this.#stopping
  }
}

/**
 * @throws PailError `store/locked` when another engine has the folder, `store/data-folder`, and
 *         whatever keeps the engine from opening its database
 */
export async function serveEngine(options: ServeOptions): Promise<ServedEngine> {
  const dataDir = openDataDir(options.dataDir)
  const lock = await takeLock(dataDir, options.clock)
  const log = openLog(dataDir, lock, options.clock)
  const lifetime = new Lifetime((name, error) => {
    log.write('error', 'close/failed', { name, code: error.code, detail: error.detail })
  })
  lifetime.add('lock', () => lock.release())
  lifetime.add('log', () => log.close())
  lifetime.add('warnings', takeWarnings(log))
  try {
    const { version, clock, random } = options
    const engine = await options.createEngine({
      dataDir: dataDir.path,
      version,
      log,
      clock,
      random,
    })
    const served = new ServedEngine({ dataDir, log, engine, lifetime })
    await openDoors(served, options.port, lifetime)
    log.write('info', 'engine/started', { pid: process.pid, version })
    return served
  } catch (thrown) {
    const error = PailError.from(thrown)
    log.write('error', 'engine/not-started', { code: error.code, detail: error.detail, error })
    await lifetime.close()
    throw error
  }
}

function openLog(dataDir: DataDir, lock: FileLock, clock: Clock): LogFile {
  try {
    return new LogFile({ path: dataDir.logFile, clock })
  } catch (thrown) {
    lock.release()
    throw thrown
  }
}

/** What the runtime and libraries warn of is for the log, not for the person at the terminal. */
function takeWarnings(log: LogFile): () => void {
  const take = (warning: Error) => {
    log.write('warn', 'runtime/warning', { name: warning.name, text: warning.message })
  }
  // The listener that Node starts with prints to stderr.
  process.removeAllListeners('warning')
  process.on('warning', take)
  return () => {
    process.off('warning', take)
  }
}

async function openDoors(
  served: ServedEngine,
  port: ParentPort | undefined,
  lifetime: Lifetime,
): Promise<void> {
  const { host, log, dataDir } = served
  const socket = await serveSocket({ socketFile: dataDir.socketFile, host, log })
  lifetime.add('socket', () => socket.close())
  if (port) lifetime.add('port', servePort({ port, host, log }))
}

/** Refuses at once when the other engine serves; waits a little for one that is going away. */
async function takeLock(dataDir: DataDir, clock: Clock): Promise<FileLock> {
  const startMs = clock.monotonicMs()
  for (;;) {
    try {
      return lockFile(dataDir.lockFile, { pid: process.pid, startedMs: clock.nowMs() })
    } catch (thrown) {
      const error = PailError.from(thrown)
      const isOver = clock.monotonicMs() - startMs >= LOCK_WAIT_MS
      if (error.code !== 'store/locked' || isOver) throw error
      if (await isServed(dataDir.path, clock)) throw error
      await clock.sleep(LOCK_RETRY_MS)
    }
  }
}

async function isServed(dataDir: string, clock: Clock): Promise<boolean> {
  try {
    const client = await connectEngine(dataDir, clock)
    client.close()
    return true
  } catch {
    return false
  }
}
