/**
 * A complete small file system in memory, behind the interface that front ends drive.
 *
 * For tests of front ends: every operation can be made to fail or hang by `before`, and the other
 * side of the bucket is played by `writeRemotely` and `removeRemotely`.
 */

import type {
  AttributeChanges,
  Attributes,
  Change,
  Context,
  CreateRequest,
  DirectoryChange,
  DirectoryPage,
  FileSystemFacts,
  NodeId,
  NodeKind,
  Opened,
  OpenRequest,
  Range,
  RangeEdit,
  RenameMode,
  Stamp,
  Target,
  Vfs,
  XattrMode,
} from '../../engine/vfs/vfs.ts'
import { PailError } from '../../shared/errors.ts'

export type MemoryOperation = Exclude<
  keyof Vfs,
  'root' | 'isReadOnly' | 'epoch' | 'parentOf' | 'watch'
>
type Child = { readonly id: NodeId; readonly cookie: number }
type Node = {
  attributes: Attributes
  data: Buffer
  readonly target: string
  readonly xattrs: Map<string, Uint8Array>
  readonly children: Map<string, Child>
  parent: NodeId
  name: string
}

const FIRST_COOKIE = 3
const NAME_BYTES_MAX = 255

export class MemoryVfs implements Vfs {
  readonly root: NodeId
  readonly isReadOnly = false
  readonly epoch = 1n
  /** Runs before each operation: throw to fail it, wait to hang it. */
  before: (operation: MemoryOperation, context: Context | undefined) => void | Promise<void> =
    () => {}
  readonly calls = new Map<MemoryOperation, number>()
  readonly #nodes = new Map<NodeId, Node>()
  readonly #handles = new Map<number, { readonly id: NodeId; readonly request: OpenRequest }>()
  readonly #watchers = new Set<(changes: readonly Change[]) => void>()
  readonly #owner: { readonly uid: number; readonly gid: number }
  readonly #nowNs: () => bigint
  #nextId: number
  #nextHandle = 1
  #nextCookie = FIRST_COOKIE

  constructor(options: { root?: NodeId; uid?: number; gid?: number; nowNs?: () => bigint } = {}) {
    this.root = options.root ?? 1
    this.#nextId = this.root + 1
    this.#owner = { uid: options.uid ?? 0, gid: options.gid ?? 0 }
    this.#nowNs = options.nowNs ?? (() => 1_700_000_000_123_456_789n)
    this.#nodes.set(this.root, this.#makeNode(this.root, 'directory', 0o755))
  }

  get openHandles(): number {
    return this.#handles.size
  }

