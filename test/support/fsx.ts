/** Starts the file system exerciser (fsx-program.ts) on one file, in a process of its own. */
import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'

export type FsxKind = (typeof FSX_KINDS)[number]

/** All that it can do. */
export const FSX_KINDS = [
  'read',
  'write',
  'append',
  'truncate',
  'map-read',
  'map-write',
  'map-private',
  'reopen',
  'sync',
  'allocate',
  'allocate-beyond',
  'punch',
  'zero',
  'copy-range',
  'seek',
] as const

export type FsxRequest = {
  readonly path: string
  readonly seed: number
  readonly operations: number
  readonly kinds: readonly FsxKind[]
  readonly sizeBytesMax: number
  readonly operationBytesMax: number
}

export type FsxResult = {
  readonly operations: number
  readonly counts: Readonly<Record<string, number>>
  readonly wrong?: { readonly what: string; readonly history: readonly string[] }
}

const run = promisify(execFile)
const TSX = resolve(import.meta.dirname, '../../node_modules/.bin/tsx')
const PROGRAM = resolve(import.meta.dirname, 'fsx-program.ts')
const KIB = 1024
/** No single operation takes long; a run that hangs is ended. */
const LIMIT_MS = 200_000

/** @throws with the last operations when the file was other than it must be */
export async function exerciseFile(
  request: Pick<FsxRequest, 'path' | 'seed' | 'operations' | 'kinds'> & Partial<FsxRequest>,
): Promise<FsxResult> {
  const whole = { sizeBytesMax: 256 * KIB, operationBytesMax: 64 * KIB, ...request }
  const { stdout } = await run(TSX, [PROGRAM, JSON.stringify(whole)], { timeout: LIMIT_MS })
  const result = JSON.parse(stdout) as FsxResult
  if (!result.wrong) return result
  const { what, history } = result.wrong
  throw new Error(
    `seed ${request.seed}, operation ${result.operations}: ${what}\n${history.join('\n')}`,
  )
}
