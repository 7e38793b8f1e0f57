/** Long operations, each up to the moment at which its requests begin. */
import { expect } from 'vitest'
import type { Work } from './every-request.ts'
import { bytesFor, type Folder } from './operations.ts'
import { Simulation } from './simulation.ts'

type Objects = Readonly<Record<string, Uint8Array>>

const MIB = 1024 * 1024
const SEED = 1

/** The folder and the reference do the same, and both succeed. */
async function both(
  { paths, reference }: Simulation,
  ...steps: ReadonlyArray<(folder: Folder) => string | Promise<string>>
): Promise<void> {
  for (const folder of [paths, reference]) {
    for (const step of steps) expect(await step(folder)).toBe('ok')
  }
}

export function objectsBelow(prefix: string, count: number): Objects {
  const objects: Record<string, Uint8Array> = { [`${prefix}empty/`]: new Uint8Array(0) }
  for (let at = 0; at < count; at++) {
    const folder = at % 3 === 0 ? '' : `s${at % 3}/`
    objects[`${prefix}${folder}f${at}`] = bytesFor(at, 100 + (at % 400))
  }
  return objects
}

/** Each object is under its old name, its new name, or both, whole. */
function checkUnion({ bucket }: Simulation, objects: Objects, what: string): void {
  for (const [key, bytes] of Object.entries(objects)) {
    const names = [key, `new/${key.slice('old/'.length)}`]
    const copies = names.map((name) => bucket.bytesOf(name)).filter((one) => one !== undefined)
    const isWhole = copies.length > 0 && copies.every((copy) => isSame(copy, bytes))
    if (!isWhole) throw new Error(`${what}: ${key} is not there as a whole`)
  }
}

export function renamedDirectory(count: number): Work {
  const objects = objectsBelow('old/', count)
  return {
    prepare: async () => {
      const simulation = await Simulation.start({ seed: SEED, objects })
      await both(simulation, (f) => f.rename('old', 'new'))
      return simulation
    },
    check: (simulation, what) => checkUnion(simulation, objects, what),
    restarted: (simulation, what) => simulation.compareFolder(what),
  }
}

/** What is written in a renamed directory, removed from it and moved out of it before it has moved. */
export const CHANGED_MEANWHILE: Work = {
  prepare: async () => {
    const simulation = await Simulation.start({ seed: SEED, objects: objectsBelow('old/', 7) })
    await both(
      simulation,
      (f) => f.rename('old', 'new'),
      (f) => f.write('new/f0', 10, bytesFor(300, 50), false),
      (f) => f.write('new/s1/made', 0, bytesFor(301, 50), true),
      (f) => f.unlink('new/f3'),
      (f) => f.rename('new/s2', 'apart'),
      (f) => f.rename('new/f6', 'f6'),
    )
    return simulation
  },
  restarted: (simulation, what) => simulation.compareFolder(what),
}

const BIG_BYTES = 34 * MIB
/** In parts of 8 MiB. */
const BIG_PARTS = 5

export const BIG_UPLOAD: Work = {
  prepare: async () => {
    const simulation = await Simulation.start({ seed: SEED })
    const big = bytesFor(7, BIG_BYTES)
    await both(simulation, (f) => f.write('big', 0, big, true))
    return simulation
  },
  drained: async (simulation, what) => {
    await simulation.drain(what)
    const { bucket } = simulation
    expect(bucket.versions('big').length, `${what}: versions`).toBe(1)
    expect(bucket.requests().uploadPart, `${what}: parts stored`).toBe(BIG_PARTS)
  },
}

export const REMOVED_TREE: Work = {
  prepare: async () => {
    const tree = objectsBelow('t/', 12)
    const objects = { ...tree, kept: bytesFor(9, 9) }
    const simulation = await Simulation.start({ seed: SEED, objects })
    await simulation.compareFolder('before')
    const files = Object.keys(tree).filter((key) => !key.endsWith('/'))
    await both(
      simulation,
      ...files.map((key) => (folder: Folder) => folder.unlink(key)),
      ...['t/empty', 't/s1', 't/s2', 't'].map((path) => (folder: Folder) => folder.rmdir(path)),
    )
    return simulation
  },
  restarted: (simulation, what) => simulation.compareFolder(what),
}

const OLD_REPORT = bytesFor(1, 5000)
const NEW_REPORT = bytesFor(2, 6000)

function checkReport({ bucket }: Simulation, what: string): void {
  const now = bucket.bytesOf('report')
  if (!now || ![OLD_REPORT, NEW_REPORT].some((one) => isSame(one, now))) {
    throw new Error(`${what}: report is neither the old nor the new one`)
  }
  for (const version of ['report', 'report.tmp'].flatMap((key) => bucket.versions(key))) {
    const isEmpty = version.kind === 'stored' && version.object.body.length === 0
    if (isEmpty) throw new Error(`${what}: an empty object was stored`)
  }
}

export function savedThroughTemporaryName(isUploadedFirst: boolean): Work {
  return {
    prepare: async () => {
      const simulation = await Simulation.start({ seed: SEED, objects: { report: OLD_REPORT } })
      await both(simulation, (f) => f.write('report.tmp', 0, NEW_REPORT, true))
      if (isUploadedFirst) await simulation.engine.flush()
      await both(simulation, (f) => f.rename('report.tmp', 'report'))
      return simulation
    },
    check: checkReport,
    restarted: (simulation, what) => simulation.compareFolder(what),
  }
}

const THEIRS = bytesFor(4, 700)
const OURS = bytesFor(5, 800)

export const CONFLICT: Work = {
  prepare: async () => {
    const simulation = await Simulation.start({ seed: SEED, objects: { a: bytesFor(3, 600) } })
    expect(await simulation.paths.write('a', 0, OURS, true)).toBe('ok')
    simulation.bucket.putDirect('a', THEIRS)
    return simulation
  },
  drained: async (simulation, what) => {
    await simulation.engine.flush()
    const { bucket, reference } = simulation
    const [conflict = 'none', ...more] = bucket.keys().filter((key) => key !== 'a')
    expect(conflict, what).toMatch(/^a \(conflict host .*\)$/)
    expect(more, what).toEqual([])
    reference.plant('a', THEIRS)
    reference.plant(conflict, OURS)
    await simulation.drain(what)
  },
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
