/**
 * Names: finding, making, removing and renaming entries of one mount.
 *
 * Keeps: an entry is only taken for absent when a listing says so; a directory is only taken for
 *        empty when a fresh listing says so, or when there is no network, the last one.
 */
import { ERRORS, PailError } from '../../shared/errors.ts'
import { KEY_BYTES_MAX, LONG_KEY_BYTES_MAX } from '../../shared/key-bytes.ts'
import { present } from '../base/assert.ts'
import { keyBytes, NAME_BYTES_MAX } from '../s3/keys.ts'
import type { NodeRow } from '../store/nodes.ts'
import { ATTRIBUTES_AHEAD } from '../sync/attribute-requests.ts'
import { LINK_BYTES_MAX, LINK_MODE } from '../sync/object-attributes.ts'
import { addEntry, type NewEntry, removeEntry, renameEntry } from '../sync/tree-edit.ts'
import type { MountVfsParts } from './mount-parts.ts'
import type {
  Attributes,
  Context,
  CreateRequest,
  DirectoryChange,
  NodeId,
  RenameMode,
} from './vfs.ts'

/** Depth of directories that is looked through when a directory is moved: no key has more parts. */
const DEPTH_MAX = LONG_KEY_BYTES_MAX / 2
const SET_GID = 0o2000

export class Namespace {
  readonly #parts: MountVfsParts

  constructor(parts: MountVfsParts) {
    this.#parts = parts
  }

