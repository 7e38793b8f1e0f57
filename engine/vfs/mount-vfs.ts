/**
 * One mount's file system: a tree seen from one of its directories, with handles and rights.
 *
 * Owns:  the handles of this mount. Runs in: engine process.
 * Keeps: what is known locally answers without the network; what is not known fails, and never
 *        shows an empty folder or an empty file instead.
 */
import { PailError } from '../../shared/errors.ts'
import { present } from '../base/assert.ts'
import type { NodeRow } from '../store/nodes.ts'
import type { FileContent } from '../sync/file-content.ts'
import { clampStamp } from '../sync/object-attributes.ts'
import { takeFetchedBytes } from '../sync/read-session.ts'
import type { TreeChange } from '../sync/tree.ts'
import { editAttributes } from '../sync/tree-attributes.ts'
import { copyBytes, editRange, LENT_BYTES_MIN, lendBytes, seekIn } from './file-ranges.ts'
import { Handles, type OpenFile } from './handles.ts'
import { KeptPages } from './kept-pages.ts'
import { learnBeforeOpen } from './learn-at-open.ts'
import { readLink } from './links.ts'
import type { MountVfsParts } from './mount-parts.ts'
import { Namespace } from './namespace.ts'
import { readUnseen } from './unseen-read.ts'
import type {
  AttributeChanges,
  Attributes,
  Change,
  Context,
  CreateRequest,
  DirectoryPage,
  FileSystemFacts,
  HandleId,
  NodeId,
  Opened,
  OpenRequest,
  Range,
  RangeEdit,
  RenameMode,
  Stamp,
  Target,
  Vfs,
  XattrMode,
} from './vfs.ts'
import { MountXattrs } from './xattrs.ts'

const BLOCK_SIZE_BYTES = 4096
/** statfs is asked for often; the disk's figures may be this old. */
const SPACE_FRESH_MS = 2_000

export class MountVfs implements Vfs {
  readonly root: NodeId
  readonly isReadOnly: boolean
  readonly epoch: bigint
  readonly #parts: MountVfsParts
  readonly #handles = new Handles()
  readonly #namespace: Namespace
  readonly #xattrs: MountXattrs
  readonly #keptPages = new KeptPages()
  readonly #stopWatching: () => void
  #space: { readonly atMs: number; readonly freeBytes: number } | undefined

  constructor(parts: MountVfsParts) {
    this.#parts = parts
    this.root = parts.root
    this.isReadOnly = parts.isReadOnly
    this.epoch = parts.epoch
    this.#namespace = new Namespace(parts)
    this.#xattrs = new MountXattrs(parts)
    this.#stopWatching = parts.tree.watch((changes) => this.#keptPages.note(changes, parts.origin))
  }

  get openHandles(): number {
    return this.#handles.count
  }

