/**
 * One volume (a bucket at an endpoint): what is in it as far as this computer knows, together
 * with what programs changed and the bucket does not have yet.
 *
 * Owns:  the meaning of the tables `node` and `journal` for this volume. Runs in: engine process.
 * Keeps: every change of the tree and its journal row are one transaction; a remote delete or
 *        overwrite is only ever journaled by an operation that a program asked for.
 * Never: waits for the network.
 */
import { PailError } from '../../shared/errors.ts'
import { present } from '../base/assert.ts'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { componentOfName, keyBytes, NAME_BYTES_MAX, nameOfComponent } from '../s3/keys.ts'
import type { Database } from '../store/database.ts'
import type { Journal, JournalRow } from '../store/journal.ts'
import type { NodeRow, Nodes } from '../store/nodes.ts'
import type { StagingArea } from '../store/staging.ts'
import { Xattrs } from '../store/xattrs.ts'
import { Departures } from './departures.ts'
import { DeletionWatch } from './mass-deletion.ts'
import { linkNameOf, RCLONE_LINK_SUFFIX } from './object-attributes.ts'

export type TreeChange = {
  readonly type: 'attributes' | 'data' | 'added' | 'removed'
  readonly id: number
  readonly parent: number
  readonly name: string
  readonly origin: string
}

/** What folders with a role have a say in. All of it within the change that it belongs to. */
export type RoleHooks = {
  /** The bucket has this version of the file now, put there by this computer. */
  noteStored(node: NodeRow): void
  /** Is this the name of a marker, which only Pail writes? */
  isMarker(directory: number, name: string): boolean
}

const NO_ROLES: RoleHooks = { noteStored: () => {}, isMarker: () => false }

export type Owner = { readonly uid: number; readonly gid: number }

export type TreeParts = {
  readonly database: Database
  readonly nodes: Nodes
  readonly journal: Journal
  readonly staging: StagingArea
  readonly clock: Clock
  readonly log: Log
  readonly volume: number
  readonly rootId: number
  /** Who owns what the bucket says nothing about. */
  readonly owner: Owner
}

/** What a name is to fit. */
type Fit = {
  readonly kind: NodeRow['kind']
  readonly keyBytesMax: number
  /** What the longest key below it has behind its own. */
  readonly bytesBelow?: number
}

export const FILE_MODE = 0o644
export const DIRECTORY_MODE = 0o755

export class Tree {
  readonly database: Database
  readonly nodes: Nodes
  readonly xattrs: Xattrs
  readonly journal: Journal
  readonly staging: StagingArea
  readonly clock: Clock
  readonly log: Log
  readonly volume: number
  readonly rootId: number
  readonly owner: Owner
  /**
   * Are files shown with the owner that the bucket names? Only root can give files away: for anybody
   * else a file of another user would be one that cannot be changed, in a folder of their own.
   */
  readonly honoursOwners: boolean
  /** Journal rows whose requests are under way in this process. Written by the syncer alone. */
  readonly running = new Set<number>()
  readonly departures = new Departures()
  readonly deletions = new DeletionWatch()
  /** Is some handle of this node open? Set by the front that holds handles. */
  isOpen: (id: number) => boolean = () => false
  /** May some handle of this node still write to it? Set like `isOpen`. */
  isWriting: (id: number) => boolean = () => false
  /** Does what has this name stay on this computer? Set by the owner of the list. */
  isJunk: (name: string) => boolean = () => false
  /** When a program last changed something, on the clock that never jumps. */
  lastEditMs = Number.NEGATIVE_INFINITY
  /** Do extended attributes travel to the bucket? Set by a mount that asks for it. */
  syncsXattrs = false
  /** Does the server write keys into its listings as they are? Set by the first page that tells. */
  hasPlainKeys = false
  /** Are the server's ETags known not to be digests of the content? */
  hasOpaqueEtags = false
  roles: RoleHooks = NO_ROLES
  /** Called when the journal has something new. */
  onDidJournal: () => void = () => {}
  readonly #told = new Set<string>()
  readonly #listeners = new Set<(changes: readonly TreeChange[]) => void>()

  constructor(parts: TreeParts) {
    this.database = parts.database
    this.nodes = parts.nodes
    this.xattrs = new Xattrs(parts.database)
    this.journal = parts.journal
    this.staging = parts.staging
    this.clock = parts.clock
    this.log = parts.log
    this.volume = parts.volume
    this.rootId = parts.rootId
    this.owner = parts.owner
    this.honoursOwners = parts.owner.uid === 0
  }

  /** For what is worth one line in the log, however many files it is true of. */
  tellOnce(event: string, facts: Readonly<Record<string, string>>): void {
    if (this.#told.has(event)) return
    this.#told.add(event)
    this.log.write('warn', event, facts)
  }

  /** @throws PailError `vfs/stale` for an id that means nothing any more */
  node(id: number): NodeRow {
    const row = this.nodes.byId(id)
    if (!row || row.volume !== this.volume) throw new PailError('vfs/stale', `node ${id} is gone`)
    return row
  }

  /** Like `node`, and it must be a directory that still has a place. */
  directory(id: number): NodeRow {
    const row = this.node(id)
    if (row.kind !== 'directory') throw new PailError('vfs/not-a-directory', `node ${id}`)
    return row
  }

  /** The key that the node's path means: a directory's ends in `/`; the root's is empty. */
  keyOf(row: NodeRow): string {
    if (row.id === this.rootId) return ''
    const parent = this.nodes.byId(present(row.parent, `parent of node ${row.id}`))
    const prefix = this.keyOf(present(parent, `row of parent ${row.parent}`))
    const component = row.component ?? componentOfName(row.name)
    return row.kind === 'directory' ? `${prefix}${component}/` : prefix + component
  }

  /** The node whose path means `key`, whatever the bucket has there. */
  findByKey(key: string): NodeRow | undefined {
    let row = this.nodes.byId(this.rootId)
    if (key === '') return row
    const components = key.endsWith('/') ? key.slice(0, -1).split('/') : key.split('/')
    for (const component of components) {
      if (!row) return undefined
      row = this.#childOf(row.id, component)
    }
    return row && this.keyOf(row) === key ? row : undefined
  }

  #childOf(parent: number, component: string): NodeRow | undefined {
    const row = this.nodes.child(parent, nameOfComponent(component).name)
    const link = row ? undefined : linkNameOf(component, 1)
    return link === undefined ? row : this.nodes.child(parent, link)
  }

