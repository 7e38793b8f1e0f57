/**
 * The file system as front ends see it: FUSE today, a loopback NFSv3 server and WinFsp later.
 *
 * Keeps: ids are 64-bit on the wire, allocated once from a rising sequence below 2^53, persisted
 *        before the reply that shows them, never reused (so a generation is constant), and found
 *        again after eviction and restart.
 * Keeps: reads and writes work by node alone (NFS never opens) or by handle (rights from open,
 *        orphans stay readable).
 * Fails: with a PailError; its errno is what the program sees.
 * Never: knows a kernel, a wire format or HTTP.
 *
 * docs/decisions/0006-vfs-interface.md says why each part is here.
 */

export type NodeId = number
/** Nanoseconds since 1970, UTC. */
export type Stamp = bigint
export type HandleId = number
export type NodeKind = 'file' | 'directory' | 'symlink'

export type Attributes = {
  readonly id: NodeId
  readonly generation: number
  readonly kind: NodeKind
  readonly sizeBytes: number
  readonly allocatedBytes: number
  readonly linkCount: number
  /** Permission bits alone; the kind is `kind`. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly atime: Stamp
  readonly mtime: Stamp
  readonly ctime: Stamp
  readonly birthtime: Stamp
  /** Rises strictly with every change of data, attributes or entries; persisted. */
  readonly change: number
}

export type AttributeChanges = {
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
  readonly sizeBytes?: number
  readonly atime?: Stamp | 'now'
  readonly mtime?: Stamp | 'now'
  /** NFSv3 guard: fails with `vfs/stale` when ctime is another one. */
  readonly guardCtime?: Stamp
}

/** Who asks, and how long they wait. Made by the front end from its own header. */
export type Context = {
  readonly uid: number
  readonly gid: number
  readonly pid: number
  /** Aborts when the program gives up (FUSE INTERRUPT) or the mount ends. */
  readonly signal: AbortSignal
  readonly front: 'fuse' | 'nfs3' | 'winfsp' | 'internal'
}

/** With a handle: rights were checked at open, and an orphan stays reachable. */
export type Target = { readonly id: NodeId; readonly handle?: HandleId }

export type OpenRequest = {
  readonly read: boolean
  readonly write: boolean
  readonly append?: boolean
  readonly truncate?: boolean
}

export type Opened = {
  readonly handle: HandleId
  readonly attributes: Attributes
  /** The content is the same version as at the last open: pages the kernel holds are still right. */
  readonly keepCache: boolean
}

export type CreateRequest = OpenRequest & {
  readonly mode: number
  /** Fails with `vfs/exists` when the name is taken. */
  readonly exclusive: boolean
  /** NFSv3 EXCLUSIVE create: a repeated call with the same verifier succeeds. */
  readonly verifier?: bigint
}

export type DirectoryEntry = {
  readonly name: string
  /** Position after this entry; survives inserts, removals and restarts. Above 2. */
  readonly cookie: number
  readonly attributes: Attributes
}

export type DirectoryPage = {
  readonly entries: readonly DirectoryEntry[]
  readonly isEnd: boolean
}

export type FileSystemFacts = {
  readonly blockSizeBytes: number
  readonly totalBytes: number
  readonly freeBytes: number
  readonly files: number
  readonly nameBytesMax: number
}

/** The directory before and after one mutation, taken together (NFS wcc_data, NFSv4 change_info). */
export type DirectoryChange = { readonly before: number; readonly after: Attributes }

/** What changed, for front ends that keep caches (kernel invalidation, directory notifications). */
export type Change = {
  readonly type: 'attributes' | 'data' | 'added' | 'removed'
  readonly id: NodeId
  readonly parent: NodeId
  readonly name: string
  /** `remote`: the bucket changed; `local`: an operation of `origin` did it. */
  readonly origin: 'remote' | Context['front']
}

/** `create`: fails with `vfs/exists` when it is there; `replace`: with `vfs/no-attribute` when not. */
export type XattrMode = 'set' | 'create' | 'replace'

/**
 * What fallocate(2) asks for. `extend`: the file is at least this long, and there is room for it.
 * `reserve`: room alone. `punch`: zeros within the file. `zero`: zeros, and the size follows.
 */
export type RangeEdit = 'extend' | 'reserve' | 'punch' | 'zero'

export type Range = { readonly offset: number; readonly lengthBytes: number }

export type RenameMode = 'replace' | 'noreplace' | 'exchange'

