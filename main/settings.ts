/**
 * The settings file: connections without their secrets, and the mounts that are wanted.
 *
 * Owns:  <user data>/settings.json, mode 0600, replaced as a whole.
 * Keeps: a file that cannot be read is set aside, never overwritten.
 * Never: holds a secret; the schema has no field for one.
 */
import { existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import Conf from 'conf'
import { z } from 'zod'
import { PailError } from '../shared/errors.ts'
import { ConnectionView } from '../shared/model.ts'

const SETTINGS_VERSION = 1
const FILE_MODE = 0o600

export const ConnectionRecord = ConnectionView.extend({
  /** Buckets named by hand, for keys that may not list buckets. */
  buckets: z.array(z.string()).default([]),
})
export type ConnectionRecord = z.infer<typeof ConnectionRecord>

export const WantedMount = z.object({
  connectionId: z.uuid(),
  bucket: z.string(),
  subpath: z.string(),
  dir: z.string(),
  readOnly: z.boolean(),
  /** False after a person unmounted it: it stays in the list and is not brought back. */
  isActive: z.boolean(),
})
export type WantedMount = z.infer<typeof WantedMount>

export const SettingsData = z.object({
  version: z.literal(SETTINGS_VERSION),
  connections: z.array(ConnectionRecord),
  mounts: z.array(WantedMount),
})
export type SettingsData = z.infer<typeof SettingsData>

export interface Settings {
  read(): SettingsData
  /** Durable when it returns. @throws PailError `settings/unwritable` */
  write(data: SettingsData): void
}

export const emptySettings: SettingsData = {
  version: SETTINGS_VERSION,
  connections: [],
  mounts: [],
}

/** Tells about a file that was set aside. */
export type OnSetAside = (path: string) => void

export class SettingsFile implements Settings {
  readonly #conf: Conf<Record<string, unknown>>
  #data: SettingsData

  constructor(folder: string, onSetAside: OnSetAside) {
    const path = join(folder, 'settings.json')
    this.#data = readOrSetAside(folder, path, onSetAside)
    this.#conf = openConf(folder)
  }

  read(): SettingsData {
    return this.#data
  }

  write(data: SettingsData): void {
    try {
      this.#conf.store = SettingsData.parse(data)
    } catch (thrown) {
      throw new PailError('settings/unwritable', String(thrown), {}, thrown)
    }
    this.#data = data
  }
}

function openConf(folder: string): Conf<Record<string, unknown>> {
  return new Conf({ cwd: folder, configName: 'settings', configFileMode: FILE_MODE })
}

function readOrSetAside(folder: string, path: string, onSetAside: OnSetAside): SettingsData {
  if (!existsSync(path)) return emptySettings
  const parsed = SettingsData.safeParse(readStore(folder))
  if (parsed.success) return parsed.data
  const aside = `${path}.unreadable-${Date.now()}`
  renameSync(path, aside)
  onSetAside(aside)
  return emptySettings
}

/** @returns undefined when the file is not JSON */
function readStore(folder: string): unknown {
  try {
    return openConf(folder).store
  } catch {
    return undefined
  }
}
