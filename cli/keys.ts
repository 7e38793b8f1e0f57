/**
 * Where the keys of a mount come from: a file, the environment, the keychain. Never an argument.
 */
import { PailError } from '../shared/errors.ts'
import type { ConnectionView, Credentials } from '../shared/model.ts'
import { readPasswordFile } from './password-file.ts'

type Environment = Readonly<Record<string, string | undefined>>

export interface KeySource {
  /** Connections the app has stored, without their secrets. */
  connections(): readonly ConnectionView[]
  /** @throws PailError `keychain/unavailable` */
  secretOf(connectionId: string): Promise<string | undefined>
}

/**
 * @throws PailError `input/password-file`, `input/no-keys`, `keychain/unavailable`
 */
export async function findKeys(
  wanted: { passwordFile?: string; bucket: string; endpointUrl: string },
  environment: Environment,
  keychain: KeySource,
): Promise<Credentials> {
  if (wanted.passwordFile !== undefined) return readPasswordFile(wanted.passwordFile, wanted.bucket)
  const fromEnvironment = keysInEnvironment(environment)
  if (fromEnvironment) return fromEnvironment
  const matching = matchingConnections(keychain.connections(), wanted.endpointUrl)
  const [connection] = matching
  if (!connection) throw new PailError('input/no-keys', `no keys for ${wanted.endpointUrl}`)
  if (matching.length > 1) {
    const names = matching.map((one) => one.name).join(', ')
    const detail = `The app has several connections to ${wanted.endpointUrl} (${names}): name the keys with --passwd-file`
    throw new PailError('input/invalid', detail)
  }
  const secretAccessKey = await keychain.secretOf(connection.id)
  if (secretAccessKey === undefined) {
    throw new PailError('input/no-keys', `the keychain has no secret for ${connection.name}`)
  }
  return { accessKeyId: connection.accessKeyId, secretAccessKey }
}

/** @throws PailError `input/no-keys` when only one of the two is set, or a session is needed */
export function keysInEnvironment(environment: Environment): Credentials | undefined {
  const accessKeyId = environment.AWS_ACCESS_KEY_ID
  const secretAccessKey = environment.AWS_SECRET_ACCESS_KEY
  if (!accessKeyId && !secretAccessKey) return undefined
  if (!accessKeyId || !secretAccessKey) {
    const missing = accessKeyId ? 'AWS_SECRET_ACCESS_KEY' : 'AWS_ACCESS_KEY_ID'
    throw new PailError('input/no-keys', `${missing} is not set`)
  }
  if (environment.AWS_SESSION_TOKEN) {
    const detail = 'AWS_SESSION_TOKEN is set: Pail needs keys that do not expire'
    throw new PailError('input/invalid', detail)
  }
  return { accessKeyId, secretAccessKey }
}

/** The same server, however its address is written. */
export function matchingConnections(
  connections: readonly ConnectionView[],
  endpointUrl: string,
): readonly ConnectionView[] {
  const server = serverOf(endpointUrl)
  return connections.filter((connection) => serverOf(connection.endpointUrl) === server)
}

function serverOf(url: string): string {
  if (!URL.canParse(url)) return url
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname.replace(/\/+$/, '')}`
}
