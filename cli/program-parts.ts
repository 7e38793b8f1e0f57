/** What the definitions of all commands share. */
import { type Command, InvalidArgumentError } from 'commander'
import { resolveDataDir } from '../engine/mounts/data-dir.ts'
import { KEY_BYTES_MAX, LONG_KEY_BYTES_MAX } from '../shared/key-bytes.ts'
import type { Subject } from './sentences.ts'
import type { World } from './world.ts'

export const DATA_DIR_HELP =
  'folder of all engine state (PAIL_DATA_DIR); another folder, another engine'

/** One command line: what it is about so far, and how it ends. */
export type Run = { readonly world: World; subject: Subject; exitCode: number }

type DataDirOption = { readonly dataDir?: string }

export function addCommand(program: Command, name: string, description: string): Command {
  return program.command(name).description(description).option('--data-dir <folder>', DATA_DIR_HELP)
}

export function dataDirOf(command: Command, world: World): string {
  const { dataDir } = command.optsWithGlobals<DataDirOption>()
  return resolveDataDir(dataDir, world.environment)
}

/** A week is longer than any script waits, and its milliseconds fit a timer. */
const SECONDS_MAX = 7 * 24 * 3600

/** @returns milliseconds, at least one */
export function parseSeconds(text: string): number {
  const seconds = Number(text)
  if (text.trim() === '' || !(seconds >= 0 && seconds <= SECONDS_MAX)) {
    throw new InvalidArgumentError(`write seconds, from 0 to ${SECONDS_MAX}`)
  }
  return Math.max(1, Math.ceil(seconds * 1000))
}

/** Servers that are not S3 may take longer keys; shorter ones than S3's are no server's limit. */
export function parseKeyBytes(text: string): number {
  const bytes = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (bytes >= KEY_BYTES_MAX && bytes <= LONG_KEY_BYTES_MAX) return bytes
  throw new InvalidArgumentError(`write bytes, from ${KEY_BYTES_MAX} to ${LONG_KEY_BYTES_MAX}`)
}
