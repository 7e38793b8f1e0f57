/**
 * One bucket at one endpoint, with everything that serves it: shared by all mounts of it.
 *
 * Owns:  the parts and their order of closing. Runs in: engine process.
 */
import { createHash } from 'node:crypto'
import type { PailError } from '../../shared/errors.ts'
import type { Credentials, Endpoint } from '../../shared/model.ts'
import { present } from '../base/assert.ts'
import type { Clock, Random } from '../base/clock.ts'
import { Lifetime } from '../base/lifetime.ts'
import type { Log } from '../base/log.ts'
import type { Capabilities, ObjectStore } from '../s3/object-store.ts'
import { ObservedObjectStore } from '../s3/observed-object-store.ts'
import { probeCapabilities, probeWriting } from '../s3/probe.ts'
import { S3ObjectService } from '../s3/s3-object-store.ts'
import type { BlockCache } from '../store/block-cache.ts'
import type { Conflicts } from '../store/conflicts.ts'
import type { Database } from '../store/database.ts'
import type { FolderRoles } from '../store/folder-roles.ts'
import type { Journal } from '../store/journal.ts'
import { blankNode, type NewNode, type Nodes } from '../store/nodes.ts'
import { PinTable } from '../store/pin-table.ts'
import type { Recent } from '../store/recent.ts'
import { RestoreTable } from '../store/restore-table.ts'
import type { StagingArea } from '../store/staging.ts'
import { watchForAbsence } from '../sync/absence-watch.ts'
import { withArchiveGate } from '../sync/archive-gate.ts'
import { Arrivals, type Arrived } from '../sync/arrivals.ts'
import { AttributeRequests } from '../sync/attribute-requests.ts'
import { Connectivity } from '../sync/connectivity.ts'
import { EndpointRequests } from '../sync/endpoint-requests.ts'
import type { Fetcher } from '../sync/fetcher.ts'
import { FileContents } from '../sync/file-contents.ts'
import type { ListingParts } from '../sync/flat-listing.ts'
import { FolderWatch } from '../sync/folder-watch.ts'
import type { JunkList } from '../sync/junk-list.ts'
import { shareUnmatched } from '../sync/junk-share.ts'
import { Listings } from '../sync/listing.ts'
import { findOwnBase } from '../sync/own-base.ts'
import { Pins } from '../sync/pins.ts'
import { ReadAccounts } from '../sync/read-accounts.ts'
import { type Received, ReceiveFolders } from '../sync/receive-folders.ts'
import type { RequestLedger, RequestLedgers } from '../sync/request-ledger.ts'
import { Restores } from '../sync/restores.ts'
import { SendBatches } from '../sync/send-batches.ts'
import { SendFolders } from '../sync/send-folders.ts'
import { SiblingReads } from '../sync/sibling-reads.ts'
import { Syncer } from '../sync/syncer.ts'
import { Transfers } from '../sync/transfers.ts'
import { DIRECTORY_MODE, type Owner, Tree } from '../sync/tree.ts'
import { withTrustGate } from '../sync/trust-gate.ts'
import type { UploadBuffers } from '../sync/upload-buffers.ts'
import { explainNoBucket } from './bucket-location.ts'
import { EndpointFacts } from './endpoint-facts.ts'
import { RightsBook } from './rights.ts'
import { Scratches } from './scratch.ts'

/** What all volumes of an engine share. */
export type Stores = {
  readonly database: Database
  readonly nodes: Nodes
  readonly journal: Journal
  readonly junk: JunkList
  readonly roles: FolderRoles
  readonly conflicts: Conflicts
  readonly recent: Recent
  readonly staging: StagingArea
  readonly cache: BlockCache
  readonly fetcher: Fetcher
  readonly buffers: UploadBuffers
  readonly ledgers: RequestLedgers
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly host: string
  readonly owner: Owner
}

export type VolumeRequest = {
  readonly endpoint: Endpoint
  readonly credentials: Credentials
  readonly bucket: string
  /** Where the keys may list: the prefix of the first mount. */
  readonly prefix: string
  /** Takes the place of the endpoint: for models and fault injection. */
  readonly store?: ObjectStore
}

export type VolumeEvents = {
  /** Something may look different now. */
  readonly onDidChange: () => void
  /** Others stored files in folders that were known. */
  readonly onDidArrive?: (arrived: Arrived) => void
  /** Archived files can be read now. */
  readonly onDidRestore?: (ids: readonly number[]) => void
  /** A batch in a receive folder is complete. */
  readonly onDidReceive?: (received: Received) => void
}