export interface Vfs {
  readonly root: NodeId
  readonly isReadOnly: boolean
  /** Write verifier: new at each start, and after any journal write that was lost. */
  readonly epoch: bigint

  /** `.` and `..` are answered. Case-insensitive hosts get the real name back. */
  lookup(
    context: Context,
    directory: NodeId,
    name: string,
    options?: { readonly caseInsensitive?: boolean },
  ): Promise<{ readonly attributes: Attributes; readonly realName: string }>
  parentOf(id: NodeId): { readonly id: NodeId; readonly name: string }
  getattr(context: Context, target: Target): Promise<Attributes>
  setattr(context: Context, target: Target, changes: AttributeChanges): Promise<Attributes>
  access(context: Context, id: NodeId, mask: number): Promise<void>
  readlink(context: Context, id: NodeId): Promise<string>

  /** Entries after `cookie` (0: from the start), at most `entriesMax`. Attributes come along. */
  readdir(
    context: Context,
    target: Target,
    cookie: number,
    entriesMax: number,
  ): Promise<DirectoryPage>
  openDirectory(context: Context, id: NodeId): Promise<HandleId>

  create(
    context: Context,
    directory: NodeId,
    name: string,
    request: CreateRequest,
  ): Promise<Opened & { readonly wasCreated: boolean; readonly directory: DirectoryChange }>
  open(context: Context, id: NodeId, request: OpenRequest): Promise<Opened>
  /** Fills `into` from `offset`. @returns bytes read; fewer than asked only at the end of the file */
  read(context: Context, target: Target, offset: number, into: Uint8Array): Promise<number>
  /** `data` is the caller's again once this resolves. `append` uses the size at this moment. */
  write(
    context: Context,
    target: Target,
    offset: number | 'append',
    data: Uint8Array,
  ): Promise<{ readonly written: number; readonly attributes: Attributes }>
  editRange(context: Context, target: Target, range: Range, edit: RangeEdit): Promise<void>
  /**
   * Where the next data, or the next hole, begins at or after `offset`; the end of a file is a hole.
   * @throws PailError `vfs/no-data` beyond the end, and where no data follows
   */
  seek(context: Context, target: Target, offset: number, what: 'data' | 'hole'): Promise<number>
  /** @returns bytes copied: fewer than asked where the source ends, and wherever it suits */
  copyRange(
    context: Context,
    from: Required<Target> & { readonly offset: number },
    to: Required<Target> & { readonly offset: number },
    lengthBytes: number,
  ): Promise<number>
  /** A descriptor was closed: everything written is sealed in the journal when this resolves (kill-safe). */
  flush(context: Context, target: Target): Promise<void>
  /** Sealed and synced: survives power loss (fsync, NFS COMMIT). Never waits for the upload. */
  commit(context: Context, target: Target): Promise<void>
  /** The last descriptor of this open is gone. */
  release(handle: HandleId): Promise<void>

  mkdir(
    context: Context,
    directory: NodeId,
    name: string,
    mode: number,
  ): Promise<{ readonly attributes: Attributes; readonly directory: DirectoryChange }>
  symlink(
    context: Context,
    directory: NodeId,
    name: string,
    target: string,
  ): Promise<{ readonly attributes: Attributes; readonly directory: DirectoryChange }>
  /** `only`: the name must still mean this node (delete-on-close). `test`: may it be removed, without doing so. */
  remove(
    context: Context,
    directory: NodeId,
    name: string,
    request: {
      readonly kind: 'file' | 'directory'
      readonly only?: NodeId
      readonly test?: boolean
    },
  ): Promise<DirectoryChange>
  rename(
    context: Context,
    from: { readonly directory: NodeId; readonly name: string },
    to: { readonly directory: NodeId; readonly name: string },
    mode: RenameMode,
  ): Promise<{ readonly from: DirectoryChange; readonly to: DirectoryChange }>

  /** Extended attributes. None of these asks the network. @throws PailError `vfs/no-attribute` */
  getxattr(context: Context, target: Target, name: string): Promise<Uint8Array>
  setxattr(
    context: Context,
    target: Target,
    attribute: { readonly name: string; readonly value: Uint8Array; readonly mode: XattrMode },
  ): Promise<void>
  listxattr(context: Context, target: Target): Promise<readonly string[]>
  removexattr(context: Context, target: Target, name: string): Promise<void>

  /** Never asks the network. */
  statfs(): Promise<FileSystemFacts>
  /** Batches of changes, in order. @returns stops watching */
  watch(onDidChange: (changes: readonly Change[]) => void): () => void
}
