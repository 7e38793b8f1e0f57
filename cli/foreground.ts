/**
 * `pail mount --foreground`: the engine lives in this process and ends with the folder.
 *
 * Keeps: killing this process kills the engine, and nothing that was closed is lost by it.
 */
import type { Clock } from '../engine/base/clock.ts'
import { SystemRandom } from '../engine/base/clock.ts'
import { EndRule, UPLOAD_STALL_MS } from '../engine/mounts/end-rule.ts'
import type { CreateEngine } from '../engine/mounts/engine-api.ts'
import { hideMemory } from '../engine/mounts/own-process.ts'
import { runEngine } from '../engine/mounts/run-engine.ts'
import { type ServedEngine, serveEngine } from '../engine/mounts/serve.ts'
import type { MountView } from '../shared/model.ts'
import { VERSION } from '../shared/version.ts'
import type { ForegroundOptions } from './world.ts'

/** Programs started from here (fusermount3) must not inherit keys. */
const SECRET_VARIABLE = /^AWS_/

export async function runForeground(
  options: ForegroundOptions,
  parts: { readonly createEngine: CreateEngine; readonly clock: Clock },
): Promise<number> {
  for (const name of Object.keys(process.env)) {
    if (SECRET_VARIABLE.test(name)) delete process.env[name]
  }
  process.umask(0o077)
  hideMemory()
  const served = await serveEngine({
    dataDir: options.dataDir,
    version: VERSION,
    createEngine: parts.createEngine,
    clock: parts.clock,
    random: new SystemRandom(),
  })
  // Never inside a mount: a process whose working directory is in a folder keeps it busy.
  process.chdir(served.dataDir.path)
  return await untilUnmounted(served, options, parts.clock)
}

async function untilUnmounted(
  served: ServedEngine,
  options: ForegroundOptions,
  clock: Clock,
): Promise<number> {
  const rule = { graceMs: 0, stallMs: UPLOAD_STALL_MS }
  const running = runEngine(served, { clock, endRule: new EndRule(rule, clock.monotonicMs()) })
  const started = await startMount(served, options, running)
  if (typeof started === 'number') return started
  options.onMounted(started)
  const code = await running
  if (served.leftFiles > 0) options.onLeft(served.leftFiles)
  return code
}

/** @returns the exit code when a signal came first */
async function startMount(
  served: ServedEngine,
  options: ForegroundOptions,
  running: Promise<number>,
): Promise<MountView | number> {
  try {
    return await Promise.race([served.call('mounts/start', options.input), running])
  } catch (thrown) {
    await served.stop({ force: true })
    throw thrown
  }
}
