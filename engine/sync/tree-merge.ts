/**
 * What listings say, merged into the tree.
 *
 * Keeps: local changes win until they are in the bucket; what waits to be deleted or moved away
 *        does not come back; only a complete listing removes, and only what is clean.
 * Never: journals anything. An absence in a listing is never turned into a remote delete.
 */

import { nameBeside, nameOfComponent } from '../s3/keys.ts'
import type { ListPage, ObjectInfo } from '../s3/object-store.ts'
import { blankNode, type NewNode, type NodeKind, type NodeRow } from '../store/nodes.ts'
import { isLeavingBelow } from './leaving.ts'
import { mayBeGoing } from './left-attempts.ts'
import { folderNameOf, LINK_MODE, linkNameOf, slashlessVersion } from './object-attributes.ts'
import { supersede } from './supersede.ts'
import { DIRECTORY_MODE, FILE_MODE, type Tree, type TreeChange } from './tree.ts'

type Note = (change: TreeChange) => void

const NS_PER_MS = 1_000_000n
const MS_PER_S = 1000
/** Children removed in one transaction: a bound on how long the loop is held. */
const REMOVE_BATCH_MAX = 500
/** Names tried for what cannot have its own. */
const NAMES_BESIDE_MAX = 100

/** Merges one page of a delimiter listing of `directory`. */
export function mergePage(
  tree: Tree,
  directoryId: number,
  prefix: string,
  page: ListPage,
  startedMs: number,
): Promise<void> {
  return tree.change((note) => {
    const directory = tree.nodes.byId(directoryId)
    if (directory?.remoteKey !== prefix) return
    if (page.hasPlainKeys) tree.hasPlainKeys = true
    const merge = new Merge(tree, startedMs, note)
    for (const object of page.objects) merge.object(directory, prefix, object)
    for (const found of page.prefixes) merge.directory(directory, prefix, found)
    merge.finish()
  })
}

/**
 * Merges one page of a flat listing below `directory`, making the directories in between.
 * @returns the ids of directories that the page passed completely, none of whose keys can follow
 */
export function mergeFlatPage(
  tree: Tree,
  directoryId: number,
  prefix: string,
  page: ListPage,
  startedMs: number,
): Promise<void> {
  return tree.change((note) => {
    const top = tree.nodes.byId(directoryId)
    if (top?.remoteKey !== prefix) return
    if (page.hasPlainKeys) tree.hasPlainKeys = true
    const merge = new Merge(tree, startedMs, note)
    for (const object of page.objects) {
      const home = merge.directoryOf(top, prefix, object.key)
      if (home) merge.object(home.row, home.prefix, object)
    }
    merge.finish()
  })
}

/** The listing that began at `startedMs` was complete: what it did not show, and is clean, is gone. */
export async function finishListing(
  tree: Tree,
  directoryId: number,
  prefix: string,
  startedMs: number,
): Promise<void> {
  let isDone = false
  while (!isDone) {
    isDone = await tree.change((note) => {
      const directory = tree.nodes.byId(directoryId)
      if (directory?.remoteKey !== prefix) return true
      const unseen = tree.nodes.unseen(directoryId, startedMs, REMOVE_BATCH_MAX, prefix)
      for (const row of unseen) removeUnseen(tree, row, { prefix, startedMs }, note)
      if (unseen.length > 0) tree.nodes.touchDirectory(directoryId, tree.clock.nowNs())
      if (unseen.length === REMOVE_BATCH_MAX) return false
      tree.nodes.update(directoryId, { listedMs: startedMs })
      return true
    })
  }
}

/**
 * Is there, or can there still be, something local that the bucket does not have? A program that
 * has the file open for writing may write at any moment: its save then meets the bucket's version
 * as a conflict, where an orphan would take what it wrote along.
 */
function isHeld(tree: Tree, row: NodeRow): boolean {
  return tree.isBusy(row) || tree.isWriting(row.id)
}