  /** Seals and closes whatever programs left open; for the end of the mount. */
  async close(): Promise<void> {
    this.#stopWatching()
    for (const handle of this.#handles.all()) await this.release(handle)
  }

  async lookup(context: Context, directory: NodeId, name: string) {
    this.#parts.folders?.use(directory)
    const row = await this.#namespace.findWithAttributes(context, directory, name)
    return { attributes: this.#attributes(row), realName: row.name }
  }

  parentOf(id: NodeId): { readonly id: NodeId; readonly name: string } {
    const row = this.#parts.tree.node(id)
    if (id === this.root) return { id, name: '' }
    return { id: present(row.parent, `parent of node ${id}`), name: row.name }
  }

  async getattr(context: Context, target: Target): Promise<Attributes> {
    const row = this.#parts.tree.node(target.id)
    await this.#namespace.ensureAttributes(context, row)
    return this.#attributes(this.#parts.tree.node(target.id))
  }

  async setattr(context: Context, target: Target, changes: AttributeChanges): Promise<Attributes> {
    this.#namespace.checkWritable()
    const row = this.#parts.tree.node(target.id)
    if (changes.guardCtime !== undefined && changes.guardCtime !== row.ctime) {
      throw new PailError('vfs/stale', `ctime of node ${row.id} is another one`)
    }
    if (changes.sizeBytes !== undefined) await this.#resize(context, target, changes.sizeBytes)
    const nowNs = this.#parts.clock.nowNs()
    const hasMode = changes.mode !== undefined && row.kind !== 'symlink'
    const edit = {
      ...(hasMode ? { mode: (changes.mode ?? 0) & 0o7777 } : {}),
      ...(changes.uid === undefined ? {} : { uid: changes.uid }),
      ...(changes.gid === undefined ? {} : { gid: changes.gid }),
      ...(changes.atime === undefined ? {} : { atime: stampOf(changes.atime, nowNs) }),
      ...(changes.mtime === undefined ? {} : { mtime: stampOf(changes.mtime, nowNs) }),
    }
    if (Object.keys(edit).length > 0) {
      const content = this.#parts.contents.peek(target.id)
      if (edit.mtime !== undefined) content?.setMtime(edit.mtime)
      await editAttributes(this.#parts.tree, target.id, edit, this.#parts.origin)
      content?.noteRow()
    }
    return this.#attributes(this.#parts.tree.node(target.id))
  }

  /** Rights are the kernel's to check, by the mode and owner that it is given. */
  async access(_context: Context, id: NodeId, mask: number): Promise<void> {
    this.#parts.tree.node(id)
    if ((mask & 2) !== 0 && this.isReadOnly) throw new PailError('vfs/read-only', `node ${id}`)
  }

  readlink(context: Context, id: NodeId): Promise<string> {
    return readLink(this.#parts, id, context.signal)
  }

  async openDirectory(_context: Context, id: NodeId): Promise<HandleId> {
    this.#parts.tree.directory(id)
    const handle = this.#handles.add({ kind: 'directory', id })
    this.#parts.folders?.hold(id)
    return handle
  }

  async readdir(
    context: Context,
    target: Target,
    cookie: number,
    entriesMax: number,
  ): Promise<DirectoryPage> {
    if (cookie === 0) this.#parts.folders?.use(target.id)
    if (cookie === 0) await this.#parts.listings.begin(target.id, context.signal)
    for (let after = cookie; ; ) {
      const found = await this.#page(context, target.id, after, entriesMax)
      const last = found.at(-1)
      if (!last) return { entries: [], isEnd: true }
      const rows = await this.#namespace.withAttributes(context, target.id, after, found)
      after = last.id
      if (rows.length === 0) continue
      const entries = rows.map((row) => ({
        name: row.name,
        cookie: row.id,
        attributes: this.#attributes(row),
      }))
      return { entries, isEnd: false }
    }
  }

  /** Waits for more of a directory that is being listed for the first time. */
  async #page(
    context: Context,
    id: NodeId,
    cookie: number,
    entriesMax: number,
  ): Promise<NodeRow[]> {
    const { tree, listings } = this.#parts
    let rows = tree.nodes.children(id, cookie, entriesMax)
    while (rows.length === 0 && listings.isListing(id)) {
      if (tree.directory(id).listedMs > 0) break
      await listings.nextPage(id, context.signal)
      rows = tree.nodes.children(id, cookie, entriesMax)
    }
    return rows
  }

  async create(context: Context, directory: NodeId, name: string, request: CreateRequest) {
    const made = await this.#namespace.create(context, directory, name, request)
    const opened = await this.open(
      context,
      made.row.id,
      made.wasCreated ? { ...request, truncate: false } : request,
    )
    return { ...opened, wasCreated: made.wasCreated, directory: made.change }
  }

  async open(context: Context, id: NodeId, request: OpenRequest): Promise<Opened> {
    if (request.write) this.#checkWritten(id)
    await this.#freshFile(context, id)
    const isEmptied = request.truncate === true
    const how = { context, isEmptied }
    await this.#readOrTell(id, () => learnBeforeOpen(this.#parts, id, how))
    const content = await this.#parts.contents.acquire(id)
    try {
      if (request.truncate) await content.truncate(0)
    } catch (thrown) {
      await this.#parts.contents.release(content, this.#parts.origin)
      throw thrown
    }
    if (request.write) this.#noteWriter(context, content)
    const keepCache = this.#keptPages.open(id)
    const handle = this.#handles.add({
      kind: 'file',
      content,
      session: content.openSession({ hasPages: keepCache }),
      canRead: request.read,
      canWrite: request.write,
      isAppend: request.append ?? false,
    })
    return { handle, attributes: this.#attributes(this.#parts.tree.node(id)), keepCache }
  }

  #noteWriter({ pid }: Context, content: FileContent): void {
    content.writers++
    const { tree, contents, programOf } = this.#parts
    contents.writers.opened(content.id, tree.node(content.id).name, () => programOf?.(pid))
  }

  async read(context: Context, target: Target, offset: number, into: Uint8Array): Promise<number> {
    if (target.handle !== undefined) {
      const open = this.#handles.file(target.handle)
      const { content, session } = open
      const read = () => content.read(session, offset, into, context.signal)
      const count = await this.#readOrTell(target.id, () =>
        readUnseen(this.#parts, open, read, context.signal),
      )
      if (offset === session.readTo) session.readTo += count
      const bytes = takeFetchedBytes(session)
      if (bytes > 0) this.#parts.onDidFetch?.(target.id, context.pid, bytes)
      return count
    }
    return this.#withContent(target.id, async (content) => {
      const session = content.openSession()
      try {
        return await this.#readOrTell(target.id, () =>
          content.read(session, offset, into, context.signal),
        )
      } finally {
        content.closeSession(session)
      }
    })
  }

  async write(_context: Context, target: Target, offset: number | 'append', data: Uint8Array) {
    this.#namespace.checkWritable()
    if (target.handle === undefined) {
      const written = await this.#withContent(target.id, (content) =>
        content.write(undefined, offset, data),
      )
      return { written, attributes: this.#attributes(this.#parts.tree.node(target.id)) }
    }
    const open = this.#writable(target.handle)
    const at = open.isAppend ? 'append' : offset
    if (at === 0) this.#parts.contents.writers.started(open.content.id, data)
    const written = await open.content.write(open.session, at, data)
    return { written, attributes: this.#attributes(this.#parts.tree.node(target.id)) }
  }

  async editRange(_context: Context, target: Target, range: Range, edit: RangeEdit) {
    this.#namespace.checkWritable()
    if (target.handle !== undefined) {
      await editRange(this.#writable(target.handle).content, range, edit)
      return
    }
    await this.#withContent(target.id, (content) => editRange(content, range, edit))
  }

  async seek(_context: Context, target: Target, offset: number, what: 'data' | 'hole') {
    if (target.handle === undefined) throw new PailError('vfs/bad-handle', 'seek without a handle')
    return seekIn(this.#handles.file(target.handle), offset, what)
  }

  async copyRange(
    context: Context,
    from: Required<Target> & { readonly offset: number },
    to: Required<Target> & { readonly offset: number },
    lengthBytes: number,
  ): Promise<number> {
    this.#namespace.checkWritable()
    const source = { open: this.#handles.file(from.handle), offset: from.offset }
    const target = { open: this.#writable(to.handle), offset: to.offset }
    const { isOnline = () => true, lentBytesMin = LENT_BYTES_MIN } = this.#parts
    // Where the server could not copy it, its bytes are read: what is here of them is enough, or not.
    const isOutOfReach = this.#parts.isOutOfReach?.(this.#parts.tree.node(from.id)) ?? false
    const mayLend = isOnline() && !isOutOfReach
    const lent = mayLend ? await lendBytes(source, target, lengthBytes, lentBytesMin) : undefined
    return lent ?? copyBytes(source, target, lengthBytes, context.signal)
  }

  async flush(context: Context, target: Target): Promise<void> {
    const programOf = () => this.#parts.programOf?.(context.pid)
    const content = this.#parts.contents.peek(target.id)
    await content?.seal(this.#parts.origin, context, programOf)
  }

  async commit(context: Context, target: Target): Promise<void> {
    const content = this.#parts.contents.peek(target.id)
    if (content) await content.commit(this.#parts.origin, context.signal)
    else await this.#parts.tree.database.sync()
  }

  async release(handle: HandleId): Promise<void> {
    const open = this.#handles.take(handle)
    if (open?.kind === 'directory') this.#parts.folders?.release(open.id)
    if (open?.kind !== 'file') return
    open.content.closeSession(open.session)
    const { readTo } = open.session
    if (readTo > 0 && readTo === open.content.sizeBytes) {
      this.#parts.onDidReadWhole?.(open.content.id)
    }
    if (open.canWrite) open.content.writers--
    await this.#parts.contents.release(open.content, this.#parts.origin)
    if (open.canWrite) this.#parts.tree.onDidJournal()
  }

  async mkdir(context: Context, directory: NodeId, name: string, mode: number) {
    const made = await this.#namespace.mkdir(context, directory, name, mode)
    return { attributes: this.#attributes(made.row), directory: made.change }
  }

  async symlink(context: Context, directory: NodeId, name: string, target: string) {
    const made = await this.#namespace.symlink(context, directory, name, target)
    return { attributes: this.#attributes(made.row), directory: made.change }
  }

  remove(
    context: Context,
    directory: NodeId,
    name: string,
    request: {
      readonly kind: 'file' | 'directory'
      readonly only?: NodeId
      readonly test?: boolean
    },
  ) {
    return this.#namespace.remove(context, directory, name, request)
  }

  rename(
    context: Context,
    from: { readonly directory: NodeId; readonly name: string },
    to: { readonly directory: NodeId; readonly name: string },
    mode: RenameMode,
  ) {
    return this.#namespace.rename(context, from, to, mode)
  }

  async getxattr(_context: Context, target: Target, name: string): Promise<Uint8Array> {
    return this.#xattrs.get(target.id, name)
  }

  async setxattr(
    _context: Context,
    target: Target,
    attribute: { readonly name: string; readonly value: Uint8Array; readonly mode: XattrMode },
  ): Promise<void> {
    this.#namespace.checkWritable()
    await this.#xattrs.set(target.id, attribute.name, attribute.value, attribute.mode)
  }

  async listxattr(_context: Context, target: Target): Promise<readonly string[]> {
    return this.#xattrs.list(target.id)
  }

  async removexattr(_context: Context, target: Target, name: string): Promise<void> {
    this.#namespace.checkWritable()
    await this.#xattrs.remove(target.id, name)
  }

  /**
   * What this computer's disk can still take, as whole and as free: nobody knows what a bucket could
   * hold, and what else lies on that disk is not used up here.
   */
  async statfs(): Promise<FileSystemFacts> {
    const nowMs = this.#parts.clock.monotonicMs()
    if (!this.#space || nowMs - this.#space.atMs > SPACE_FRESH_MS) {
      const { freeBytes } = await this.#parts.space()
      this.#space = { atMs: nowMs, freeBytes }
    }
    return {
      blockSizeBytes: BLOCK_SIZE_BYTES,
      totalBytes: this.#space.freeBytes,
      freeBytes: this.#space.freeBytes,
      files: this.#parts.tree.nodes.count(this.#parts.tree.volume),
      nameBytesMax: 255,
    }
  }

  watch(onDidChange: (changes: readonly Change[]) => void): () => void {
    return this.#parts.tree.watch((changes) => onDidChange(changes.map((one) => this.#told(one))))
  }

  #writable(handle: HandleId): OpenFile {
    const open = this.#handles.file(handle)
    if (!open.canWrite) throw new PailError('vfs/bad-handle', 'opened for reading')
    return open
  }

  #told(change: TreeChange): Change {
    const isOwn = change.origin === this.#parts.origin
    return { ...change, origin: isOwn ? 'fuse' : 'remote' }
  }

  async #readOrTell<T>(id: NodeId, read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (thrown) {
      const { code } = PailError.from(thrown)
      if (code.startsWith('net/') || code === 's3/archived') this.#parts.onDidMiss?.(id, code)
      throw thrown
    }
  }

  #attributes(row: NodeRow): Attributes {
    return this.#namespace.attributes(row)
  }

  /** The file as new as its directory's listing can tell; offline, as it was last seen. */
  async #freshFile(context: Context, id: NodeId): Promise<NodeRow> {
    const { tree } = this.#parts
    const row = tree.node(id)
    if (row.kind === 'directory') throw new PailError('vfs/is-a-directory', `node ${id}`)
    // Who opens a link has a path that was walked before it became one: it is walked again.
    if (row.kind === 'symlink') throw new PailError('vfs/stale', `node ${id} is a link`)
    if (row.parent === null || tree.isBusy(row)) return row
    await this.#namespace.freshen(context, row.parent, row.name)
    const fresh = tree.nodes.byId(id)
    if (!fresh) throw new PailError('vfs/stale', `node ${id} is gone from the bucket`)
    return fresh
  }

  #checkWritten(id: NodeId): void {
    this.#namespace.checkWritable()
    const row = this.#parts.tree.node(id)
    if (row.parent !== null) this.#namespace.checkName(row.parent, row.name)
  }

  async #resize(context: Context, target: Target, sizeBytes: number): Promise<void> {
    if (target.handle !== undefined) {
      await this.#handles.file(target.handle).content.truncate(sizeBytes)
      return
    }
    this.#checkWritten(target.id)
    await this.#freshFile(context, target.id)
    await this.#withContent(target.id, async (content) => {
      await content.truncate(sizeBytes)
      // Without a descriptor there is no close to seal at, unless another program has it open.
      if (content.writers === 0) await content.seal(this.#parts.origin)
    })
  }

  async #withContent<T>(id: NodeId, work: (content: FileContent) => Promise<T>): Promise<T> {
    const content = await this.#parts.contents.acquire(id)
    try {
      return await work(content)
    } finally {
      await this.#parts.contents.release(content, this.#parts.origin)
    }
  }
}

function stampOf(value: Stamp | 'now', nowNs: bigint): Stamp {
  return value === 'now' ? nowNs : clampStamp(value)
}
