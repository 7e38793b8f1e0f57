/**
 * The command line's outside, for real.
 */
import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import { SystemClock } from '../engine/base/clock.ts'
import { connectEngine } from '../engine/mounts/client.ts'
import { layoutOf } from '../engine/mounts/data-dir.ts'
import type { CreateEngine } from '../engine/mounts/engine-api.ts'
import { cleanStaleMount, realMountPath } from '../engine/mounts/mount-point.ts'
import { connectOrStartEngine } from './background-engine.ts'
import { StoredConnections } from './stored-connections.ts'
import type { World } from './world.ts'

export type WorldParts = {
  /** The bundled engine process. */
  readonly enginePath: string
  /** Where the files for other programs lie. */
  readonly integrationsPath: string
  /** Loaded at first use: most commands never run an engine in their own process. */
  readonly loadEngine: () => Promise<{ readonly createEngine: CreateEngine }>
}

export function realWorld(parts: WorldParts): World {
  const clock = new SystemClock()
  // A copy: the foreground engine takes keys out of the real one.
  const environment = { ...process.env }
  return {
    environment,
    clock,
    keychain: new StoredConnections(),
    cwd: () => process.cwd(),
    print: (line) => writeLine(1, line),
    complain: (line) => writeLine(2, line),
    connect: (dataDir) => connectEngine(dataDir, clock),
    connectOrStart: (dataDir) =>
      connectOrStartEngine({ dataDir, enginePath: parts.enginePath, environment, clock }),
    leftBehind: async (dataDir) => {
      const { leftBehind } = await import('../engine/mounts/left-behind.ts')
      return leftBehind(dataDir, clock)
    },
    hasData: (dataDir) => fs.existsSync(layoutOf(dataDir).databaseFile),
    runForeground: async (options) => {
      const { runForeground } = await import('./foreground.ts')
      const { createEngine } = await parts.loadEngine()
      const { exitNow } = await import('../engine/mounts/own-process.ts')
      // An ordinary exit would wait for threads that may be stuck in the kernel.
      return exitNow(await runForeground(options, { createEngine, clock }))
    },
    installIntegration: (name, path) => {
      fs.mkdirSync(dirname(path), { recursive: true })
      fs.copyFileSync(join(parts.integrationsPath, name), path)
    },
    cleanStaleMount: async (dir) => {
      const { RealMountPointSystem } = await import('../engine/mounts/mount-point-system.ts')
      const { unlockFolder } = await import('../engine/mounts/covered-folder.ts')
      const system = new RealMountPointSystem(clock)
      const isCleaned = await cleanStaleMount(dir, system)
      if (isCleaned) await unlockFolder(await realMountPath(dir, system))
      return isCleaned
    },
  }
}

/** Straight to the descriptor: nothing is lost when the process ends at once. */
function writeLine(fd: 1 | 2, line: string): void {
  try {
    fs.writeSync(fd, `${line}\n`)
  } catch {
    // Nobody reads any more (`pail status | head -1`); the exit code still says how it went.
  }
}