export class Volume {
  readonly id: number
  readonly bucket: string
  /** Where its keys may list. */
  readonly prefix: string
  readonly endpointUrl: string
  readonly tree: Tree
  readonly listings: Listings
  readonly attributes: AttributeRequests
  readonly contents: FileContents
  readonly syncer: Syncer
  readonly sends: SendFolders
  readonly batches: SendBatches
  readonly receives: ReceiveFolders
  readonly siblings: SiblingReads
  readonly reads: ReadAccounts
  readonly store: ObjectStore
  readonly requests: EndpointRequests
  readonly connectivity: Connectivity
  readonly rights: RightsBook
  readonly folders: FolderWatch
  readonly pins: Pins
  readonly restores: Restores
  readonly restoreTable: RestoreTable
  /** For work that lists. */
  readonly shared: ListingParts
  readonly transfers: Transfers
  readonly #lifetime: Lifetime
  readonly #ledgers: RequestLedgers
  readonly #service: S3ObjectService
  readonly #facts: EndpointFacts
  readonly #scratches: Scratches
  #credentials: Credentials

  constructor(stores: Stores, request: VolumeRequest, events: VolumeEvents) {
    const { onDidChange } = events
    const { clock, random, log } = stores
    this.bucket = request.bucket
    this.prefix = request.prefix
    this.endpointUrl = request.endpoint.url
    this.#lifetime = new Lifetime((name, error) =>
      log.write('error', 'volume/background', { name, code: error.code, stack: error.stack }),
    )
    const { endpoint, bucket } = request
    const facts = new EndpointFacts(stores, { url: endpoint.url, bucket })
    this.#ledgers = stores.ledgers
    const onRequest = (operation: string) => this.ledger.note(operation)
    const service = new S3ObjectService({ ...request, clock, log, memory: facts, onRequest })
    this.#lifetime.add('sockets', () => service.close())
    const { id, rootId } = openVolumeRow(stores, request)
    this.id = id
    this.#service = service
    this.#facts = facts
    this.#credentials = request.credentials
    this.transfers = new Transfers(clock, onDidChange)
    const observed = new ObservedObjectStore(
      request.store ?? service.bucket(request.bucket),
      (operation, key, error) => this.rights.note(operation, key, error),
    )
    const gated = withArchiveGate(observed, () => this.restores)
    this.store = withTrustGate(gated, stores.database.trust)
    this.rights = new RightsBook({
      clock,
      log,
      load: (prefix) => facts.rights(prefix, this.#keysDigest()),
      save: (prefix, rights) => facts.saveRights(prefix, this.#keysDigest(), rights),
      check: (prefix) => this.#scratches.run(prefix, probeWriting, this.#lifetime.signal),
      onDidChange,
    })
    this.connectivity = new Connectivity({
      clock,
      random,
      log,
      probe: async (signal) => {
        await this.store.list({ prefix: request.prefix, keysMax: 1 }, signal)
      },
    })
    this.#lifetime.add('connectivity', () => this.connectivity.close())
    this.requests = new EndpointRequests({
      clock,
      random,
      connectivity: this.connectivity,
      resetSockets: () => service.close(),
    })
    this.tree = new Tree({ ...stores, volume: id, rootId })
    this.tree.hasOpaqueEtags = facts.capabilities()?.etagIsMd5 === false
    this.tree.isJunk = (name) => stores.junk.matches(name)
    this.#lifetime.background('junk', shareUnmatched(this.tree))
    this.contents = new FileContents({
      tree: this.tree,
      clock,
      log,
      openReader: (version) => stores.fetcher.reader(version),
      copyWhole: (copy, signal) => this.syncer.copyWhole(copy, signal),
      findOwnBase: (id, signal) => findOwnBase(this.shared, { id, urgency: 'interactive', signal }),
      adopt: async (version, place, extents) => {
        if ('path' in place) await stores.cache.adopt(version, place.path, extents)
        else await stores.cache.adoptBytes(version, place.bytes, extents)
      },
    })
    this.shared = {
      tree: this.tree,
      store: this.store,
      requests: this.requests,
      clock,
      log,
      signal: this.#lifetime.signal,
    }
    const { shared } = this
    this.#scratches = new Scratches({ ...shared, random, wake: () => this.syncer.wake() })
    this.listings = new Listings(shared)
    this.attributes = new AttributeRequests(shared)
    this.folders = new FolderWatch({
      ...shared,
      listings: this.listings,
      pollingMode: () => this.ledger.mode,
      isOnline: () => this.connectivity.isOnline,
    })
    this.#lifetime.add('folders', () => this.folders.close())
    this.pins = new Pins({
      ...shared,
      table: new PinTable(stores.database),
      cache: stores.cache,
      fetcher: stores.fetcher,
      pollingMode: () => this.ledger.mode,
      isOnline: () => this.connectivity.isOnline,
      listFolder: (folder, signal) => this.listings.poll(folder, signal),
      onDidChange,
    })
    this.#lifetime.add('pins', () => this.pins.close())
    this.restoreTable = new RestoreTable(stores.database)
    this.restores = new Restores({
      ...shared,
      table: this.restoreTable,
      pollingMode: () => this.ledger.mode,
      isOnline: () => this.connectivity.isOnline,
      onDidRestore: (ids) => {
        this.syncer.wake()
        events.onDidRestore?.(ids)
      },
      onDidChange,
    })
    const arrivals = new Arrivals(this.tree, clock, (arrived) => events.onDidArrive?.(arrived))
    this.#lifetime.add('arrivals', () => arrivals.close())
    this.reads = new ReadAccounts(clock, (fetched) => {
      const event = { ...fetched, volume: id, kind: 'fetched', atMs: clock.nowMs() } as const
      stores.database.writeLater(() => stores.recent.note(event))
    })
    this.#lifetime.add('reads', () => this.reads.close())
    this.siblings = new SiblingReads(this.tree, stores.fetcher, this.#lifetime.signal)
    const { roles } = stores
    this.sends = new SendFolders(this.tree, this.contents, roles)
    this.tree.roles = this.sends
    this.batches = new SendBatches({
      ...shared,
      contents: this.contents,
      sends: this.sends,
      roles,
      openReader: (version) => stores.fetcher.reader(version),
      host: stores.host,
      onDidChange,
    })
    this.receives = new ReceiveFolders({
      ...shared,
      roles,
      fetcher: stores.fetcher,
      cache: stores.cache,
      pollingMode: () => this.ledger.mode,
      isOnline: () => this.connectivity.isOnline,
      onDidReceive: (received) => events.onDidReceive?.(received),
      onDidChange,
    })
    this.syncer = new Syncer({
      ...shared,
      contents: this.contents,
      sends: this.sends,
      pendingMarkers: (prefix) => this.batches.pendingMarkers(prefix),
      random,
      host: stores.host,
      buffers: stores.buffers,
      capabilities: (signal) => this.#capabilities(request, signal),
      noteCapability: (name, isThere) => {
        facts.note(name, isThere)
        if (name === 'etagIsMd5') this.tree.hasOpaqueEtags = !isThere
      },
      renameCached: (from, to) => stores.cache.rename(from, to),
      isOnline: () => this.connectivity.isOnline,
      watchForAbsence: (onAway) => watchForAbsence(this.connectivity, clock, onAway),
      isHeldBack: () => this.connectivity.state === 'work-offline',
      conflicts: stores.conflicts,
      recent: stores.recent,
      transfers: this.transfers,
      onDidChange,
    })
    this.connectivity.onDidChange(() => {
      if (this.connectivity.isOnline) this.#goOn(clock.nowMs())
      onDidChange()
    })
    this.clockJumped()
    this.#lifetime.background('syncer', this.syncer.run())
    this.#lifetime.background('send', this.batches.run())
    this.#lifetime.background('receive', this.receives.run())
    this.#lifetime.background('pins', this.pins.run())
    this.#lifetime.background('restores', this.restores.run())
  }

  /** Aborts when the volume closes. */
  get signal(): AbortSignal {
    return this.#lifetime.signal
  }

  /** Sleep, another network, or a clock that was set: nothing that was known of the way is believed. */
  resumed(): void {
    this.clockJumped()
    this.requests.resumed()
    this.syncer.wake()
    this.folders.wake()
    this.receives.reload()
  }

  /**
   * Times on record that are still to come were written by a clock that was ahead: nothing waits for
   * them, and no listing of now is taken for older than what they stand for.
   */
  clockJumped(): void {
    const { database, nodes, volume, clock } = this.tree
    const nowMs = clock.nowMs()
    if (database.trust.isEnded) return
    database.writeLater(() => {
      database.run(
        `UPDATE journal SET ready_ms = ? WHERE volume = ? AND ready_ms > ? AND state = 'waiting'`,
        nowMs,
        volume,
        nowMs,
      )
      nodes.endSightingsAt(volume, nowMs)
    })
  }

  /** Transfers below a prefix; a request that waits for the network moves nothing. */
  uploadingBelow(prefix: string): number {
    return this.connectivity.isOnline ? this.transfers.countBelow(prefix) : 0
  }

  /** What its keys asked for, together with all other buckets of theirs. */
  get ledger(): RequestLedger {
    return this.#ledgers.of(this.endpointUrl, this.accessKeyId)
  }

  get accessKeyId(): string {
    return this.#credentials.accessKeyId
  }

  hasOtherKeys({ accessKeyId, secretAccessKey }: Credentials): boolean {
    const now = this.#credentials
    return accessKeyId !== now.accessKeyId || secretAccessKey !== now.secretAccessKey
  }

  /** Keys that were tried take the place of those before; what was refused is tried again. */
  renew(credentials: Credentials): void {
    const { database, journal, volume, clock } = this.tree
    this.#credentials = credentials
    this.#service.renew(credentials)
    this.rights.forget()
    this.connectivity.resumed()
    database.writeLater(() => journal.retryRefused(volume, clock.nowMs()))
    this.syncer.wake()
  }

  /** @returns `error`, or one that says at which endpoint the bucket is */
  explain(error: PailError): Promise<PailError> {
    const { bucket, endpointUrl, signal } = this
    return explainNoBucket(error, { service: this.#service, bucket, endpointUrl, signal })
  }

  #keysDigest(): string {
    return createHash('sha256').update(this.accessKeyId).digest('hex').slice(0, 16)
  }

  /** Ends what is under way; the journal keeps what is pending. */
  async close(): Promise<void> {
    await this.#lifetime.close()
  }

  /** What waited for the network waits no longer. */
  #goOn(nowMs: number): void {
    this.listings.networkReturned()
    const { database, volume } = this.tree
    if (database.trust.isEnded) return
    database.writeLater(() => {
      database.run(
        `UPDATE journal SET ready_ms = min(ready_ms, ?) WHERE volume = ? AND attempts > 0
         AND state = 'waiting'`,
        nowMs,
        volume,
      )
    })
    this.syncer.wake()
    this.folders.wake()
    this.pins.wake()
    this.restores.wake()
  }

  #probing: Promise<Capabilities> | undefined

  /** Probed once with a scratch key beside the mounted folder, then remembered. */
  #capabilities(request: VolumeRequest, signal: AbortSignal): Promise<Capabilities> {
    const known = this.#facts.capabilities()
    if (known) return Promise.resolve(known)
    this.#probing ??= this.#scratches
      .run(request.prefix, probeCapabilities, signal)
      .then((capabilities) => {
        this.#facts.save(capabilities)
        this.tree.hasOpaqueEtags = capabilities.etagIsMd5 === false
        return capabilities
      })
      .finally(() => {
        this.#probing = undefined
      })
    return this.#probing
  }
}

/** The row of the volume and of its root directory, made when they are new. */
function openVolumeRow(stores: Stores, request: VolumeRequest): { id: number; rootId: number } {
  const { database, nodes, clock } = stores
  const find = () =>
    database.get(
      'SELECT id, root FROM volume WHERE endpoint = ? AND bucket = ?',
      request.endpoint.url,
      request.bucket,
    )
  const known = find()
  if (known) return { id: Number(known.id), rootId: Number(known.root) }
  database.writeNow(() => {
    const { lastId } = database.run(
      'INSERT INTO volume (endpoint, bucket) VALUES (?, ?)',
      request.endpoint.url,
      request.bucket,
    )
    const place = { volume: lastId, parent: null, name: '' }
    const root = nodes.insert(blankDirectory(stores, place, '', clock.nowNs()))
    database.run('UPDATE volume SET root = ? WHERE id = ?', root.id, lastId)
  })
  const made = present(find(), 'volume that was just made')
  return { id: Number(made.id), rootId: Number(made.root) }
}

export function blankDirectory(
  stores: Pick<Stores, 'owner'>,
  place: { readonly volume: number; readonly parent: number | null; readonly name: string },
  remoteKey: string,
  nowNs: bigint,
): NewNode {
  const kind = 'directory' as const
  return blankNode({ ...place, ...stores.owner, kind, mode: DIRECTORY_MODE, remoteKey }, nowNs)
}

/** Is this a failure that passes, in spite of which a folder that is known can be shown? */
export function isAbsence(error: PailError): boolean {
  return error.retry !== 'never'
}
