/**
 * The connections the app has stored: public part in its settings, secret in the keychain.
 *
 * Never: writes either of them; opens the keychain before a connection is known to match.
 */
import * as fs from 'node:fs'
import { join } from 'node:path'
import envPaths from 'env-paths'
import { z } from 'zod'
import { PailError } from '../shared/errors.ts'
import { ConnectionView } from '../shared/model.ts'
import type { KeySource } from './keys.ts'

const SERVICE = 'Pail'
/** Long enough for a person to type the password that unlocks the keychain. */
const UNLOCK_WAIT_MS = 90_000
const SETTINGS_NAME = 'settings.json'

const StoredSettings = z.object({ connections: z.array(ConnectionView) })

/** Where Electron puts the settings of an app of this name. */
function settingsFiles(): string[] {
  return ['pail', 'Pail'].map((name) => join(envPaths(name, { suffix: '' }).config, SETTINGS_NAME))
}

export class StoredConnections implements KeySource {
  /** Settings that are missing or not readable mean that the app has stored nothing. */
  connections(): readonly ConnectionView[] {
    for (const path of settingsFiles()) {
      if (!fs.existsSync(path)) continue
      const parsed = StoredSettings.safeParse(readJson(path))
      if (parsed.success) return parsed.data.connections
    }
    return []
  }

  async secretOf(connectionId: string): Promise<string | undefined> {
    try {
      // Loaded only here: most commands never need the keychain.
      const { AsyncEntry } = await import('@napi-rs/keyring')
      const entry = new AsyncEntry(SERVICE, connectionId, { linux: { store: 'secret-service' } })
      return (await entry.getPassword(AbortSignal.timeout(UNLOCK_WAIT_MS))) ?? undefined
    } catch (thrown) {
      // The binding's own text could quote what it read.
      const kind = thrown instanceof Error ? thrown.name : typeof thrown
      throw new PailError('keychain/unavailable', `The keychain cannot be read (${kind})`)
    }
  }
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(fs.readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}