  /** What a node's name becomes in the key: links in rclone's form keep that form. */
  componentFor(row: NodeRow, name: string): string | null {
    const isRcloneLink = row.kind === 'symlink' && row.component?.endsWith(RCLONE_LINK_SUFFIX)
    return isRcloneLink ? componentOfName(name) + RCLONE_LINK_SUFFIX : null
  }

  /**
   * Whose object lies under `key`, though their path means another one: it has to leave before
   * anything else is stored there.
   */
  holdersOf(key: string, except: number | null): NodeRow[] {
    return this.nodes
      .byRemoteKey(this.volume, key)
      .filter((row) => row.id !== except && row.parent !== null && this.keyOf(row) !== key)
  }

  /** The path for people: names, not components. */
  pathOf(row: NodeRow): string {
    if (row.id === this.rootId) return ''
    const parent = row.parent === null ? undefined : this.nodes.byId(row.parent)
    if (!parent) return row.name
    const above = this.pathOf(parent)
    return above === '' ? row.name : `${above}/${row.name}`
  }

  /** Refuses names and keys that the bucket cannot hold, before anything is asked or written. */
  checkName(directory: NodeRow, name: string, { kind, keyBytesMax, bytesBelow = 0 }: Fit): void {
    if (Buffer.byteLength(name) > NAME_BYTES_MAX) {
      throw new PailError('vfs/name-too-long', `${Buffer.byteLength(name)} bytes in a name`)
    }
    if (this.hasPlainKeys && !isXmlText(name)) {
      throw new PailError('vfs/not-listable', 'a control character in a name')
    }
    const key = this.keyOf(directory) + componentOfName(name) + (kind === 'directory' ? '/' : '')
    const bytes = keyBytes(key) + bytesBelow
    if (bytes > keyBytesMax) throw new PailError('vfs/name-too-long', `${bytes} bytes in a key`)
  }

  isRunning(row: JournalRow): boolean {
    return this.running.has(row.seq)
  }

  /** Does what is made here stay on this computer? */
  staysLocal(directory: NodeRow, name: string): boolean {
    return directory.isLocal || this.isJunk(name)
  }

  /** Is something of this node not in the bucket yet? Then what the bucket says of it waits. */
  isBusy(row: NodeRow): boolean {
    return (
      row.isLocal || !row.isSealed || row.staged !== null || this.journal.ofNode(row.id).length > 0
    )
  }

  /**
   * Is the prefix inside a directory whose move has begun? Then its objects lie half here, half
   * there, no listing tells the truth, and the tree is complete by the plan of the move.
   */
  isMoving(prefix: string): boolean {
    return this.journal
      .directoryMoves(this.volume)
      .some((move) => move.record !== null && prefix.startsWith(move.key))
  }

  /**
   * Runs one change of the tree in the group's transaction. Listeners hear of it before anybody can
   * see the rows: a reader that looks in between would take bytes of two versions for one file.
   */
  change<T>(work: (note: (change: TreeChange) => void) => T): Promise<T> {
    let done: readonly TreeChange[] = []
    const written = this.database.write(() => {
      const changes: TreeChange[] = []
      const value = work((change) => changes.push(change))
      done = changes
      return value
    })
    this.emit(done)
    return written
  }

  /** Like `change`, for what a crash may take along: nobody waits for the disk. */
  changeLater<T>(work: (note: (change: TreeChange) => void) => T): T {
    const changes: TreeChange[] = []
    const value = this.database.writeLater(() => work((change) => changes.push(change)))
    this.emit(changes)
    return value
  }

  emit(changes: readonly TreeChange[]): void {
    if (changes.length === 0) return
    for (const listener of this.#listeners) listener(changes)
  }

  /** What programs read of this version may be wrong, and they or the kernel may still hold it. */
  noteDamaged({ key, etag }: { readonly key: string; readonly etag: string }): void {
    const damaged = this.nodes
      .byRemoteKey(this.volume, key)
      .filter((row) => row.etag === etag && row.parent !== null)
    this.emit(
      damaged.map(({ id, parent, name }) => ({
        ...{ type: 'data', id, parent: present(parent, 'parent of a file'), name },
        origin: 'check',
      })),
    )
  }

  watch(listener: (changes: readonly TreeChange[]) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

/** Characters of XML 1.0, section 2.2: no control characters but tab and the ends of lines. */
function isXmlText(text: string): boolean {
  return [...text].every((character) =>
    character < ' ' ? '\t\n\r'.includes(character) : !/[\ufffe\uffff]/.test(character),
  )
}
