/**
 * Secret keys in the keychain of the operating system.
 *
 * Keeps: a secret is in the system's keychain or nowhere. On Linux the binding would fall back to
 *        the kernel keyring, which forgets everything at logout: the Secret Service is required.
 * Never: puts a secret, or the text of a binding's error that could hold one, into an error.
 */
import { AsyncEntry } from '@napi-rs/keyring'
import { PailError } from '../shared/errors.ts'

const SERVICE = 'Pail'
/** Long enough for a person to type the password that unlocks the keychain. */
const UNLOCK_WAIT_MS = 90_000

export interface Keychain {
  /** @returns undefined when the keychain has no such account */
  read(account: string): Promise<string | undefined>
  write(account: string, secret: string): Promise<void>
  /** Removing what is not there succeeds. */
  remove(account: string): Promise<void>
}

export class SystemKeychain implements Keychain {
  async read(account: string): Promise<string | undefined> {
    const secret = await guarded('read', (signal) => entryOf(account).getPassword(signal))
    return secret ?? undefined
  }

  async write(account: string, secret: string): Promise<void> {
    await guarded('write', (signal) => entryOf(account).setPassword(secret, signal))
  }

  async remove(account: string): Promise<void> {
    await guarded('remove', (signal) => entryOf(account).deleteCredential(signal))
  }
}

function entryOf(account: string): AsyncEntry {
  return new AsyncEntry(SERVICE, account, { linux: { store: 'secret-service' } })
}

async function guarded<T>(what: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  try {
    return await work(AbortSignal.timeout(UNLOCK_WAIT_MS))
  } catch (thrown) {
    const kind = thrown instanceof Error ? thrown.name : typeof thrown
    throw new PailError('keychain/unavailable', `${what} failed (${kind})`)
  }
}