type Listing = { readonly prefix: string; readonly startedMs: number }

/**
 * Keeps what is not clean, by marking it seen: its own upload will meet the bucket's state. And what
 * the listing cannot have shown: a folder that was renamed is listed where its objects still lie, and
 * what was stored in it since lies under its new name already.
 */
function removeUnseen(tree: Tree, row: NodeRow, listing: Listing, note: Note): boolean {
  const { prefix, startedMs } = listing
  if (row.remoteKey !== null && !row.remoteKey.startsWith(prefix)) return false
  if (isHeld(tree, row)) {
    const isGone = row.kind !== 'directory' && isHome(tree, row)
    tree.nodes.update(row.id, { seenMs: startedMs, ...(isGone ? { meanwhile: 'deleted' } : {}) })
    return false
  }
  if (row.kind === 'directory') {
    let isEmpty = true
    for (const child of tree.nodes.children(row.id, 0, REMOVE_BATCH_MAX)) {
      if (child.isLocal) continue
      isEmpty = removeUnseen(tree, child, listing, note) && isEmpty
    }
    if (!isEmpty || tree.nodes.hasSharedChildren(row.id) || !dropLocal(tree, row.id)) {
      tree.nodes.update(row.id, { seenMs: startedMs })
      return false
    }
  }
  forgetRow(tree, row, note)
  return true
}

/** The bucket does not have it any more. What is open stays readable until it is closed. */
export function forgetRow(tree: Tree, row: NodeRow, note: Note): void {
  if (tree.isOpen(row.id)) tree.nodes.update(row.id, { parent: null })
  else tree.nodes.remove(row.id)
  const { id, name } = row
  note({ type: 'removed', id, parent: row.parent ?? 0, name, origin: 'remote' })
}

/**
 * What an operating system noted about a folder goes with the folder.
 * @returns false when a program has something of it open: then nothing went
 */
function dropLocal(tree: Tree, directory: number): boolean {
  const rows = localBelow(tree, directory)
  if (rows.some((row) => tree.isOpen(row.id))) return false
  for (const row of rows) {
    if (row.staged !== null) tree.staging.removeRecord(row.staged)
    tree.nodes.remove(row.id)
  }
  return true
}

function localBelow(tree: Tree, directory: number): NodeRow[] {
  return tree.nodes
    .children(directory, 0, REMOVE_BATCH_MAX)
    .flatMap((row) => (row.kind === 'directory' ? [...localBelow(tree, row.id), row] : [row]))
}

const MODES = { file: FILE_MODE, directory: DIRECTORY_MODE, symlink: LINK_MODE } as const

/** Is nothing known any more that makes the row a link? */
function isLost(row: NodeRow, object: ObjectInfo): boolean {
  if (row.kind !== 'symlink') return false
  return row.component === null || linkNameOf(row.component, object.sizeBytes) === undefined
}

/** Does the bucket have it where its path says? A rename under way leaves the old key by itself. */
function isHome(tree: Tree, row: NodeRow): boolean {
  return row.remoteKey !== null && row.parent !== null && row.remoteKey === tree.keyOf(row)
}

class Merge {
  readonly #tree: Tree
  readonly #startedMs: number
  readonly #note: Note
  readonly #touched = new Set<number>()
  /** Directories by prefix, so that a flat page looks each of them up once. */
  readonly #known = new Map<string, NodeRow>()

  constructor(tree: Tree, startedMs: number, note: Note) {
    this.#tree = tree
    this.#startedMs = startedMs
    this.#note = note
  }

