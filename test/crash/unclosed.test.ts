/**
 * Goal: a kill while a program has a file open leaves what was closed before, or what was written
 *       since; never an error, never bytes that nobody wrote.
 * Method: a file is closed, opened again and changed, and the engine is killed before the close.
 */
import { describe, expect, test } from 'vitest'
import type { BareEngine } from '../support/bare-engine.ts'
import { bytesFor } from './operations.ts'
import { Simulation } from './simulation.ts'

const CLOSED = bytesFor(1, 10_000)
const WRITTEN = bytesFor(2, 3000)

type Change = {
  readonly name: string
  run(engine: BareEngine, target: { id: number; handle: number }): Promise<unknown>
}

const CHANGES: readonly Change[] = [
  {
    name: 'patched',
    run: (engine, target) => engine.vfs.write(engine.context(), target, 500, WRITTEN),
  },
  {
    name: 'appended to',
    run: (engine, target) => engine.vfs.write(engine.context(), target, 'append', WRITTEN),
  },
  {
    name: 'cut short',
    run: (engine, target) => engine.vfs.setattr(engine.context(), target, { sizeBytes: 700 }),
  },
  {
    name: 'emptied',
    run: (engine, target) => engine.vfs.setattr(engine.context(), target, { sizeBytes: 0 }),
  },
  {
    name: 'emptied and written',
    run: async (engine, target) => {
      await engine.vfs.setattr(engine.context(), target, { sizeBytes: 0 })
      await engine.vfs.write(engine.context(), target, 0, WRITTEN)
    },
  },
  {
    name: 'cut short and written',
    run: async (engine, target) => {
      await engine.vfs.setattr(engine.context(), target, { sizeBytes: 700 })
      await engine.vfs.write(engine.context(), target, 700, WRITTEN)
    },
  },
]

/** Each byte is the old one or a new one, and the length is that of the closed file. */
function isOldOrNew(bytes: Uint8Array): boolean {
  if (bytes.length !== CLOSED.length) return bytes.length === 0 || bytes.length === 700
  return bytes.every(
    (byte, at) =>
      byte === CLOSED[at] ||
      byte === WRITTEN[at] ||
      byte === WRITTEN[at - 500] ||
      byte === WRITTEN[at - 700],
  )
}

const BEFORE = ['uploaded', 'waiting for its upload'] as const

describe('A file that a program has open when the engine is killed', () => {
  for (const { name, run } of CHANGES) {
    for (const before of BEFORE) {
      test(`${before}, then ${name}, is as it was closed or as it was written`, async () => {
        const simulation = await Simulation.start({ seed: 1 })
        try {
          expect(await simulation.paths.write('f', 0, CLOSED, true)).toBe('ok')
          if (before === 'uploaded') await simulation.engine.flush()
          const { engine, clock } = simulation
          const id = await clock.until(simulation.paths.find('f'))
          const opened = await clock.until(
            engine.vfs.open(engine.context(), id, { read: true, write: true }),
          )
          await clock.until(run(engine, { id, handle: opened.handle }))
          await simulation.kill()
          const bytes = await simulation.paths.read('f')
          expect(isOldOrNew(bytes), `${bytes.length} bytes`).toBe(true)
          simulation.reference.plant('f', bytes)
          await simulation.drain('in the end')
        } finally {
          await simulation.close()
        }
      })
    }
  }
})
