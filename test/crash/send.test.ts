/**
 * Goal: a job that starts at the sight of a marker starts once and finds all of its input, wherever
 *       the engine is killed.
 * Method: the batches of a send folder, killed at every request; the bucket is looked at each time.
 */
import { describe, expect, test } from 'vitest'
import { FolderOptions } from '../../shared/folder-roles.ts'
import {
  checkManifest,
  expectListed,
  FOLDER,
  listedIn,
  MANIFEST,
  markSend,
  READY,
  timesStored,
} from '../support/send-folder.ts'
import { killAtEveryRequest, type Work } from './every-request.ts'
import { bytesFor } from './operations.ts'
import { Simulation } from './simulation.ts'

const OPTIONS = FolderOptions.parse({ marker: 'manifest', quietMs: 500 })
const FIRST = { a: 5_000, b: 0, 'sub/c': 9_000, d: 400 } as const
/** Longer than retries, quiet times and the deletion of a marker take. */
const SETTLED_MS = 15_000

async function drop({ paths }: Simulation, files: Readonly<Record<string, number>>, seed = 1) {
  for (const [name, sizeBytes] of Object.entries(files)) {
    const path = `${FOLDER}/${name}`
    expect(await paths.write(path, 0, bytesFor(seed + sizeBytes, sizeBytes), true)).toBe('ok')
  }
}

async function sendFolder(options = OPTIONS, objects: Record<string, Uint8Array> = {}) {
  const simulation = await Simulation.start({ seed: 1, objects })
  expect(await simulation.paths.mkdir(FOLDER)).toBe('ok')
  expect(await simulation.paths.mkdir(`${FOLDER}/sub`)).toBe('ok')
  await markSend(simulation, options)
  return simulation
}

async function settle(simulation: Simulation, what: string): Promise<void> {
  await simulation.engine.flush()
  await simulation.clock.advance(SETTLED_MS)
  expect((await simulation.engine.flush()).files, `${what}: ${simulation.journal()}`).toBe(0)
}

const FIRST_BATCH: Work = {
  prepare: async () => {
    const simulation = await sendFolder()
    await drop(simulation, FIRST)
    return simulation
  },
  check: checkManifest,
  drained: async (simulation, what) => {
    await settle(simulation, what)
    expectListed(simulation, Object.keys(FIRST), what)
    expect(timesStored(simulation), what).toBe(1)
  },
}

/** After a first batch: a new file, a changed one, a removed one, and one that is moved here. */
const SECOND_BATCH: Work = {
  prepare: async () => {
    const simulation = await sendFolder(OPTIONS, { outside: bytesFor(8, 800) })
    await drop(simulation, FIRST)
    await simulation.engine.flush()
    expect(timesStored(simulation)).toBe(1)
    await drop(simulation, { new: 700, a: 5_001 })
    expect(await simulation.paths.unlink(`${FOLDER}/b`)).toBe('ok')
    expect(await simulation.paths.rename('outside', `${FOLDER}/moved`)).toBe('ok')
    return simulation
  },
  check: (simulation, what) => {
    checkManifest(simulation, what)
    const { bucket } = simulation
    const isNew = bucket.bytesOf(`${FOLDER}/new`) || bucket.bytesOf(`${FOLDER}/moved`)
    const isOldMarker = listedIn(simulation)?.some(({ path }) => path === 'd')
    if (isNew && isOldMarker) throw new Error(`${what}: new input beside the old marker`)
  },
  drained: async (simulation, what) => {
    await settle(simulation, what)
    expectListed(simulation, ['new', 'a', 'moved'], what)
    expect(timesStored(simulation), what).toBe(2)
  },
}

/** The folder is renamed while its marker stands. */
const RENAMED: Work = {
  prepare: async () => {
    const simulation = await sendFolder()
    await drop(simulation, { a: 5_000, 'sub/c': 9_000 })
    await simulation.engine.flush()
    expect(await simulation.paths.rename(FOLDER, 'out')).toBe('ok')
    return simulation
  },
  check: (simulation, what) => {
    checkManifest(simulation, what)
    const isMarked = simulation.bucket.bytesOf('out/_MANIFEST.json') !== undefined
    const files = ['out/a', 'out/sub/c'].map((key) => simulation.bucket.bytesOf(key))
    if (isMarked && files.includes(undefined)) throw new Error(`${what}: marked before it moved`)
  },
  drained: async (simulation, what) => {
    await settle(simulation, what)
    const listed = listedIn(simulation, 'out/_MANIFEST.json')?.map(({ path }) => path)
    expect(listed, what).toEqual(['a', 'sub/c'])
    expect(timesStored(simulation, 'out/_MANIFEST.json'), what).toBe(1)
    expect(simulation.bucket.keys().filter((key) => key.startsWith(`${FOLDER}/`))).toEqual([])
  },
}