  object(directory: NodeRow, prefix: string, object: ObjectInfo): void {
    const component = object.key.slice(prefix.length)
    if (component === '') {
      this.#marker(directory, object)
      if (object.sizeBytes === 0) return
    }
    const { nodes, volume, departures } = this.#tree
    // What was replaced or removed while open still names its key, and is no entry any more.
    const owners = nodes
      .byRemoteKey(volume, object.key)
      .filter((row) => row.parent !== null && row.kind !== 'directory')
    if (owners.length > 0) {
      for (const owner of owners) this.#observe(owner, object)
      return
    }
    if (mayBeGoing(this.#tree, object)) return
    if (departures.hasLeftSince(object.key, this.#startedMs)) return
    if (this.#folderObject(directory, prefix, component, object)) return
    if (this.#slashlessObject(directory, component, object)) return
    if (this.#insertLink(directory, component, object)) return
    const name = this.#nameFor(directory, component)
    if (name === undefined) return
    this.#insertFile(directory, { name, component, kind: 'file' }, object)
  }

  directory(parent: NodeRow, prefix: string, found: string): NodeRow | undefined {
    const { nodes, volume } = this.#tree
    const owner = nodes.byRemoteKey(volume, found).find((row) => row.kind === 'directory')
    if (owner) {
      if (owner.seenMs < this.#startedMs) nodes.update(owner.id, { seenMs: this.#startedMs })
      return owner
    }
    if (isLeavingBelow(this.#tree, found)) return undefined
    if (this.#tree.departures.hasLeftBelowSince(found, this.#startedMs)) return undefined
    const component = found.slice(prefix.length, -1)
    const name = nameOfComponent(component).name
    const existing = nodes.child(parent.id, name)
    if (existing?.kind === 'directory') return this.#adopt(existing, found)
    // A key `a` and keys below `a/` can both exist: the directory has the name, the object an alias.
    if (existing && !this.#giveWay(existing)) return undefined
    return this.#insert(parent, { name, component, kind: 'directory' }, { remoteKey: found })
  }

  /** The directory that holds `key` below `top`, made together with those above it. */
  directoryOf(
    top: NodeRow,
    prefix: string,
    key: string,
  ): { row: NodeRow; prefix: string } | undefined {
    const end = key.endsWith('/') ? key.length : key.lastIndexOf('/') + 1
    const home = key.slice(0, end)
    if (home.length <= prefix.length) return { row: top, prefix }
    const known = this.#known.get(home)
    if (known) return { row: known, prefix: home }
    const parent = this.directoryOf(top, prefix, home.slice(0, home.lastIndexOf('/', end - 2) + 1))
    const row = parent && this.directory(parent.row, parent.prefix, home)
    if (!row) return undefined
    this.#known.set(home, row)
    return { row, prefix: home }
  }

  finish(): void {
    const { nodes, clock } = this.#tree
    for (const id of this.#touched) {
      // What a first listing finds was there before: it does not change the directory.
      if ((nodes.byId(id)?.listedMs ?? 0) > 0) nodes.touchDirectory(id, clock.nowNs())
    }
  }

  #marker(directory: NodeRow, object: ObjectInfo): void {
    if (directory.hasMarker && directory.etag === object.etag) {
      // Stored here after this listing began: the page may tell of the marker before.
      const isOutdated = directory.seenMs > this.#startedMs
      if (!isOutdated && !isHeld(this.#tree, directory)) this.#observeStored(directory, object)
      return
    }
    const { etag, sizeBytes: remoteSize, modifiedMs } = object
    const marker = { hasMarker: true, etag, remoteSize, modifiedMs, metadata: null }
    this.#tree.nodes.update(directory.id, marker)
  }

  #observe(row: NodeRow, object: ObjectInfo): void {
    const { nodes } = this.#tree
    // Stored or seen after this listing began: the page may tell of what was there before.
    if (row.seenMs >= this.#startedMs && row.etag !== null) return
    const isSame = row.etag === object.etag && row.remoteSize === object.sizeBytes
    if (isSame || row.kind === 'directory' || isHeld(this.#tree, row)) {
      const meanwhile = isSame || row.kind === 'directory' ? null : 'changed'
      if (row.seenMs < this.#startedMs || row.meanwhile !== meanwhile) {
        nodes.update(row.id, { seenMs: this.#startedMs, meanwhile })
      }
      if (isSame) this.#observeClass(row, object)
      if (isSame && !isHeld(this.#tree, row)) this.#observeStored(row, object)
      return
    }
    const modified = BigInt(Math.round(object.modifiedMs)) * NS_PER_MS
    this.#supersede(row, {
      // Whether it is a link again, only its metadata can tell, unless rclone made it.
      ...(isLost(row, object) ? { kind: 'file', mode: FILE_MODE } : {}),
      size: object.sizeBytes,
      remoteSize: object.sizeBytes,
      etag: object.etag,
      storageClass: object.storageClass ?? null,
      mtime: modified,
      ctime: modified,
      change: row.change + 1,
      seenMs: this.#startedMs,
      metadata: null,
      target: null,
      meanwhile: null,
      modifiedMs: object.modifiedMs,
    })
  }

  /**
   * The same bytes, stored anew: by a client that changes metadata, which it does by copying the
   * object onto itself, or by one that made the same file again. What stands beside the bytes may be
   * other now, and is not known until it is asked for again.
   */
  #observeStored(row: NodeRow, { modifiedMs }: ObjectInfo): void {
    const { nodes } = this.#tree
    if (row.modifiedMs === null || isSameMoment(row.modifiedMs, modifiedMs)) {
      if (row.modifiedMs !== modifiedMs) nodes.update(row.id, { modifiedMs })
      return
    }
    if (modifiedMs < row.modifiedMs) return
    const stamp = BigInt(Math.round(modifiedMs)) * NS_PER_MS
    const times = row.kind === 'directory' ? {} : { mtime: stamp, ctime: stamp }
    nodes.update(row.id, { ...times, modifiedMs, metadata: null, change: row.change + 1 })
    this.#noteAttributes(row)
  }

  /** A rule of the bucket moved it into an archive, or out of one. */
  #observeClass(row: NodeRow, object: ObjectInfo): void {
    const storageClass = object.storageClass ?? null
    if (row.kind === 'directory' || row.storageClass === storageClass) return
    this.#tree.nodes.update(row.id, { storageClass, change: row.change + 1 })
    this.#noteAttributes(row)
  }

  #noteAttributes({ id, name, parent }: NodeRow): void {
    this.#note({ type: 'attributes', id, parent: parent ?? 0, name, origin: 'remote' })
  }

  #supersede(row: NodeRow, version: Partial<NewNode>): void {
    const { id, parent, name } = row
    const next = supersede(this.#tree, row, version)
    this.#note({ type: 'removed', id, parent: parent ?? 0, name, origin: 'remote' })
    this.#noteAdded(next)
  }

  /** Hadoop's object for a directory stands for it and is no file. */
  #folderObject(parent: NodeRow, prefix: string, component: string, object: ObjectInfo): boolean {
    const name = folderNameOf(component, object.sizeBytes)
    if (name === undefined) return false
    const row = this.directory(parent, prefix, `${prefix}${name}/`)
    if (row && !row.hasFolderObject) this.#tree.nodes.update(row.id, { hasFolderObject: true })
    return true
  }

  /** What turned out to be a directory of old s3fs is no file, until something else stands there. */
  #slashlessObject(parent: NodeRow, component: string, { etag, modifiedMs }: ObjectInfo): boolean {
    const { nodes } = this.#tree
    const row = nodes.child(parent.id, nameOfComponent(component).name)
    if (row?.kind !== 'directory' || row.slashless === null) return false
    const isSame = row.slashless === slashlessVersion(etag, modifiedMs)
    nodes.update(row.id, isSame ? { seenMs: this.#startedMs } : { slashless: null })
    return isSame
  }

  /** rclone's links can be told by their names alone. */
  #insertLink(directory: NodeRow, component: string, object: ObjectInfo): boolean {
    const link = linkNameOf(component, object.sizeBytes)
    if (link === undefined) return false
    const { name } = nameOfComponent(link)
    if (this.#tree.nodes.child(directory.id, name)) return false
    this.#insertFile(directory, { name, component, kind: 'symlink' }, object)
    return true
  }

  #insertFile(
    directory: NodeRow,
    found: { readonly name: string; readonly component: string; readonly kind: NodeKind },
    object: ObjectInfo,
  ): void {
    const modified = BigInt(Math.round(object.modifiedMs)) * NS_PER_MS
    const facts = {
      size: object.sizeBytes,
      atime: modified,
      mtime: modified,
      ctime: modified,
      birthtime: modified,
      remoteKey: object.key,
      etag: object.etag,
      remoteSize: object.sizeBytes,
      storageClass: object.storageClass ?? null,
      modifiedMs: object.modifiedMs,
    }
    this.#insert(directory, found, facts)
  }

  /** undefined: a local file has the name and its upload will meet this object. */
  #nameFor(directory: NodeRow, component: string): string | undefined {
    const { name } = nameOfComponent(component)
    // What stands under the directory's own key is content beside whatever the directory holds.
    if (component === '') return this.#freeName(directory.id, name)
    const existing = this.#tree.nodes.child(directory.id, name)
    if (!existing) return name
    if (isBeside(existing)) return this.#giveWay(existing) ? name : undefined
    return existing.kind === 'directory' ? this.#freeName(directory.id, name) : undefined
  }

  /** An alias that somebody's own name turned out to be becomes the next one. */
  #giveWay(row: NodeRow): boolean {
    const { nodes, volume, log } = this.#tree
    const component = row.component ?? row.name
    const parent = row.parent ?? 0
    const name = this.#freeName(parent, nameOfComponent(component).name)
    if (name === undefined) return false
    nodes.update(row.id, { name, component })
    this.#note({ type: 'removed', id: row.id, parent, name: row.name, origin: 'remote' })
    log.write('info', 'tree/object-beside-another', { volume })
    return true
  }

  #freeName(parent: number, name: string): string | undefined {
    for (let count = 1; count <= NAMES_BESIDE_MAX; count++) {
      const beside = nameBeside(name, count)
      if (!this.#tree.nodes.child(parent, beside)) return beside
    }
    this.#tree.log.write('error', 'tree/no-name-left', { parent })
    return undefined
  }

  #adopt(row: NodeRow, prefix: string): NodeRow {
    if (row.remoteKey !== null) return row
    this.#tree.nodes.update(row.id, { remoteKey: prefix, seenMs: this.#startedMs, listedMs: 0 })
    return { ...row, remoteKey: prefix }
  }

  #insert(
    parent: NodeRow,
    found: { readonly name: string; readonly component: string; readonly kind: NodeKind },
    facts: Partial<NewNode>,
  ): NodeRow {
    const tree = this.#tree
    const row = tree.nodes.insert(
      blankNode(
        {
          ...tree.owner,
          volume: tree.volume,
          parent: parent.id,
          name: found.name,
          component: found.component === found.name ? null : found.component,
          kind: found.kind,
          mode: MODES[found.kind],
          seenMs: this.#startedMs,
          ...facts,
        },
        tree.clock.nowNs(),
      ),
    )
    this.#noteAdded(row)
    return row
  }

  #noteAdded(row: NodeRow): void {
    const parent = row.parent ?? 0
    this.#touched.add(parent)
    this.#note({ type: 'added', id: row.id, parent, name: row.name, origin: 'remote' })
  }
}

/** Does the row have its name only because something else has the one that its key means? */
function isBeside(row: NodeRow): boolean {
  return row.component !== null && nameOfComponent(row.component).name !== row.name
}

/** Does the finer time lie in the second that the other one names? Some answers tell no more. */
function isSameMoment(known: number, told: number): boolean {
  const [coarse, fine] = known % MS_PER_S === 0 ? [known, told] : [told, known]
  if (known === told) return true
  return coarse % MS_PER_S === 0 && fine - coarse > 0 && fine - coarse < MS_PER_S
}