  async lookup(context: Context, directory: NodeId, name: string) {
    await this.#enter('lookup', context)
    if (name === '.') return { attributes: this.#node(directory).attributes, realName: name }
    if (name === '..') {
      const parent = this.#node(this.#node(directory).parent)
      return { attributes: parent.attributes, realName: name }
    }
    return { attributes: this.#child(directory, name).attributes, realName: name }
  }

  parentOf(id: NodeId) {
    const { parent, name } = this.#node(id)
    return { id: parent, name }
  }

  async getattr(context: Context, target: Target): Promise<Attributes> {
    await this.#enter('getattr', context)
    return this.#node(target.id).attributes
  }

  async setattr(context: Context, target: Target, changes: AttributeChanges) {
    await this.#enter('setattr', context)
    const node = this.#node(target.id)
    if (changes.sizeBytes !== undefined) this.#resize(node, changes.sizeBytes)
    const { guardCtime: _guard, sizeBytes: _size, atime, mtime, ...plain } = changes
    this.#touch(node, {
      ...plain,
      ...(atime === undefined ? {} : { atime: this.#stamp(atime) }),
      ...(mtime === undefined ? {} : { mtime: this.#stamp(mtime) }),
    })
    return node.attributes
  }

  async access(context: Context): Promise<void> {
    await this.#enter('access', context)
  }

  async readlink(context: Context, id: NodeId): Promise<string> {
    await this.#enter('readlink', context)
    return this.#node(id).target
  }

  async readdir(
    context: Context,
    target: Target,
    cookie: number,
    entriesMax: number,
  ): Promise<DirectoryPage> {
    await this.#enter('readdir', context)
    const entries = []
    for (const [name, child] of this.#directory(target.id).children) {
      if (child.cookie <= cookie) continue
      if (entries.length === entriesMax) return { entries, isEnd: false }
      const { attributes } = this.#node(child.id)
      entries.push({ name, cookie: child.cookie, attributes })
    }
    return { entries, isEnd: true }
  }

  async openDirectory(context: Context, id: NodeId): Promise<number> {
    await this.#enter('openDirectory', context)
    this.#directory(id)
    return this.#addHandle(id, { read: true, write: false })
  }

  async create(context: Context, directory: NodeId, name: string, request: CreateRequest) {
    await this.#enter('create', context)
    const before = this.#directory(directory).attributes.change
    const existing = this.#directory(directory).children.get(name)
    if (existing && request.exclusive) throw new PailError('vfs/exists', name)
    const node = existing ? this.#node(existing.id) : this.#add(directory, name, 'file', request)
    if (existing && request.truncate) this.#resize(node, 0)
    return {
      ...this.#opened(node, request),
      wasCreated: !existing,
      directory: { before, after: this.#node(directory).attributes },
    }
  }

  async open(context: Context, id: NodeId, request: OpenRequest): Promise<Opened> {
    await this.#enter('open', context)
    const node = this.#node(id)
    if (request.truncate) this.#resize(node, 0)
    return this.#opened(node, request)
  }

  async read(context: Context, target: Target, offset: number, into: Uint8Array) {
    await this.#enter('read', context)
    const { data, attributes } = this.#node(target.id)
    const end = Math.min(offset + into.length, attributes.sizeBytes)
    if (offset >= end) return 0
    into.set(data.subarray(offset, end))
    return end - offset
  }

  async write(context: Context, target: Target, offset: number | 'append', data: Uint8Array) {
    await this.#enter('write', context)
    const node = this.#node(target.id)
    const at = offset === 'append' ? node.attributes.sizeBytes : offset
    this.#reserve(node, at + data.length)
    node.data.set(data, at)
    const sizeBytes = Math.max(node.attributes.sizeBytes, at + data.length)
    this.#touch(node, { sizeBytes, allocatedBytes: sizeBytes, mtime: this.#nowNs() })
    return { written: data.length, attributes: node.attributes }
  }

  async editRange(context: Context, target: Target, range: Range, edit: RangeEdit): Promise<void> {
    await this.#enter('editRange', context)
    const node = this.#node(target.id)
    const end = range.offset + range.lengthBytes
    if (edit === 'punch') node.data.fill(0, range.offset, end)
    if (edit === 'punch' || edit === 'reserve') return
    this.#reserve(node, end)
    if (edit === 'zero') node.data.fill(0, range.offset, end)
    if (end > node.attributes.sizeBytes) this.#resize(node, end)
  }

  async seek(context: Context, target: Target, offset: number, what: 'data' | 'hole') {
    await this.#enter('seek', context)
    const { sizeBytes } = this.#node(target.id).attributes
    if (offset >= sizeBytes) throw new PailError('vfs/no-data', `${offset}`)
    return what === 'data' ? offset : sizeBytes
  }

  async copyRange(
    context: Context,
    from: Target & { readonly offset: number },
    to: Target & { readonly offset: number },
    lengthBytes: number,
  ): Promise<number> {
    const bytes = new Uint8Array(lengthBytes)
    const count = await this.read(context, from, from.offset, bytes)
    return (await this.write(context, to, to.offset, bytes.subarray(0, count))).written
  }

  async flush(context: Context): Promise<void> {
    await this.#enter('flush', context)
  }

  async commit(context: Context): Promise<void> {
    await this.#enter('commit', context)
  }

  async release(handle: number): Promise<void> {
    await this.#enter('release', undefined)
    if (!this.#handles.delete(handle)) throw new PailError('vfs/bad-handle', `${handle}`)
  }

  async mkdir(context: Context, directory: NodeId, name: string, mode: number) {
    await this.#enter('mkdir', context)
    return this.#addNew(directory, name, 'directory', { mode })
  }

  async symlink(context: Context, directory: NodeId, name: string, target: string) {
    await this.#enter('symlink', context)
    return this.#addNew(directory, name, 'symlink', { mode: 0o777, target })
  }

  async remove(
    context: Context,
    directory: NodeId,
    name: string,
    request: { kind: 'file' | 'directory'; only?: NodeId; test?: boolean },
  ): Promise<DirectoryChange> {
    await this.#enter('remove', context)
    const parent = this.#directory(directory)
    const before = parent.attributes.change
    this.#checkRemovable(this.#child(directory, name), request)
    if (!request.test) {
      parent.children.delete(name)
      this.#touch(parent, { mtime: this.#nowNs() })
    }
    return { before, after: parent.attributes }
  }

  async rename(
    context: Context,
    from: { directory: NodeId; name: string },
    to: { directory: NodeId; name: string },
    mode: RenameMode,
  ) {
    await this.#enter('rename', context)
    const source = this.#child(from.directory, from.name)
    const replaced = this.#directory(to.directory).children.get(to.name)
    if (replaced && mode === 'noreplace') throw new PailError('vfs/exists', to.name)
    if (!replaced && mode === 'exchange') throw new PailError('vfs/not-found', to.name)
    const before = [from, to].map(({ directory }) => this.#node(directory).attributes.change)
    this.#directory(from.directory).children.delete(from.name)
    this.#place(to.directory, to.name, source)
    if (replaced && mode === 'exchange') {
      this.#place(from.directory, from.name, this.#node(replaced.id))
    }
    return {
      from: { before: before[0] ?? 0, after: this.#node(from.directory).attributes },
      to: { before: before[1] ?? 0, after: this.#node(to.directory).attributes },
    }
  }

  async getxattr(context: Context, target: Target, name: string): Promise<Uint8Array> {
    await this.#enter('getxattr', context)
    const value = this.#node(target.id).xattrs.get(name)
    if (!value) throw new PailError('vfs/no-attribute', name)
    return value
  }

  async setxattr(
    context: Context,
    target: Target,
    { name, value, mode }: { name: string; value: Uint8Array; mode: XattrMode },
  ): Promise<void> {
    await this.#enter('setxattr', context)
    const { xattrs } = this.#node(target.id)
    if (mode === 'create' && xattrs.has(name)) throw new PailError('vfs/exists', name)
    if (mode === 'replace' && !xattrs.has(name)) throw new PailError('vfs/no-attribute', name)
    xattrs.set(name, Uint8Array.from(value))
  }

  async listxattr(context: Context, target: Target): Promise<readonly string[]> {
    await this.#enter('listxattr', context)
    return [...this.#node(target.id).xattrs.keys()]
  }

  async removexattr(context: Context, target: Target, name: string): Promise<void> {
    await this.#enter('removexattr', context)
    if (!this.#node(target.id).xattrs.delete(name)) throw new PailError('vfs/no-attribute', name)
  }

  async statfs(): Promise<FileSystemFacts> {
    await this.#enter('statfs', undefined)
    return {
      blockSizeBytes: 4096,
      totalBytes: 2 ** 50,
      freeBytes: 2 ** 49,
      files: this.#nodes.size,
      nameBytesMax: NAME_BYTES_MAX,
    }
  }

  watch(onDidChange: (changes: readonly Change[]) => void): () => void {
    this.#watchers.add(onDidChange)
    return () => this.#watchers.delete(onDidChange)
  }

  /** Another computer stores a file directly under the root. */
  writeRemotely(name: string, content: string | Buffer): NodeId {
    const existing = this.#directory(this.root).children.get(name)
    const node = existing
      ? this.#node(existing.id)
      : this.#add(this.root, name, 'file', { mode: 0o644 })
    node.data = Buffer.from(content)
    this.#touch(node, { sizeBytes: node.data.length, mtime: this.#nowNs() })
    this.report({ type: existing ? 'data' : 'added', id: node.attributes.id, name })
    return node.attributes.id
  }

  removeRemotely(name: string): void {
    const { id } = this.#child(this.root, name).attributes
    this.#directory(this.root).children.delete(name)
    this.report({ type: 'removed', id, name })
  }

  report(change: Pick<Change, 'type' | 'id' | 'name'> & Partial<Change>): void {
    for (const onDidChange of this.#watchers) {
      onDidChange([{ parent: this.root, origin: 'remote', ...change }])
    }
  }

  async #enter(operation: MemoryOperation, context: Context | undefined): Promise<void> {
    this.calls.set(operation, (this.calls.get(operation) ?? 0) + 1)
    await this.before(operation, context)
  }

  #makeNode(id: NodeId, kind: NodeKind, mode: number, target = ''): Node {
    const now = this.#nowNs()
    const attributes: Attributes = {
      ...this.#owner,
      id,
      kind,
      mode,
      generation: 1,
      sizeBytes: target.length,
      allocatedBytes: 0,
      linkCount: kind === 'directory' ? 2 : 1,
      atime: now,
      mtime: now,
      ctime: now,
      birthtime: now,
      change: 1,
    }
    const data = Buffer.alloc(0)
    return {
      attributes,
      data,
      target,
      xattrs: new Map(),
      children: new Map(),
      parent: id,
      name: '',
    }
  }

  #add(
    directory: NodeId,
    name: string,
    kind: NodeKind,
    facts: { mode: number; target?: string },
  ): Node {
    if (Buffer.byteLength(name) > NAME_BYTES_MAX) throw new PailError('vfs/name-too-long', name)
    const node = this.#makeNode(this.#nextId++, kind, facts.mode, facts.target)
    this.#nodes.set(node.attributes.id, node)
    this.#place(directory, name, node)
    return node
  }

  #addNew(
    directory: NodeId,
    name: string,
    kind: NodeKind,
    facts: { mode: number; target?: string },
  ) {
    const parent = this.#directory(directory)
    if (parent.children.has(name)) throw new PailError('vfs/exists', name)
    const before = parent.attributes.change
    const { attributes } = this.#add(directory, name, kind, facts)
    return { attributes, directory: { before, after: parent.attributes } }
  }

  #place(directory: NodeId, name: string, node: Node): void {
    const parent = this.#directory(directory)
    parent.children.delete(name)
    parent.children.set(name, { id: node.attributes.id, cookie: this.#nextCookie++ })
    node.parent = directory
    node.name = name
    this.#touch(parent, { mtime: this.#nowNs() })
  }

  #checkRemovable(node: Node, request: { kind: 'file' | 'directory'; only?: NodeId }): void {
    const isDirectory = node.attributes.kind === 'directory'
    if (isDirectory && request.kind === 'file') throw new PailError('vfs/is-a-directory', node.name)
    if (!isDirectory && request.kind === 'directory') {
      throw new PailError('vfs/not-a-directory', node.name)
    }
    if (node.children.size > 0) throw new PailError('vfs/not-empty', node.name)
    if (request.only !== undefined && request.only !== node.attributes.id) {
      throw new PailError('vfs/stale', node.name)
    }
  }

  #node(id: NodeId): Node {
    const node = this.#nodes.get(id)
    if (!node) throw new PailError('vfs/stale', `node ${id}`)
    return node
  }

  #directory(id: NodeId): Node {
    const node = this.#node(id)
    if (node.attributes.kind !== 'directory') throw new PailError('vfs/not-a-directory', `${id}`)
    return node
  }

  #child(directory: NodeId, name: string): Node {
    const child = this.#directory(directory).children.get(name)
    if (!child) throw new PailError('vfs/not-found', name)
    return this.#node(child.id)
  }

  #opened(node: Node, request: OpenRequest): Opened {
    const handle = this.#addHandle(node.attributes.id, request)
    return { handle, attributes: node.attributes, keepCache: true }
  }

  #addHandle(id: NodeId, request: OpenRequest): number {
    this.#handles.set(this.#nextHandle, { id, request })
    return this.#nextHandle++
  }

  #touch(node: Node, changes: Partial<Attributes>): void {
    const change = node.attributes.change + 1
    node.attributes = { ...node.attributes, ...changes, ctime: this.#nowNs(), change }
  }

  #resize(node: Node, sizeBytes: number): void {
    this.#reserve(node, sizeBytes)
    node.data.fill(0, Math.min(sizeBytes, node.attributes.sizeBytes))
    this.#touch(node, { sizeBytes, allocatedBytes: sizeBytes, mtime: this.#nowNs() })
  }

  #reserve(node: Node, sizeBytes: number): void {
    if (node.data.length >= sizeBytes) return
    const grown = Buffer.alloc(Math.max(sizeBytes, node.data.length * 2))
    node.data.copy(grown)
    node.data = grown
  }

  #stamp(value: Stamp | 'now'): Stamp {
    return value === 'now' ? this.#nowNs() : value
  }
}
