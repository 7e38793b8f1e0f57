/**
 * Connections: the public part in the settings, the secret in the keychain.
 *
 * Keeps: keys are tried before anything is stored; the secret is stored before the record and
 *        removed after it, so that a record never stands without its secret.
 * Never: returns a secret to the window; `accessOf` serves the engine alone.
 */
import { PailError } from '../shared/errors.ts'
import type { ConnectionRequestsView } from '../shared/keeping-contract.ts'
import {
  type BucketView,
  type ConnectionView,
  type Credentials,
  Endpoint,
} from '../shared/model.ts'
import type { WindowParsed } from '../shared/window-contract.ts'
import type { EngineCaller } from './engine-link.ts'
import type { Keychain } from './keychain.ts'
import type { ConnectionRecord, Settings } from './settings.ts'

const CONNECTIONS_MAX = 200

export type Access = { readonly endpoint: Endpoint; readonly credentials: Credentials }

export type ConnectionsParts = {
  readonly settings: Settings
  readonly keychain: Keychain
  readonly engine: EngineCaller
  readonly newId: () => string
}

export class Connections {
  readonly #parts: ConnectionsParts

  constructor(parts: ConnectionsParts) {
    this.#parts = parts
  }

  list(): ConnectionView[] {
    return this.#parts.settings.read().connections.map(viewOf)
  }

  find(id: string): ConnectionRecord | undefined {
    return this.#parts.settings.read().connections.find((record) => record.id === id)
  }

  /**
   * Tries the keys, then stores the connection.
   *
   * @throws PailError what the endpoint said; `connection/exists`; `keychain/unavailable`. Nothing is stored then.
   */
  async add(input: WindowParsed<'connections/add'>): Promise<ConnectionView> {
    const access = accessFrom(input)
    this.#refuseDuplicate(input.name)
    await this.#probe(access, input.bucket)
    const record: ConnectionRecord = {
      id: this.#parts.newId(),
      name: input.name,
      endpointUrl: access.endpoint.url,
      region: access.endpoint.region,
      accessKeyId: access.credentials.accessKeyId,
      buckets: input.bucket ? [input.bucket] : [],
    }
    await this.#parts.keychain.write(record.id, access.credentials.secretAccessKey)
    try {
      // Looked at again: another add may have come in while the endpoint was asked.
      this.#refuseDuplicate(input.name)
      const data = this.#parts.settings.read()
      this.#parts.settings.write({ ...data, connections: [...data.connections, record] })
    } catch (thrown) {
      await this.#parts.keychain.remove(record.id)
      throw thrown
    }
    return viewOf(record)
  }

  /**
   * Takes newer keys for a connection: folders that are mounted with it go on with them.
   *
   * @throws PailError what the endpoint said; `keychain/unavailable`. The keys before stay then.
   */
  async renew(input: WindowParsed<'connections/renew'>): Promise<ConnectionView> {
    const { accessKeyId, secretAccessKey } = input
    const before = this.#present(input.id)
    const access = accessFrom({ ...before, accessKeyId, secretAccessKey })
    await this.#probe(access, before.buckets[0])
    await this.#parts.keychain.write(before.id, secretAccessKey)
    const data = this.#parts.settings.read()
    const connections = data.connections.map((record) =>
      record.id === before.id ? { ...record, accessKeyId } : record,
    )
    this.#parts.settings.write({ ...data, connections })
    const replaces = before.accessKeyId
    await this.#parts.engine.call('connections/renew', { ...access, replaces })
    return viewOf(this.#present(before.id))
  }

  /** @throws PailError `connection/in-use` while a folder needs it */
  async remove(id: string): Promise<void> {
    const data = this.#parts.settings.read()
    if (data.mounts.some((mount) => mount.connectionId === id)) {
      throw new PailError('connection/in-use', 'a folder uses the connection')
    }
    const connections = data.connections.filter((record) => record.id !== id)
    this.#parts.settings.write({ ...data, connections })
    await this.#parts.keychain.remove(id)
  }

  /** Buckets of a connection; those named by hand when its keys may not list. */
  async buckets(id: string): Promise<BucketView[]> {
    const record = this.#present(id)
    const access = await this.accessOf(id)
    try {
      return await this.#parts.engine.call('buckets/list', access)
    } catch (thrown) {
      const isNamedByHand = record.buckets.length > 0
      if (PailError.from(thrown).code !== 'auth/denied' || !isNamedByHand) throw thrown
      return record.buckets.map((name) => ({ name }))
    }
  }

  /** What was asked of the endpoint with these keys, and what may still be asked by itself. */
  async requests(id: string): Promise<ConnectionRequestsView> {
    const { endpointUrl, accessKeyId } = this.#present(id)
    return this.#parts.engine.call('requests/get', { endpointUrl, accessKeyId })
  }

  async setBudget(id: string, listsPerMonth: number): Promise<ConnectionRequestsView> {
    const { endpointUrl, accessKeyId } = this.#present(id)
    const input = { endpointUrl, accessKeyId, listsPerMonth }
    return this.#parts.engine.call('requests/set-budget', input)
  }

  /** For the engine alone. @throws PailError `connection/missing`, `keychain/no-secret` */
  async accessOf(id: string): Promise<Access> {
    const record = this.#present(id)
    const secretAccessKey = await this.#parts.keychain.read(id)
    if (secretAccessKey === undefined) {
      throw new PailError('keychain/no-secret', 'the keychain has no such account')
    }
    return accessFrom({ ...record, secretAccessKey })
  }

  /** Remembers a bucket that was named by hand, so that the list shows it next time. */
  rememberBucket(id: string, bucket: string): void {
    const data = this.#parts.settings.read()
    const connections = data.connections.map((record) =>
      record.id !== id || record.buckets.length === 0 || record.buckets.includes(bucket)
        ? record
        : { ...record, buckets: [...record.buckets, bucket] },
    )
    this.#parts.settings.write({ ...data, connections })
  }

  async #probe(access: Access, bucket: string | undefined): Promise<void> {
    if (!bucket) {
      await this.#parts.engine.call('buckets/list', access)
      return
    }
    const probed = await this.#parts.engine.call('buckets/probe', {
      ...access,
      bucket,
      subpath: '',
    })
    if (!probed.canList) {
      throw new PailError('auth/denied', 'the keys may not list this bucket', { bucket })
    }
  }

  #refuseDuplicate(name: string): void {
    const { connections } = this.#parts.settings.read()
    const wanted = name.toLowerCase()
    if (connections.some((record) => record.name.toLowerCase() === wanted)) {
      throw new PailError('connection/exists', 'the name is taken', { name })
    }
    if (connections.length >= CONNECTIONS_MAX) {
      throw new PailError('input/invalid', `more than ${CONNECTIONS_MAX} connections`)
    }
  }

  #present(id: string): ConnectionRecord {
    const record = this.find(id)
    if (record === undefined)
      throw new PailError('connection/missing', 'no such connection', { id })
    return record
  }
}

type Keys = {
  readonly endpointUrl: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

function accessFrom(keys: Keys): Access {
  const endpoint = Endpoint.safeParse({ url: keys.endpointUrl, region: keys.region || 'us-east-1' })
  if (!endpoint.success) throw new PailError('input/invalid', 'the endpoint is not a web address')
  const { accessKeyId, secretAccessKey } = keys
  return { endpoint: endpoint.data, credentials: { accessKeyId, secretAccessKey } }
}

function viewOf(record: ConnectionRecord): ConnectionView {
  const { id, name, endpointUrl, region, accessKeyId } = record
  return { id, name, endpointUrl, region, accessKeyId }
}
