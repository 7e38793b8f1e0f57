/**
 * The engine process from its first instruction to its exit code.
 *
 * Runs in: plain Node, started by the command line, and an Electron utility process.
 * Keeps: whoever started it learns in one line whether it serves, or why not.
 * Never: takes a secret from its arguments or its environment.
 */
import * as fs from 'node:fs'
import { parseArgs } from 'node:util'
import { PailError } from '../../shared/errors.ts'
import { VERSION } from '../../shared/version.ts'
import { SystemClock, SystemRandom } from '../base/clock.ts'
import { resolveDataDir } from './data-dir.ts'
import { EndRule, IDLE_GRACE_MS } from './end-rule.ts'
import type { CreateEngine } from './engine-api.ts'
import type { ParentPort } from './host-port.ts'
import { exitNow, hideMemory } from './own-process.ts'
import { EXIT_SOFTWARE, runEngine } from './run-engine.ts'
import { serveEngine } from './serve.ts'

const PRIVATE_UMASK = 0o077
const EXIT_REFUSED = 1

export type EngineArguments = {
  readonly dataDir: string
  /** Where to write the one line that says whether it serves. */
  readonly readyFd?: number
  /** Nobody supervises it: it ends when there is nothing left to do. */
  readonly endsWhenIdle: boolean
}

export function parseEngineArguments(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): EngineArguments {
  const { values } = parseArgs({
    args: [...argv],
    // A utility process gets arguments of Electron's own.
    strict: false,
    options: {
      'data-dir': { type: 'string' },
      'ready-fd': { type: 'string' },
      'ends-when-idle': { type: 'boolean' },
    },
  })
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  const readyFd = text(values['ready-fd'])
  return {
    dataDir: resolveDataDir(text(values['data-dir']), environment),
    endsWhenIdle: values['ends-when-idle'] === true,
    ...(readyFd === undefined ? {} : { readyFd: Number(readyFd) }),
  }
}

export async function engineMain(createEngine: CreateEngine): Promise<never> {
  process.umask(PRIVATE_UMASK)
  hideMemory()
  const clock = new SystemClock()
  const options = parseEngineArguments(process.argv.slice(2), process.env)
  try {
    const port = parentPort()
    const served = await serveEngine({
      dataDir: options.dataDir,
      version: VERSION,
      createEngine,
      clock,
      random: new SystemRandom(),
      ...(port ? { port } : {}),
    })
    // Never inside a mount: a process whose working directory is in a folder keeps it busy.
    process.chdir(served.dataDir.path)
    tellStarter(options.readyFd, { ready: true })
    const endRule = new EndRule({ graceMs: IDLE_GRACE_MS }, clock.monotonicMs())
    exitNow(await runEngine(served, { clock, ...(options.endsWhenIdle ? { endRule } : {}) }))
  } catch (thrown) {
    const error = PailError.from(thrown)
    tellStarter(options.readyFd, { ready: false, error: error.toWire() })
    console.error(`pail engine: ${error.message}`)
    exitNow(error.code === 'internal/bug' ? EXIT_SOFTWARE : EXIT_REFUSED)
  }
}

function tellStarter(fd: number | undefined, message: object): void {
  if (fd === undefined) return
  try {
    fs.writeSync(fd, `${JSON.stringify(message)}\n`)
    fs.closeSync(fd)
  } catch {
    // The starter gave up waiting; the engine serves whoever connects.
  }
}

/** Electron puts the port on `process`; plain Node has none. */
function parentPort(): ParentPort | undefined {
  const port: unknown = Reflect.get(process, 'parentPort')
  return isParentPort(port) ? port : undefined
}

function isParentPort(value: unknown): value is ParentPort {
  return typeof value === 'object' && value !== null && 'postMessage' in value && 'on' in value
}