describe('A send folder', () => {
  test('gets one marker, after all files, wherever the engine is killed', async () => {
    expect(await killAtEveryRequest(FIRST_BATCH)).toBeGreaterThan(10)
  }, 60_000)

  test('loses its old marker before a new batch begins, wherever the engine is killed', async () => {
    expect(await killAtEveryRequest(SECOND_BATCH)).toBeGreaterThan(10)
  }, 60_000)

  test('is marked at its new place only when it has moved there', async () => {
    expect(await killAtEveryRequest(RENAMED)).toBeGreaterThan(10)
  }, 60_000)

  test('gets no marker while one file cannot be uploaded, and says which', async () => {
    const simulation = await sendFolder()
    try {
      const { engine, clock } = simulation
      simulation.setScript([
        { operation: 'put', key: `${FOLDER}/z`, fault: { kind: 'error', code: 'auth/denied' } },
      ])
      await drop(simulation, { a: 100, z: 200 })
      await clock.advance(SETTLED_MS)
      expect(timesStored(simulation)).toBe(0)
      const [folder] = engine.volume.sends.folders
      if (!folder) throw new Error('no folder')
      expect(engine.volume.batches.look(folder).step.kind).toBe('held')
      expect(engine.volume.sends.failedRow(folder)?.errorCode).toBe('auth/denied')
      simulation.setScript([])
      await settle(simulation, 'allowed again')
      expectListed(simulation, ['a', 'z'], 'allowed again')
    } finally {
      await simulation.close()
    }
  })

  test('waits for its quiet time, which every file begins anew', async () => {
    const simulation = await sendFolder(FolderOptions.parse({ marker: 'ready', quietMs: 20_000 }))
    try {
      for (const name of ['a', 'b', 'c']) {
        await drop(simulation, { [name]: 100 })
        await simulation.clock.advance(15_000)
        expect(timesStored(simulation, READY), name).toBe(0)
      }
      await simulation.clock.advance(20_000)
      expect(timesStored(simulation, READY)).toBe(1)
      expect(JSON.parse(Buffer.from(simulation.bucket.bytesOf(READY) ?? '').toString())).toEqual({
        schema: 1,
        batch: 1,
        created: expect.stringMatching(/^\d{4}-.*Z$/),
        host: 'host',
        fileCount: 3,
        byteCount: 300,
      })
    } finally {
      await simulation.close()
    }
  })

  test('waits for a program that has a file open', async () => {
    const simulation = await sendFolder()
    try {
      const { engine, clock } = simulation
      await drop(simulation, { a: 100 })
      const context = engine.context()
      const directory = await clock.until(simulation.paths.find(FOLDER))
      const made = await clock.until(
        engine.vfs.create(context, directory, 'slow', {
          read: true,
          write: true,
          mode: 0o644,
          exclusive: true,
        }),
      )
      await clock.advance(SETTLED_MS)
      expect(timesStored(simulation)).toBe(0)
      await clock.until(engine.vfs.release(made.handle))
      await settle(simulation, 'closed')
      expectListed(simulation, ['a', 'slow'], 'closed')
    } finally {
      await simulation.close()
    }
  })

  test('tells of what others made of its files meanwhile', async () => {
    const simulation = await sendFolder()
    try {
      await drop(simulation, { a: 100, gone: 50 })
      await simulation.clock.advance(1_200)
      expect(simulation.bucket.keys()).toContain(`${FOLDER}/a`)
      simulation.bucket.putDirect(`${FOLDER}/a`, bytesFor(77, 77))
      simulation.bucket.deleteDirect(`${FOLDER}/gone`)
      await settle(simulation, 'replaced by others')
      expectListed(simulation, ['a'], 'replaced by others')
      checkManifest(simulation, 'replaced by others')
    } finally {
      await simulation.close()
    }
  })

  test('takes the place of a marker that somebody else left there', async () => {
    const simulation = await sendFolder()
    try {
      await drop(simulation, { a: 100 })
      await simulation.clock.advance(1_200)
      simulation.bucket.putDirect(MANIFEST, bytesFor(1, 30))
      await settle(simulation, 'with another marker')
      expectListed(simulation, ['a'], 'with another marker')
      expect(simulation.bucket.keys().filter((key) => key.includes('conflict'))).toEqual([])
    } finally {
      await simulation.close()
    }
  })

  test('lets no program write its marker', async () => {
    const simulation = await sendFolder()
    try {
      const { paths } = simulation
      expect(await paths.write(MANIFEST, 0, bytesFor(1, 10), true)).toBe('EACCES')
      expect(await paths.write('x', 0, bytesFor(1, 10), true)).toBe('ok')
      expect(await paths.rename('x', MANIFEST)).toBe('EACCES')
    } finally {
      await simulation.close()
    }
  })
})
