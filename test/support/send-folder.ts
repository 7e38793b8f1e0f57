/** A folder of a simulated bucket that is marked send, and what must be true of its marker. */
import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import { FolderRoles } from '../../engine/store/folder-roles.ts'
import type { FolderOptions } from '../../shared/folder-roles.ts'
import type { Simulation } from '../crash/simulation.ts'

export const FOLDER = 'in'
export const MANIFEST = `${FOLDER}/_MANIFEST.json`
export const READY = `${FOLDER}/_READY`

type Listed = { readonly path: string; readonly size: number; readonly sha256: string }

/** Marks the folder, as `folders/role` does. */
export async function markSend(
  { engine, paths, clock }: Simulation,
  options: FolderOptions,
): Promise<void> {
  const { tree, sends, batches } = engine.volume
  const node = await clock.until(paths.find(FOLDER))
  const sinceMs = clock.nowMs()
  tree.database.writeNow(() =>
    new FolderRoles(tree.database).set({
      node,
      volume: tree.volume,
      role: 'send',
      options,
      sinceMs,
    }),
  )
  sends.reload()
  batches.wake()
}

export function listedIn({ bucket }: Simulation, key = MANIFEST): readonly Listed[] | undefined {
  const body = bucket.bytesOf(key)
  if (!body) return undefined
  return JSON.parse(Buffer.from(body).toString()).files as Listed[]
}

/** What a consumer relies on: each file that the manifest names is there, whole. */
export function checkManifest(simulation: Simulation, what: string): void {
  for (const { path, size, sha256 } of listedIn(simulation) ?? []) {
    const bytes = simulation.bucket.bytesOf(`${FOLDER}/${path}`)
    if (bytes?.length !== size) throw new Error(`${what}: ${path} is not there whole`)
    if (createHash('sha256').update(bytes).digest('hex') !== sha256) {
      throw new Error(`${what}: ${path} is not what the manifest names`)
    }
  }
}

/** How often the marker was stored: each time starts a job. */
export function timesStored({ bucket }: Simulation, key = MANIFEST): number {
  return bucket.versions(key).filter(({ kind }) => kind === 'stored').length
}

export function expectListed(simulation: Simulation, paths: readonly string[], what: string) {
  expect(
    listedIn(simulation)
      ?.map(({ path }) => path)
      .sort(),
    what,
  ).toEqual([...paths].sort())
}