  checkWritable(): void {
    if (this.#parts.isReadOnly) throw new PailError('vfs/read-only', 'the mount is read-only')
    if (this.#parts.mayWrite?.() === false) {
      throw new PailError('vfs/read-only', 'nothing may be written here now')
    }
  }

  /** Markers of send folders are written by Pail alone: a job may start at the sight of one. */
  checkName(directory: NodeId, name: string): void {
    if (!this.#parts.tree.roles.isMarker(directory, name)) return
    throw new PailError('vfs/access', `${name} is the marker of a send folder`, { name })
  }

  attributes(row: NodeRow): Attributes {
    const overlay = this.#parts.contents.peek(row.id)?.overlay
    const size = overlay?.size ?? row.size
    const isDirectory = row.kind === 'directory'
    return {
      id: row.id,
      generation: 1,
      kind: row.kind,
      sizeBytes: isDirectory ? 0 : size,
      allocatedBytes: isDirectory ? 0 : size,
      linkCount: this.#linkCount(row),
      mode: row.mode,
      uid: row.uid,
      gid: row.gid,
      atime: row.atime,
      mtime: overlay?.mtime ?? row.mtime,
      ctime: overlay?.ctime ?? row.ctime,
      birthtime: row.birthtime,
      change: overlay?.change ?? row.change,
    }
  }

  /** @throws PailError `vfs/not-found` when a listing says that there is no such entry */
  async find(context: Context, directory: NodeId, name: string): Promise<NodeRow> {
    const { tree, listings } = this.#parts
    const parent = tree.directory(directory)
    if (name === '.') return parent
    if (name === '..') return this.#above(parent)
    if (Buffer.byteLength(name) > NAME_BYTES_MAX) throw new PailError('vfs/name-too-long', name)
    const local = tree.nodes.child(directory, name)
    if (local && tree.isBusy(local)) return local
    if (!listings.isKnown(directory, name)) await this.freshen(context, directory, name)
    const row = tree.nodes.child(directory, name)
    if (!row) throw new PailError('vfs/not-found', name)
    return row
  }

  /** Like `find`, with all attributes where this mount wants them. */
  async findWithAttributes(context: Context, directory: NodeId, name: string): Promise<NodeRow> {
    const row = await this.find(context, directory, name)
    if (!(await this.ensureAttributes(context, row))) return row
    // What turned out to be a link is another node now.
    return this.#parts.tree.nodes.byId(row.id) ?? this.find(context, directory, name)
  }

  /** @returns whether they may have been asked for, so that the row is another one now */
  async ensureAttributes(context: Context, row: NodeRow): Promise<boolean> {
    const { attributes, tree, wantsAllAttributes } = this.#parts
    if (!wantsAllAttributes || row.parent === null || tree.isBusy(row)) return false
    await attributes.ensure([row], context.signal)
    return true
  }

  /** The rows of a page with all attributes where this mount wants them. */
  async withAttributes(
    context: Context,
    directory: NodeId,
    cookie: number,
    rows: NodeRow[],
  ): Promise<NodeRow[]> {
    const { attributes, tree, wantsAllAttributes } = this.#parts
    const last = rows.at(-1)
    if (!wantsAllAttributes || !last) return rows
    const asked = attributes.ensure(rows, context.signal)
    attributes.begin(tree.nodes.children(directory, last.id, ATTRIBUTES_AHEAD))
    await asked
    // What turned out to be a link is another node now, behind all others.
    const isHere = (row: NodeRow) => row.id <= last.id
    return tree.nodes.children(directory, cookie, rows.length).filter(isHere)
  }

  /** Makes the entry as fresh as a listing can; without network, what is known stays good. */
  async freshen(context: Context, directory: NodeId, name: string): Promise<void> {
    const { tree, listings } = this.#parts
    try {
      await listings.ensureName(directory, name, context.signal)
    } catch (thrown) {
      if (context.signal.aborted) throw new PailError('vfs/interrupted', 'lookup')
      const isKnown = tree.directory(directory).listedMs > 0
      const isHere = tree.nodes.child(directory, name) !== undefined
      if (!isKnown && !isHere) throw thrown
    }
  }

  async create(context: Context, directory: NodeId, name: string, request: CreateRequest) {
    this.checkWritable()
    const { tree, origin } = this.#parts
    const parent = tree.directory(directory)
    this.#checkFits(parent, name, 'file')
    const existing = await this.#existing(context, directory, name)
    if (existing) {
      if (request.exclusive) throw new PailError('vfs/exists', name)
      return { row: existing, wasCreated: false, change: this.#change(parent, directory) }
    }
    this.checkName(directory, name)
    const entry = newEntry(context, parent, 'file', request.mode)
    const row = await addEntry(tree, parent, name, entry, origin)
    return { row, wasCreated: true, change: this.#change(parent, directory) }
  }

  async mkdir(context: Context, directory: NodeId, name: string, mode: number) {
    this.checkWritable()
    const { tree, origin } = this.#parts
    const parent = tree.directory(directory)
    this.#checkFits(parent, name, 'directory')
    if (await this.#existing(context, directory, name)) throw new PailError('vfs/exists', name)
    this.checkName(directory, name)
    const entry = newEntry(context, parent, 'directory', mode)
    const row = await addEntry(tree, parent, name, entry, origin)
    return { row, change: this.#change(parent, directory) }
  }

  async symlink(context: Context, directory: NodeId, name: string, target: string) {
    this.checkWritable()
    const { tree, origin } = this.#parts
    const parent = tree.directory(directory)
    this.#checkFits(parent, name, 'file')
    const targetBytes = Buffer.byteLength(target)
    if (targetBytes === 0) throw new PailError('vfs/not-found', 'a link to nothing')
    if (targetBytes > LINK_BYTES_MAX) throw new PailError('vfs/name-too-long', `${targetBytes}`)
    if (await this.#existing(context, directory, name)) throw new PailError('vfs/exists', name)
    this.checkName(directory, name)
    const entry = { ...newEntry(context, parent, 'symlink', LINK_MODE), target }
    const row = await addEntry(tree, parent, name, entry, origin)
    return { row, change: this.#change(parent, directory) }
  }

  async remove(
    context: Context,
    directory: NodeId,
    name: string,
    request: {
      readonly kind: 'file' | 'directory'
      readonly only?: NodeId
      readonly test?: boolean
    },
  ): Promise<DirectoryChange> {
    this.checkWritable()
    const { tree, origin } = this.#parts
    const parent = tree.directory(directory)
    const row = await this.find(context, directory, name)
    if (request.only !== undefined && row.id !== request.only) {
      throw new PailError('vfs/not-found', `${name} is another file now`)
    }
    if (request.kind === 'file' && row.kind === 'directory') {
      throw new PailError('vfs/is-a-directory', name)
    }
    if (request.kind === 'directory') await this.#checkEmpty(context, row, 'fresh')
    const askedBelow = this.#parts.asksBeforeMassDeletion === true ? this.#parts.root : undefined
    if (!request.test) await removeEntry(tree, tree.node(row.id), origin, askedBelow)
    return this.#change(parent, directory)
  }

  async rename(
    context: Context,
    from: { readonly directory: NodeId; readonly name: string },
    to: { readonly directory: NodeId; readonly name: string },
    mode: RenameMode,
  ) {
    this.checkWritable()
    if (mode === 'exchange') throw new PailError('vfs/invalid', 'names cannot be exchanged')
    const { tree, origin } = this.#parts
    const source = tree.directory(from.directory)
    const target = tree.directory(to.directory)
    for (const place of [from, to]) this.checkName(place.directory, place.name)
    const row = await this.find(context, from.directory, from.name)
    this.#checkNewPlace(row, target, to.name)
    const replaced = await this.#existing(context, to.directory, to.name)
    if (replaced && mode === 'noreplace') throw new PailError('vfs/exists', to.name)
    if (replaced?.id !== row.id) {
      await this.#checkReplacement(context, row, replaced, target)
      this.#checkReach(row)
      const directory = tree.directory(target.id)
      const fresh = replaced && tree.nodes.byId(replaced.id)
      const request = { row: tree.node(row.id), directory, name: to.name, replaced: fresh, origin }
      await renameEntry(tree, request)
    }
    return {
      from: this.#change(source, source.id),
      to: this.#change(target, target.id),
    }
  }

  /** A rename is a copy in the bucket, and an archive copies nothing. */
  #checkReach(row: NodeRow): void {
    const isStored = row.kind === 'directory' || (row.staged === null && row.remoteKey !== null)
    if (isStored && this.#parts.isOutOfReach?.(row)) {
      throw new PailError('s3/archived', 'what is archived cannot be renamed', { name: row.name })
    }
  }

  #checkFits(directory: NodeRow, name: string, kind: NodeRow['kind'], bytesBelow = 0): void {
    const { tree, keyBytesMax = KEY_BYTES_MAX } = this.#parts
    tree.checkName(directory, name, { kind, keyBytesMax, bytesBelow })
  }

  /** What lies below a directory moves with it: its keys have to fit as well. */
  #checkNewPlace(row: NodeRow, target: NodeRow, name: string): void {
    const { tree } = this.#parts
    this.#checkFits(target, name, row.kind)
    if (row.kind !== 'directory') return
    // Shorter keys always fit; only for longer ones everything below is looked through.
    const grows = keyBytes(`${tree.keyOf(target)}${name}/`) > keyBytes(tree.keyOf(row))
    if (grows) this.#checkFits(target, name, row.kind, tree.nodes.longestPathBytes(row.id))
  }

  /**
   * A directory is linked by its parent, by itself and by each directory in it. Before it was
   * listed nobody knows those: then 1, by which programs see that it says nothing (as on btrfs).
   */
  #linkCount(row: NodeRow): number {
    if (row.kind !== 'directory') return row.parent === null ? 0 : 1
    return row.listedMs === 0 ? 1 : 2 + this.#parts.tree.nodes.countDirectories(row.id)
  }

  #above(row: NodeRow): NodeRow {
    if (row.id === this.#parts.root) return row
    return this.#parts.tree.node(present(row.parent, `parent of node ${row.id}`))
  }

  #change(before: NodeRow, id: NodeId): DirectoryChange {
    return { before: before.change, after: this.attributes(this.#parts.tree.node(id)) }
  }

  async #existing(context: Context, directory: NodeId, name: string): Promise<NodeRow | undefined> {
    try {
      return await this.find(context, directory, name)
    } catch (thrown) {
      if (thrown instanceof PailError && thrown.code === 'vfs/not-found') return undefined
      throw thrown
    }
  }

  async #checkReplacement(
    context: Context,
    row: NodeRow,
    replaced: NodeRow | undefined,
    target: NodeRow,
  ): Promise<void> {
    if (row.kind === 'directory' && this.#isInside(target, row.id)) {
      throw new PailError('vfs/invalid', 'a directory cannot be moved into itself')
    }
    if (!replaced) return
    if (row.kind === 'directory') {
      await this.#checkEmpty(context, replaced, 'now')
      return
    }
    if (replaced.kind === 'directory') throw new PailError('vfs/is-a-directory', replaced.name)
  }

  #isInside(row: NodeRow, id: NodeId): boolean {
    let at: NodeRow | undefined = row
    for (let depth = 0; at && depth < DEPTH_MAX; depth++) {
      if (at.id === id) return true
      at = at.parent === null ? undefined : this.#parts.tree.nodes.byId(at.parent)
    }
    return false
  }

  /**
   * `now`: by a listing of this moment. `fresh`: the directory was read a moment ago, as by
   * `rm -r`; what someone else stored since then is not deleted with it, and shows again.
   */
  async #checkEmpty(context: Context, row: NodeRow, how: 'now' | 'fresh'): Promise<void> {
    const { tree, listings } = this.#parts
    if (row.kind !== 'directory') throw new PailError('vfs/not-a-directory', row.name)
    if (tree.nodes.hasChildren(row.id)) throw new PailError('vfs/not-empty', row.name)
    try {
      if (how === 'now') await listings.refresh(row.id, context.signal)
      else await listings.ensureFresh(row.id, context.signal)
    } catch (thrown) {
      const error = PailError.from(thrown)
      const isOffline = ERRORS[error.code].retry === 'when-online'
      if (!isOffline || tree.directory(row.id).listedMs === 0) throw error
    }
    if (tree.nodes.hasChildren(row.id)) throw new PailError('vfs/not-empty', row.name)
  }
}

/** In a directory with the set-gid bit everything new gets its group, and directories the bit. */
function newEntry(
  context: Context,
  parent: NodeRow,
  kind: NewEntry['kind'],
  mode: number,
): NewEntry {
  const isShared = (parent.mode & SET_GID) !== 0
  const inherited = isShared && kind === 'directory' ? SET_GID : 0
  const gid = isShared ? parent.gid : context.gid
  return { kind, mode: (mode & 0o7777) | inherited, uid: context.uid, gid }
}
